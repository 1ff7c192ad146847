"""Read the books: decisions, sums, savings, quality; take them out, and let them forget."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import get_args

from pointsman.access.permissions import narrowed, scope_of
from pointsman.errors import BadRequest, ConfigError, NotFound
from pointsman.ledger import figures
from pointsman.ledger.export import FILES, EntryFile, FileFormat
from pointsman.ledger.pages import page, pages
from pointsman.ledger.view import entry_view
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.server.query import (
    check_names,
    cursor_of,
    filter_of,
    groupings_of,
    limit_of,
    time_of,
    which_of,
)
from pointsman.types import EVERYWHERE, Entry, Outcome, Scope, Selection

#: Entries that are read at a time for a file.
_BATCH = 2000


async def decisions(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Decision records, the newest first. `?limit=`; `?cursor=` the `next` of the page before; `?before=` a time; filters as for the summary."""
    query = incoming.query
    which = which_of(incoming, "limit", "cursor", "before")
    after, before = cursor_of(query), time_of(query, "before")
    if after and before:
        raise BadRequest("send `cursor` or `before`, not both", param="cursor")
    found = await page(gateway.books, limit_of(query), after=after, before=before, which=which)
    return as_json(
        {
            "object": "list",
            "data": [entry_view(entry) for entry in found.entries],
            "next": None if found.next is None else str(found.next),
        }
    )


async def decision(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """One decision record, by the `x-request-id` of its reply."""
    request_id = incoming.parameters["request_id"]
    entry = await gateway.books.get(request_id, scope_of(incoming.principal))
    if entry is None:
        raise NotFound(f"there is no decision {request_id[:128]!r}")
    return as_json(entry_view(entry))


async def report(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """What was spent and saved by deployment, tier, outcome, cache and day. Filters as for the summary."""
    return as_json(await figures.report(gateway.books, which_of(incoming)))


async def summary(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """All at a glance, with shares. Filters: `?since=` and `?until=` times, `?organisation=`, `?key=`, `?user=`, `?deployment=`, `?tier=`, `?outcome=`, `?cache=`, `?model=` as it was asked for."""
    return as_json(await figures.summary(gateway.books, which_of(incoming)))


async def costs(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """What was spent, `?by=` day, tier, deployment, key, organisation, outcome, cache, or several with commas. Filters as for the summary."""
    which, by = which_of(incoming, "by"), groupings_of(incoming.query, figures.USUAL)
    return as_json(await figures.costs(gateway.books, which, by))


async def quality(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """How requests ended, what the verifier and users said; `?by=` as for the cost. Filters as for the summary."""
    which, by = which_of(incoming, "by"), groupings_of(incoming.query, ("deployment",))
    return as_json(await figures.quality(gateway.books, which, by))


async def savings(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """What was saved against the baseline, and how that is known; `?by=` as for the cost. Filters as for the summary."""
    which, by = which_of(incoming, "by"), groupings_of(incoming.query, figures.USUAL)
    return as_json(await figures.savings(gateway.books, which, by, baseline=gateway.baseline))


async def export(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The entries as a file, `?format=csv`, `parquet` or `jsonl`. Filters as for the summary."""
    which = which_of(incoming, "format")
    formats: Sequence[FileFormat] = get_args(FileFormat)
    wanted = next((each for each in formats if each == incoming.query.get("format", "csv")), None)
    if wanted is None:
        known = ", ".join(f"`{each}`" for each in formats)
        raise BadRequest(f"`format` is one of {known}", param="format")
    make, content_type = FILES[wanted]
    try:
        file = await asyncio.to_thread(make)
    except ConfigError as error:
        raise BadRequest(str(error), param="format") from error
    batches = pages(gateway.books, _BATCH, which)
    first = await anext(
        batches
    )  # books that can't be read are said so, as long as that is possible
    name = f"pointsman-{gateway.clock.now():%Y-%m-%d}.{wanted}"
    return Outgoing(
        200,
        _Download(file, first, batches),
        content_type,
        {"content-disposition": f'attachment; filename="{name}"'},
    )


async def forget(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Delete entries for good, files with what was asked in batches, and without `before` cached replies: `?organisation=`, `?before=` a time, or both; `?all=true` for all. With `before`, and for an admin of one organisation, sums by day stay."""
    query = incoming.query
    check_names(query, ("organisation", "before", "all"))
    before = time_of(query, "before")
    if "organisation" not in query and before is None and query.get("all") != "true":
        raise BadRequest("say which: `organisation`, `before` or `all=true`", param="all")
    scope = scope_of(incoming.principal)
    which = narrowed(filter_of(query), scope)
    whose = Scope(which.organisation)
    await gateway.batching.files.forget(whose, before)
    if before is None:
        await gateway.pipeline.cache.remove(Selection(organisation=which.organisation))
    if before is None and scope != EVERYWHERE:
        before = gateway.clock.now()  # what it has spent of its budgets is not its own to forget
    count = await gateway.retention.forget_entries(organisation=which.organisation, before=before)
    return as_json({"removed": count})


class _Download:
    """A file as it is written, off the event loop."""

    def __init__(
        self, file: EntryFile, first: Sequence[Entry], more: AsyncGenerator[Sequence[Entry]]
    ) -> None:
        self._pieces = _written(file, first, more)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def close(self, outcome: Outcome = "client_left") -> bytes:
        """Read no further."""
        del outcome
        await self._pieces.aclose()
        return b""


async def _written(
    file: EntryFile, first: Sequence[Entry], more: AsyncGenerator[Sequence[Entry]]
) -> AsyncGenerator[bytes]:
    yield await asyncio.to_thread(file.start)
    yield await asyncio.to_thread(file.add, first)
    async with aclosing(more):
        async for entries in more:
            yield await asyncio.to_thread(file.add, entries)
    yield await asyncio.to_thread(file.end)
