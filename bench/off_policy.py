"""What promotion is worth: do intervals hold, who is promoted, what does looking every day do.

``python -m bench.off_policy --data FOLDER [--runs N] [--seed N] [--only PART] [--source NAME] [--json FILE]`` takes
labelled rows of two models each, so that every policy's true quality is known, and prints:

* ``intervals``: how often 95 % intervals hold the truth, by source, exploration and outcomes;
* ``promotion``: how often a candidate that is worse, alike or better is promoted;
* ``by heart``: the same of a learner that only knows what it saw, and of one that is judged by it;
* ``looks``: how often a worse one ever is, looked at whenever outcomes have grown by a quarter;
* ``sequential``: a comparison of two sides that is looked at every day for 60 days;
* ``drift``: how often it is reported, where nothing changed and where the source did.

Requests are routed by the length of the prompt and drawn by the product's own `feedback.explore`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
from bench.off_policy_traffic import (
    PHASES,
    SOURCES,
    TIERS,
    Fixed,
    Floats,
    Memory,
    Source,
    candidate,
    in_force,
    load,
    traffic,
)
from bench.off_policy_traffic import table as table_of
from msgspec.structs import replace

from pointsman.feedback import drift, promote, sequential
from pointsman.feedback.evaluate import METHODS, Method, estimates
from pointsman.types import Evidence

Row = dict[str, float | str]
Fit = promote.Fit[promote.Policy]
Part = Callable[[list[Source], int, int], list[Row]]
SHARE = 0.4  # of requests that the policy in force sends up: those of scores from 60
COUNTS = (200, 1_000)
LOOKS_UNTIL = 1_000
FEWER = 5  # times fewer runs, where one takes long
DAYS = 60
BLOCKS = 6  # of outcomes, before a drift is looked for


def intervals(sources: list[Source], runs: int, seed: int) -> list[Row]:
    """Coverage of a policy's value, and of its difference from that in force."""
    rows: list[Row] = []
    for source in sources:
        rng = _rng(seed, source)
        before, target = in_force(source), candidate(source, 0.05, SHARE, rng)
        value, difference = source.value(target), source.value(target) - source.value(before)
        for phase in PHASES:
            for count in COUNTS:
                held: dict[str, int] = {}
                wide: dict[Method, float] = dict.fromkeys(METHODS, 0.0)
                for seen in traffic(source, count, phase, runs, rng):
                    rows_seen = table_of(source, seen, target, before)
                    alone = replace(rows_seen, reference=np.zeros_like(rows_seen.reference))
                    difference_said, value_said = estimates(rows_seen), estimates(alone)
                    for method in METHODS:
                        apart, whole = difference_said[method], value_said[method]
                        _add(held, f"{method}_difference", apart.low <= difference <= apart.high)
                        _add(held, f"{method}_value", whole.low <= value <= whole.high)
                        wide[method] += (apart.high - apart.low) / 2 / runs
                rows.append(
                    {
                        "source": source.name,
                        "phase": phase.name,
                        "outcomes": count,
                        **{name: times / runs for name, times in held.items()},
                        **{f"{method}_half": width for method, width in wide.items()},
                    }
                )
    return rows


def _add(held: dict[str, int], name: str, holds: bool) -> None:  # noqa: FBT001 - counted
    held[name] = held.get(name, 0) + holds


def promotion(sources: list[Source], runs: int, seed: int) -> list[Row]:
    """How often one look promotes, by how much better the candidate truly is."""
    rows: list[Row] = []
    _, cold, widened = PHASES
    for source in sources[:2]:
        rng = _rng(seed, source)
        cases = [
            ("worse by .05", -0.05, SHARE, (1_000,), cold),
            ("worse by .05", -0.05, SHARE, (1_000,), widened),
            ("worse by .05, half as dear", -0.05, SHARE / 2, (1_000,), widened),
            ("alike", 0.0, SHARE, (1_000,), widened),
            ("better by .05", 0.05, SHARE, (2_000,), widened),
            ("better by .10", 0.10, SHARE, (3_000,), cold),
            ("better by .10", 0.10, SHARE, (1_000,), widened),
        ]
        for name, gain, share, counts, phase in cases:
            up = candidate(source, gain, share, rng)
            for count in counts:
                tried = [
                    _compared(seen.evidence(source), source, partial(_same, Fixed(up)), 1).promote
                    for seen in traffic(source, count, phase, runs, rng)
                ]
                rows.append(
                    {
                        "source": source.name,
                        "candidate": name,
                        "phase": phase.name,
                        "outcomes": count,
                        "truly": source.value(up) - source.value(in_force(source)),
                        "contested": float((up != in_force(source)).mean()),
                        "promoted": sum(tried) / runs,
                    }
                )
    return rows


def by_heart(sources: list[Source], runs: int, seed: int) -> list[Row]:
    """How often a learner seems better that only knows what it saw, judged by that or by the rest."""
    rows: list[Row] = []
    runs = max(runs // FEWER, 1)
    for source in sources:
        rng, before = _rng(seed, source), in_force(source)
        held, shown = 0, 0
        for seen in traffic(source, 500, PHASES[2], runs, rng):
            evidence = seen.evidence(source)
            cheat = Memory(evidence, before)
            held += _seems(evidence, source, partial(_learned_by_heart, before))
            shown += _seems(evidence, source, partial(_same, cheat))
        name = {"source": source.name, "runs": runs}
        rows.append({**name, "by the rest": held / runs, "by what it saw": shown / runs})
    return rows


def _learned_by_heart(before: Floats, seen: Sequence[Evidence]) -> Memory:
    return Memory(seen, before)


def _same(policy: promote.Policy, _: Sequence[Evidence]) -> promote.Policy:
    return policy


def _seems(evidence: Sequence[Evidence], source: Source, fit: Fit) -> bool:
    return _compared(evidence, source, fit, 1).quality.low > 0


def _compared(
    evidence: Sequence[Evidence], source: Source, fit: Fit, look: int
) -> promote.Comparison[promote.Policy]:
    return promote.compare(evidence, Fixed(in_force(source)), fit, TIERS, look=look)


def looks(sources: list[Source], runs: int, seed: int) -> list[Row]:
    """How often it is ever promoted, looked at whenever that is due."""
    rows: list[Row] = []
    runs = max(runs // FEWER, 1)
    source, phase = sources[0], PHASES[2]
    for gain in (0.0, 0.10):
        rng = _rng(seed, source)
        up = candidate(source, gain, SHARE, rng)
        ever, taken = 0, 0
        for seen in traffic(source, LOOKS_UNTIL, phase, runs, rng):
            evidence = seen.evidence(source)
            before, look = 40, 0
            while (count := before + max(1, -(-before // 4))) <= LOOKS_UNTIL:
                before, look = count, look + 1
                if _compared(evidence[:count], source, partial(_same, Fixed(up)), look).promote:
                    ever += 1
                    break
            taken = max(taken, look)
        name: Row = {"truly": gain, "phase": phase.name, "runs": runs}
        rows.append({**name, "looks": taken, "ever promoted": ever / runs})
    return rows


def per_day(_: list[Source], runs: int, seed: int) -> list[Row]:
    """Sides that are alike, and sides that are not, looked at every day."""
    day, rng = 20, np.random.default_rng(seed)
    rows: list[Row] = []
    draws: Mapping[str, tuple[bool, Callable[[int], Floats], Callable[[int], Floats], float]] = {
        "quality, .6 and .6": (True, _thumbs(rng, 0.6), _thumbs(rng, 0.6), 0.0),
        "quality, .95 and .95": (True, _thumbs(rng, 0.95), _thumbs(rng, 0.95), 0.0),
        "quality, .6 and .7": (True, _thumbs(rng, 0.6), _thumbs(rng, 0.7), 0.1),
        "quality, .6 and .8": (True, _thumbs(rng, 0.6), _thumbs(rng, 0.8), 0.2),
        "latency, alike (log sd 0.8)": (False, _skewed(rng, 0.8), _skewed(rng, 0.8), 0.0),
        "cost, alike (log sd 1.5)": (False, _skewed(rng, 1.5), _skewed(rng, 1.5), 0.0),
        "latency, 20 % more (log sd 0.8)": (False, _skewed(rng, 0.8), _skewed(rng, 0.8, 1.2), 0.2),
        "cost, twice (log sd 1.5)": (False, _skewed(rng, 1.5), _skewed(rng, 1.5, 2.0), 1.0),
    }
    for name, (bounded, first, second, truth) in draws.items():
        missed, decided = 0, []
        for _ in range(runs):
            found = _Days(first(day * DAYS), second(day * DAYS), day, bounded=bounded)
            missed += found.ever_misses(truth)
            decided += found.until_decided()
        rows.append(
            {
                "sides": name,
                "a_day": day,
                "missed": missed / runs,
                "decided": len(decided) / runs,
                "days": float(np.median(decided)) if decided else "",
            }
        )
    return rows


@dataclass(frozen=True, slots=True)
class _Days:
    """Both sides, looked at every day."""

    a: Floats
    b: Floats
    day: int
    bounded: bool

    def at(self, day: int) -> sequential.Difference:
        until = day * self.day
        return sequential.compare(self.a[:until], self.b[:until], bounded=self.bounded)

    def ever_misses(self, truth: float) -> bool:
        """Bounded intervals lie within all that were before, so the last one tells."""
        days = range(DAYS, DAYS + 1) if self.bounded else range(1, DAYS + 1)
        return any(not found.low <= truth <= found.high for found in map(self.at, days))

    def until_decided(self) -> list[int]:
        """The first day on which a side is the better one; none: it never was."""
        if self.bounded and self.at(DAYS).higher is None:
            return []
        return [day for day in range(1, DAYS + 1) if self.at(day).higher][:1]


def _thumbs(rng: np.random.Generator, good: float) -> Callable[[int], Floats]:
    return lambda count: (rng.random(count) < good).astype(np.float64)


def _skewed(rng: np.random.Generator, spread: float, mean: float = 1.0) -> Callable[[int], Floats]:
    """Log-normal values of this mean."""
    return lambda count: mean * rng.lognormal(-(spread**2) / 2, spread, count)


def drifting(sources: list[Source], runs: int, seed: int) -> list[Row]:
    """How often a block is reported: like those before it, and the first of another source."""
    rows: list[Row] = []
    runs = max(runs // FEWER, 1)
    for at, source in enumerate(sources):
        rng, after = _rng(seed, source), sources[(at + 1) % len(sources)]
        alarms, found = 0, 0
        first = traffic(source, BLOCKS * drift.BLOCK, PHASES[0], runs, rng)
        later = traffic(after, drift.BLOCK, PHASES[0], runs, rng)
        for before, changed in zip(first, later, strict=True):
            known = before.evidence(source)
            alarms += drift.look(known, _unpack(source, after)) is not None
            more = _following(changed.evidence(after), len(known), len(source.weak))
            found += drift.look(known + more, _unpack(source, after)) is not None
        name = f"{source.name} to {after.name}"
        rows.append({"change": name, "before": alarms / runs, "after": found / runs})
    return rows


def _following(evidence: Sequence[Evidence], minutes: int, rows: int) -> list[Evidence]:
    """Later by so many minutes; their rows' numbers are higher."""
    return [
        replace(
            each,
            request_id=f"later_{each.request_id}",
            time=each.time + timedelta(minutes=minutes),
            features=str(int(each.features) + rows),
        )
        for each in evidence
    ]


def _unpack(first: Source, second: Source) -> Callable[[str], np.typing.NDArray[np.float32]]:
    def unpack(packed: str) -> np.typing.NDArray[np.float32]:
        at = int(packed)
        return first.words[at] if at < len(first.weak) else second.words[at - len(first.weak)]

    return unpack


def _rng(seed: int, source: Source) -> np.random.Generator:
    return np.random.default_rng([seed, *source.name.encode()])


PARTS: Mapping[str, Part] = {
    "intervals": intervals,
    "promotion": promotion,
    "by heart": by_heart,
    "looks": looks,
    "sequential": per_day,
    "drift": drifting,
}


def table(title: str, rows: Iterable[Row]) -> None:
    """In Markdown."""
    known = [*rows]
    print(f"\n{title}\n\n| {' | '.join(known[0])} |\n|{'---|' * len(known[0])}")
    for row in known:
        said = (f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values())
        print(f"| {' | '.join(said)} |", flush=True)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled rows")
    parser.add_argument("--runs", type=int, default=500, help="of each kind")
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; repeatable")
    parser.add_argument("--source", choices=SOURCES, action="append", help="these rows; repeatable")
    parser.add_argument("--json", type=Path, help="write the tables here too")
    options = parser.parse_args()
    try:
        sources = load(options.data, options.source or SOURCES)
    except FileNotFoundError as error:
        sys.exit(f"skipped: there are no labelled rows: {error}")
    found: dict[str, list[Row]] = {}
    for name in options.only or PARTS:
        begun = time.perf_counter()
        found[name] = PARTS[name](sources, options.runs, options.seed)
        table(f"{name}, of {options.runs} runs", found[name])
        print(f"\n{time.perf_counter() - begun:.0f} s")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
