"""The books against the upstream's own: what was really asked, given and used, to the last digit."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.exact_books import Record, check_files, cost, reported, settled
from tests.support.gateway import Gateway, eventually
from tests.support.truth_clients import Got, ask_all, name_of
from tests.support.truth_upstream import Given, read_log, truth_upstream

#: US dollars per million tokens: fresh input, cached, written, output.
PRICES = {
    "small": tuple(map(Decimal, ("0.153", "0.0153", "0.153", "0.617"))),
    "spare": tuple(map(Decimal, ("0.287", "0.0717", "0.359", "1.149"))),
    "large": tuple(map(Decimal, ("2.371", "0.2371", "2.963", "11.93"))),
}
TIERS = {"small": "simple", "spare": "simple", "large": "complex"}
MODEL = """
[models.{name}]
provider = "openai-compatible"
base_url = "{base_url}"
model = "{name}"
tier = "{tier}"
weight = {weight}
location = "cloud"
price = {{ input = "{fresh}", cached = "{cached}", written = "{written}", output = "{output}" }}
"""
#: Of tokens, as both sides count them.
FIGURES = ("input_tokens", "output_tokens", "cached_tokens", "written_tokens", "reasoning_tokens")


def config(base_url: str) -> str:
    """Three priced deployments; `spare` is for when `small` fails."""
    text = '[log]\ndecisions = "off"\n[routing]\nretries = 4\nbaseline = "large"\n'
    for name, (fresh, cached, written, output) in PRICES.items():
        prices = {"fresh": fresh, "cached": cached, "written": written, "output": output}
        weight = 0 if name == "spare" else 1
        text += MODEL.format(
            name=name, base_url=base_url, tier=TIERS[name], weight=weight, **prices
        )
    return text


def price(model: str, usage: Mapping[str, int]) -> Decimal:
    """What it costs, by the table above and nothing else."""
    fresh, cached, written, output = PRICES[model]
    of_cache, to_cache = usage["cached_tokens"], usage["written_tokens"]
    millionths = (
        (usage["input_tokens"] - of_cache - to_cache) * fresh
        + of_cache * cached
        + to_cache * written
        + usage["output_tokens"] * output
    )
    return millionths / 1_000_000


@dataclass
class Sums:
    """Of the calls that nobody said the usage of: in the books, and in truth."""

    entries: int = 0
    booked: Counter[str] = field(default_factory=Counter)
    real: Counter[str] = field(default_factory=Counter)

    def add(self, booked: Mapping[str, object], real: Mapping[str, object]) -> None:
        """One call's."""
        self.entries += 1
        for name in ("input_tokens", "output_tokens", "money"):
            self.booked[name] += booked[name]
            self.real[name] += real[name]

    def off(self) -> dict[str, Decimal]:
        """By how large a share the books are off."""
        return {name: Decimal(self.booked[name]) / self.real[name] - 1 for name in self.real}


def audit(got: Sequence[Got], calls: Sequence[Given], books: Sequence[Record]) -> Sums:
    """Hold the books against what the clients got and what the upstream gave."""
    made: dict[int, list[Given]] = {}
    for call in calls:
        made.setdefault(call.case, []).append(call)
    by_name = {record["client_request_id"]: record for record in books}
    assert len(by_name) == len(books), "an entry is there twice"
    assert by_name.keys() == {name_of(each.case.number) for each in got}
    assert len({record["request_id"] for record in books}) == len(books)
    sums = Sums()
    for each in got:
        record = by_name[name_of(each.case.number)]
        assert record["request_id"] == each.request_id
        audit_entry(each, record, made.get(each.case.number, []), sums)
    return sums


def audit_entry(got: Got, record: Record, calls: Sequence[Given], sums: Sums) -> None:
    """One entry."""
    attempts = [(each["deployment"], each["status"]) for each in record["attempts"]]
    assert attempts == [(call.model, call.status) for call in calls], (got, record, calls)
    assert record["outcome"] in outcomes(got), (got, record)
    broken = [number for number, call in enumerate(calls) if call.outcome == "cut"]
    for number in broken:
        audit_broken(record["attempts"][number], calls[number], sums)
    answers = (call for call in calls if call.usage is not None and call.outcome != "cut")
    served = next(answers, None)
    if served is None:
        assert broken or record["usage"] is None
        assert broken or not record["cost"]
        return
    assert served is calls[-1]
    assert record["deployment"] == served.model
    truth = {name: getattr(served.usage, name) for name in FIGURES}
    usage, own = record["usage"], record["cost"] - record["overhead"]
    if not usage["estimated"] or (broken and got.case.says):
        assert {name: usage[name] for name in truth} == truth, (got, record, served)
        assert own == price(served.model, truth), (got, record, served)
        return
    assert not got.case.says or got.case.way == "leaves", (got, record, served)
    sums.add({**usage, "money": own}, {**truth, "money": price(served.model, truth)})


def audit_broken(attempt: Mapping[str, object], call: Given, sums: Sums) -> None:
    """A call that broke when all was written: an estimate, with a cost of its own."""
    truth = {name: getattr(call.usage, name) for name in FIGURES}
    assert attempt["usage"]["estimated"]
    booked = {**attempt["usage"], "money": attempt["cost"]}
    sums.add(booked, {**truth, "money": price(call.model, truth)})


def outcomes(got: Got) -> set[str]:
    """How the entry may have ended."""
    if got.status != 200:
        return {"failed", "refused"}
    if got.whole:
        return {"completed"}
    return {"client_left", "completed"}  # the upstream may have been done before it was noticed


@pytest.mark.parametrize(
    ("requests", "pace_s", "tolerance"),
    [
        # Too few for the upstream's tokens to be learned.
        pytest.param(300, 0.05, "0.2", id="some"),
        # A model's pace: what it says between the client's leaving and its own noticing is what it
        # would be in earnest.
        pytest.param(
            20_000, 0.2, "0.02", id="many", marks=[pytest.mark.full, pytest.mark.timeout(900)]
        ),
    ],
)
async def test_the_books_are_what_the_upstream_has(
    tmp_path: Path, requests: int, pace_s: float, tolerance: str
):
    log = tmp_path / "truth.jsonl"
    with truth_upstream(log, pace_s) as base_url, Gateway(tmp_path, config(base_url)) as gateway:
        got = await ask_all(gateway, range(requests))
        books = await asyncio.to_thread(
            eventually, lambda: settled(gateway), "every entry is settled"
        )
        spent = reported(gateway)
        assert "Traceback" not in gateway.log

    calls = read_log(log)
    sums = audit(got, calls, books)
    off = sums.off()
    print(  # noqa: T201
        f"{dict(Counter(each.case.way for each in got))}: {len(books)} entries, {len(calls)} calls, "
        f"{dict(Counter(record['outcome'] for record in books))}, ${spent}; {sums.entries} are "
        f"estimated, their sums off by { {name: f'{share:+.2%}' for name, share in off.items()} }"
    )
    served = [record for record in books if record["outcome"] in {"completed", "client_left"}]
    assert len(served) >= 0.97 * len(books)  # a breaker may have been open for a moment
    assert spent == cost(*books)
    assert all(abs(share) <= Decimal(tolerance) for share in off.values()), off
    check_files(tmp_path)
