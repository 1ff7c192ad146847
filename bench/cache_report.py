"""The figures of one run of `cache.py` as tables, beside the budgets."""

import statistics
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from _processes import spread

#: By kind of request, one list of milliseconds a round.
Rounds = dict[str, list[list[float]]]

#: Kind, what it is, and the budgets of its p50 and its p99.
ANSWERS = (
    ("again", "exact hit, right after another", 2.0, None),
    ("exact", "exact hit, used lately", 2.0, None),
    ("file", "exact hit, out of the file", 2.0, None),
    ("stream", "exact hit, streamed, to its end", None, None),
    ("semantic", "semantic hit", 15.0, 30.0),
    ("live", "live answer, route without the semantic tier", None, None),
)
#: Kind, whom it is compared with, what it is, and the budget of what it adds to the p50.
ADDED = (
    ("miss", "live", "miss: embedded, nothing near", 12.0),
    ("refused", "refused: plain", "miss: embedded, the nearest refused", None),
    ("unlike", "unlike: plain", "miss: ruled out by the prefilter", 0.5),
    ("moment", "moment: plain", "miss: ruled out by its words", 0.5),
    ("live", "elsewhere", "route without it, against a gateway without it", 0.1),
)
LAG_MS = 10.0  # budget of the p99.9, and from where on the loop is called held up


@dataclass
class Lags:
    """How late the event loop was under one load, and how long requests took; milliseconds."""

    #: From and until when, in monotonic seconds.
    windows: list[tuple[float, float]] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    #: By kind of request, from when it was due.
    took: dict[str, list[float]] = field(default_factory=dict)
    #: Of the gateway for a request, one value a window.
    cpu_ms: list[float] = field(default_factory=list)
    #: What the cache said, and how often.
    said: Counter[str] = field(default_factory=Counter)

    def read(self, file: Path) -> None:
        """Take in what the probe wrote of these windows."""
        noted = array("d", file.read_bytes())
        for at, late in zip(noted[::2], noted[1::2], strict=True):
            if any(start <= at <= end for start, end in self.windows):
                self.late.append(late)

    def figures(self) -> dict[str, float]:
        """The figures of a line."""
        held = sum(ms for ms in self.late if ms > LAG_MS)
        seconds = sum(end - start for start, end in self.windows)
        return {
            **{f"p{share:g}": percentile(self.late, share) for share in (50, 99, 99.9)},
            "worst": max(self.late),
            "held up, ms a second": held / seconds,
        }


@dataclass
class Report:
    """What was measured."""

    replies: int
    rounds: Rounds
    #: Requests that were not answered as expected and are left out, by kind.
    left_out: dict[str, int]
    #: By kind, one value a round: CPU ms of the gateway for a request, back to back.
    cpu_ms: dict[str, list[float]]
    #: By load.
    lags: dict[str, Lags]
    #: Until a started gateway had read the cache, and the memory it then had: with the semantic
    #: tier, and without.
    read_s: list[float]
    rss_mb: list[float]

    def figures(self) -> dict[str, object]:
        """The same in numbers, for a file."""
        return {
            "replies": self.replies,
            "p50_ms": {kind: _medians(rounds) for kind, rounds in self.rounds.items()},
            "p99_ms": {kind: percentile(_all(rounds), 99) for kind, rounds in self.rounds.items()},
            "added_p50_ms": {what: self._added(kind, to) for kind, to, what, _ in ADDED},
            "left_out": self.left_out,
            "cpu_ms": self.cpu_ms,
            "lag_ms": {name: lags.figures() for name, lags in self.lags.items()},
            "loaded_cpu_ms": {name: lags.cpu_ms for name, lags in self.lags.items() if lags.cpu_ms},
            "loaded_said": {name: lags.said for name, lags in self.lags.items() if lags.said},
            "read_s": self.read_s,
            "rss_mb": self.rss_mb,
        }

    def table(self) -> str:
        """Return the tables, as Markdown."""
        asked = sum(len(_all(rounds)) for rounds in self.rounds.values())
        return f"""One request after the other, {self.replies:,} cached replies in one partition, ms:

| | p50 | p99 | of a live answer | budget | |
|---|---|---|---|---|---|
{"".join(self._answers())}
| added to the p50 | ms | budget | |
|---|---|---|---|
{"".join(self._all_added())}
Medians (least-most) of {len(self.rounds["live"])} rounds, p99 of all; {asked} requests, and \
{sum(self.left_out.values())} left out ({_listed(self.left_out)}).

| CPU of a request, back to back | ms |
|---|---|
{"".join(self._cpu())}
| lag of the event loop, ms | p50 | p99 | p99.9 | worst | held up > {LAG_MS:g} ms, ms a second | |
|---|---|---|---|---|---|---|
{"".join(self._lags())}
| under that load, ms from when it was due | p50 | p99 |
|---|---|---|
{"".join(self._loaded())}
Read after {_both(self.read_s, 1)} s, then {_both(self.rss_mb, 0)} MB: with the semantic tier, without.
"""

    def _answers(self) -> Iterator[str]:
        live = _medians(self.rounds["live"])
        for kind, what, middle, most in ANSWERS:
            medians, worst = _medians(self.rounds[kind]), percentile(_all(self.rounds[kind]), 99)
            ratio = statistics.median(a / b for a, b in zip(medians, live, strict=True))
            budget = " / ".join(f"{each:g}" for each in (middle, most) if each is not None)
            kept = (middle is None or statistics.median(medians) <= middle) and (
                most is None or worst <= most
            )
            cells = (
                spread(medians, 2),
                f"{worst:.2f}",
                f"{ratio:.2f}",
                budget,
                _verdict(budget, kept),
            )
            yield f"| {what} | {' | '.join(cells)} |\n"

    def _all_added(self) -> Iterator[str]:
        for kind, to, what, most in ADDED:
            added = self._added(kind, to)
            budget = "" if most is None else f"{most:g}"
            kept = most is None or statistics.median(added) <= most
            yield f"| {what} | {spread(added, 2)} | {budget} | {_verdict(budget, kept)} |\n"

    def _added(self, kind: str, to: str) -> list[float]:
        pairs = zip(_medians(self.rounds[kind]), _medians(self.rounds[to]), strict=True)
        return [here - there for here, there in pairs]

    def _cpu(self) -> Iterator[str]:
        for kind, values in self.cpu_ms.items():
            yield f"| {kind} | {spread(values, 2)} |\n"

    def _lags(self) -> Iterator[str]:
        for name, lags in self.lags.items():
            figures = lags.figures()
            cells = " | ".join(f"{value:.2f}" for value in figures.values())
            yield f"| {name} | {cells} | {_verdict(' ', figures['p99.9'] < LAG_MS)} |\n"

    def _loaded(self) -> Iterator[str]:
        for name, lags in self.lags.items():
            for kind, took in lags.took.items():
                shares = f"{percentile(took, 50):.2f} | {percentile(took, 99):.2f}"
                yield f"| {name}: {kind} | {shares} |\n"
            if lags.cpu_ms:
                yield f"| {name}: CPU of a request | {spread(lags.cpu_ms, 2)} | |\n"
                yield f"| {name}: it said | {_listed(dict(lags.said.most_common()))} | |\n"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` percent do not exceed (nearest rank)."""
    return sorted(values)[max(0, -int(-len(values) * share // 100) - 1)]


def _medians(rounds: list[list[float]]) -> list[float]:
    return [statistics.median(each) for each in rounds]


def _all(rounds: list[list[float]]) -> list[float]:
    return [ms for each in rounds for ms in each]


def _both(values: list[float], digits: int) -> str:
    return ", ".join(f"{value:.{digits}f}" for value in values)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in counts.items()) or "none"


def _verdict(budget: str, kept: bool) -> str:  # noqa: FBT001 - what it says
    return ("within" if kept else "over") if budget else ""
