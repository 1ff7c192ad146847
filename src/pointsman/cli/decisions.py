"""`pointsman decisions`: what became of requests, one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from urllib.parse import quote, urlencode

import msgspec
import typer
from msgspec.structs import replace

from pointsman.assembly.offline import reading, running_at
from pointsman.cli import remote
from pointsman.cli.chat.words import score_by
from pointsman.cli.options import (
    ConfigOption,
    DaysOption,
    JsonOption,
    KeyOption,
    OrganisationOption,
    SinceOption,
    UntilOption,
    entries_of,
)
from pointsman.cli.output import dollars, print_table
from pointsman.cli.reading import said
from pointsman.config import Settings, load
from pointsman.errors import ConfigError
from pointsman.ledger.view import entry_json
from pointsman.types import (
    Attempt,
    Dropped,
    Filter,
    Outcome,
    PlannedAttempt,
    Usage,
    Verdict,
)

_MOST = 1000  # that the gateway tells at once


class _Record(msgspec.Struct):
    """Of a decision record, see `ledger.view.entry_view`, what is shown to people."""

    request_id: str
    time: datetime
    organisation: str
    key: str
    user: str | None
    model_asked: str
    tier: str
    score: float | None
    scorer: str
    domain: str
    deployment: str | None
    served_tier: str | None
    reason: str
    plan: list[PlannedAttempt]
    dropped: list[Dropped]
    attempts: list[Attempt]
    outcome: Outcome
    error: str | None
    usage: Usage | None
    cost: Decimal | None
    overhead: Decimal | None
    baseline_cost: Decimal | None
    saved: Decimal | None
    latency_ms: float | None
    ttft_ms: float | None
    cache: str
    verdict: Verdict | None


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]


def decisions(
    *,
    request_id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="The `x-request-id` of a reply: all about that one."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=_MOST, help="The newest so many.")
    ] = 20,
    outcome: Annotated[
        Outcome | None, typer.Option("--outcome", help="Only those that ended so.")
    ] = None,
    deployment: Annotated[
        str | None, typer.Option("--deployment", metavar="NAME", help="Only what it answered.")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="NAME", help="Only this end user's.")
    ] = None,
    days: DaysOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    organisation: OrganisationOption = None,
    key: KeyOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """What became of requests, the newest first; or of one, with the reasons."""
    which = entries_of(days=days, since=since, until=until, organisation=organisation, key=key)
    which = replace(which, outcome=outcome, deployment=deployment, user=user)
    settings = load(config)
    if request_id is None:
        found = asyncio.run(_newest(settings, limit, which))
        _show_all(found, as_json=as_json)
    else:
        _show(asyncio.run(_one(settings, request_id)), as_json=as_json)


async def _newest(settings: Settings, limit: int, which: Filter) -> Sequence[bytes]:
    address = running_at(settings)
    if address is not None:
        asked = urlencode({**said(which), "limit": str(limit)})
        page = await remote.call(settings, address, f"/v1/decisions?{asked}", _Page)
        return [bytes(each) for each in page.data]
    async with reading(settings) as books:
        return [entry_json(each) for each in await books.list(limit=limit, which=which)]


async def _one(settings: Settings, request_id: str) -> bytes:
    address = running_at(settings)
    if address is not None:
        path = f"/v1/decisions/{quote(request_id, safe='')}"
        return bytes(await remote.call(settings, address, path, msgspec.Raw))
    async with reading(settings) as books:
        entry = await books.get(request_id)
    if entry is None:
        raise ConfigError(f"there is no decision {request_id!r}")
    return entry_json(entry)


def _show_all(found: Sequence[bytes], *, as_json: bool) -> None:
    if as_json:
        _print_exactly(b'{"data": [' + b",".join(found) + b"]}")
        return
    if not found:
        typer.echo("The books have nothing there. `pointsman serve`, then send it a prompt.")
        return
    columns = (
        "time",
        "asked",
        "score#",
        "tier",
        "answered by",
        "outcome",
        "cache",
        "ms#",
        "cost $",
    )
    rows = [_row(msgspec.json.decode(each, type=_Record)) for each in found]
    print_table((*columns, "id"), rows)


def _row(each: _Record) -> tuple[str, ...]:
    return (
        f"{each.time.astimezone():%m-%d %H:%M:%S}",
        each.model_asked,
        "-" if each.score is None else f"{each.score:.0f}",
        each.served_tier or each.tier,
        each.deployment or "nobody",
        each.outcome,
        each.cache,
        "" if each.latency_ms is None else f"{each.latency_ms:.0f}",
        "" if each.usage is None else dollars(each.cost),
        each.request_id,
    )


def _show(found: bytes, *, as_json: bool) -> None:
    if as_json:
        _print_exactly(found)
        return
    record = msgspec.json.decode(found, type=_Record)
    for name, line in _lines(record):
        typer.echo(f"{name:12}{line}")
    if record.attempts:
        print_table(
            ("attempt", "for", "outcome", "ms#", "cost $", "said"), map(_call, record.attempts)
        )
    if record.plan:
        plan = [(each.deployment, each.tier, each.reason) for each in record.plan]
        print_table(("plan", "tier", "why"), plan)
    if record.dropped:
        dropped = [(each.deployment, each.gate, each.reason) for each in record.dropped]
        print_table(("dropped", "gate", "why"), dropped)


def _lines(record: _Record) -> Iterator[tuple[str, str]]:
    who = (record.organisation, record.key, record.user)
    yield "id", record.request_id
    yield "time", f"{record.time.astimezone():%Y-%m-%d %H:%M:%S %Z}"
    yield "who", " / ".join(each for each in who if each)
    yield "asked for", record.model_asked
    yield "score", f"{score_by(record.score, record.scorer)}; {record.domain}"
    yield "because", record.reason
    yield "answered by", f"{record.deployment or 'nobody'} ({record.served_tier or record.tier})"
    yield "outcome", record.outcome + (f": {record.error}" if record.error else "")
    yield "cache", record.cache
    if record.verdict is not None:
        word = "accept" if record.verdict.accepted else "escalate"
        yield (
            "verdict",
            " ".join((f"{word} {record.verdict.probability:.2f}", *record.verdict.reasons)),
        )
    if record.usage is not None:
        tokens = f"{record.usage.input_tokens:,} in, {record.usage.output_tokens:,} out"
        yield "tokens", tokens + (", estimated" if record.usage.estimated else "")
        overhead = (
            f", of it {dollars(record.overhead)} beside the answer" if record.overhead else ""
        )
        yield "cost", dollars(record.cost) + overhead
        yield "saved", f"{dollars(record.saved)} of {dollars(record.baseline_cost)}"
    if record.latency_ms is not None:
        first = "" if record.ttft_ms is None else f", the first byte after {record.ttft_ms:.0f}"
        yield "took", f"{record.latency_ms:.0f} ms{first}"


def _call(attempt: Attempt) -> tuple[str, ...]:
    heard = (f"{attempt.status}" if attempt.status else "", attempt.error or "")
    return (
        attempt.deployment,
        attempt.purpose,
        attempt.outcome,
        f"{attempt.latency_ms:.0f}",
        "" if attempt.cost is None else dollars(attempt.cost),
        " ".join(filter(None, heard)),
    )


def _print_exactly(found: bytes) -> None:
    """As the books have it, each figure to its last digit."""
    typer.echo(msgspec.json.format(found, indent=2).decode())
