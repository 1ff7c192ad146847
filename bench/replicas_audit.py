"""Three books held against each other: the clients', the upstream's and the gateways' own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from itertools import accumulate, combinations

from bench.replicas_clients import Heard
from bench.replicas_upstream import PROMPT_TOKENS, Given
from tests.support.balancers import Passed
from tests.support.exact_books import Record, cost
from tests.support.replicas import Kill

#: US dollars per token.
INPUT, OUTPUT = Decimal("0.0000017"), Decimal("0.0000053")
#: Seconds by which two logs may tell differently when something happened.
_SLACK_S = 0.25


@dataclass
class Findings:
    """What was counted, and everything that is not as it should be, in words."""

    requests: int = 0
    whole: int = 0
    refused: int = 0
    #: Had neither a reply nor a word why not; all of them were in flight on a gateway that died.
    cut: int = 0
    entries: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    #: Seconds until a revoked key was refused by all.
    revoked_s: list[float] = field(default_factory=list)
    #: US dollars that an organisation with a budget spent, and the budget.
    spent: str = "0"
    budget: str = "0"
    #: Requests of the limited organisation, and what its limit allows for that time.
    limited: int = 0
    allowed: int = 0
    #: Open requests at a time of the organisation that may have so many, and how many.
    crowd: int = 0
    may_crowd: int = 0
    wrong: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """For a file."""
        return asdict(self)

    def table(self) -> str:
        """In words."""
        slowest = f"{max(self.revoked_s):.2f} s" if self.revoked_s else "-"
        rows = {
            "requests": f"{self.requests}: {self.whole} whole, {self.refused} refused in order, "
            f"{self.cut} cut with the gateway that had them",
            "in the books": f"{self.entries} entries: {self.outcomes}",
            "at the upstream": f"{self.calls} calls",
            "keys revoked": f"{len(self.revoked_s)}, refused by all within {slowest}",
            "a budget": f"${self.spent} spent of ${self.budget}",
            "a limit": f"{self.limited} requests of {self.allowed} allowed",
            "open at a time": f"{self.crowd} of {self.may_crowd} allowed",
            "wrong": "nothing" if not self.wrong else "; ".join(self.wrong[:20]),
        }
        return "\n".join(f"{name:<16}{value}" for name, value in rows.items())


def audit(
    heard: Sequence[Heard], calls: Mapping[str, Sequence[Given]], books: Sequence[Record]
) -> Findings:
    """Hold them against each other: what a client has is in the books, once, and really happened."""
    entries: dict[str, list[Record]] = {}
    for record in books:
        entries.setdefault(str(record["client_request_id"]), []).append(record)
    found = Findings(
        requests=len(heard),
        whole=sum(each.whole for each in heard),
        refused=sum(each.refused for each in heard),
        cut=sum(each.failed for each in heard),
        entries=len(books),
        outcomes=dict(Counter(str(record["outcome"]) for record in books)),
        calls=sum(map(len, calls.values())),
    )
    wrong = found.wrong
    wrong += [f"{name} is in the books {len(of)} times" for name, of in entries.items() if of[1:]]
    wrong += [f"{name} was called {len(of)} times" for name, of in calls.items() if of[1:]]
    wrong += [f"{name} was called and is in no book" for name in calls if name not in entries]
    for each in heard:
        wrong += _mismatches(each, entries.get(each.name, []), calls.get(each.name, []))
    return found


def _mismatches(heard: Heard, entries: Sequence[Record], calls: Sequence[Given]) -> list[str]:
    if not heard.whole:
        return []
    if len(entries) != 1 or len(calls) != 1:
        return [f"{heard.name} is whole, with {len(entries)} entries and {len(calls)} calls"]
    (entry,), (call,) = entries, calls
    truth = (PROMPT_TOKENS, call.words)
    usage = entry["usage"] or {}
    booked = (usage.get("input_tokens"), usage.get("output_tokens"))
    found = []
    if entry["outcome"] != "completed" or entry["request_id"] != heard.request_id:
        found.append(f"{heard.name} is whole, its entry is {entry['outcome']}")
    if not heard.usage == booked == truth or not call.whole:
        found.append(f"{heard.name}: told {heard.usage}, booked {booked}, given {truth}")
    if entry["cost"] != truth[0] * INPUT + truth[1] * OUTPUT:
        found.append(f"{heard.name} costs {entry['cost']}")
    if heard.stream and heard.heard != call.words:
        found.append(f"{heard.name}: {heard.heard} words came of {call.words}")
    return found


def unexplained(
    heard: Iterable[Heard], passed: Mapping[str, Passed], kills: Sequence[Kill]
) -> list[str]:
    """Requests that failed and were not in flight on a gateway as it was killed."""
    return [
        f"{each.name} failed without a kill: {each.error or each.status}, {passed.get(each.name)}"
        for each in heard
        if each.failed and not _was_hit(each, passed.get(each.name), kills)
    ]


def _was_hit(heard: Heard, passed: Passed | None, kills: Sequence[Kill]) -> bool:
    return any(
        passed is not None
        and passed.gateway == kill.gateway
        and heard.began <= kill.at + _SLACK_S
        and heard.ended >= kill.at - _SLACK_S
        for kill in kills
    )


def rate(found: Findings, heard: Sequence[Heard], per_minute: int) -> None:
    """Hold what was let in against a bucket of so many, that fills up within a minute.

    `heard` are those in the books: who was cut before that, with a gateway that died, had nothing.
    """
    admitted = sorted((each for each in heard if not each.refused), key=lambda each: each.began)
    if not admitted:
        return
    span = admitted[-1].ended - admitted[0].began
    found.limited, found.allowed = len(admitted), int(per_minute * (1 + span / 60))
    for (i, first), (j, last) in combinations(enumerate(admitted), 2):
        count, seconds = j - i + 1, max(0.0, last.ended - first.began)
        if count > per_minute * (1 + seconds / 60) + 1:
            found.wrong.append(f"{count} requests let in within {seconds:.1f} s")
            return


def crowding(found: Findings, calls: Iterable[Given], most: int) -> None:
    """Hold what was open at a time against what may be."""
    changes = [(each.began, 1) for each in calls]
    changes += [(each.ended, -1) for each in calls if each.ended is not None]
    there = accumulate(change for _, change in sorted(changes))
    found.crowd, found.may_crowd = max(there, default=0), most
    if found.crowd > most:
        found.wrong.append(f"{found.crowd} requests were open at a time, of {most}")


def budget(found: Findings, books: Iterable[Record], limit: Decimal) -> None:
    """Hold what was spent against what may be."""
    spent = cost(*books)
    found.spent, found.budget = str(spent), str(limit)
    if spent > limit:
        found.wrong.append(f"${spent} were spent of ${limit}")
