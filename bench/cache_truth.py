"""What the live measure of false hits is worth: does its interval hold, who is switched off when.

``python -m bench.cache_truth [--runs N] [--seed N] [--json FILE]`` prints five tables:

* how often the interval of a fixed number of checks holds the true rate, computed, not drawn;
* who is switched off, where hits are false at one rate whatever their probability;
* how often the interval that is reported in the end holds the true rate, in the same runs;
* routes that were good for 1,000 checks and then change;
* routes where hits of low probability are false more often: whose threshold rises.

All but the first are runs of the shipped `Truth`, with checks as a gateway would note them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import exp, fsum, lgamma, log, log1p
from pathlib import Path
from random import Random

from pointsman.cache.truth import TRIAL, RouteTruth, Truth, wilson
from pointsman.types import Check

CHECKS = 1_000
SHIPPED = 0.8
BOUNDS = (0.02, 0.05, 0.10)
TIMES = (0.1, 0.25, 0.5, 0.75, 1.0, 1.1, 1.25, 1.5, 2.0, 4.0)
COUNTS = (30, 50, 100, 200, 300, 500, 1_000)
RATES = tuple(n / 1_000 for n in range(2, 301))
FINENESS = 200  # of probabilities
ROUTE = "auto"
Curve = Callable[[float], float]
CURVES: Mapping[str, Curve] = {
    "25 % below .85, else 0.5 %": lambda p: 0.25 if p < 0.85 else 0.005,
    "25 % below .9, else 1 %": lambda p: 0.25 if p < 0.9 else 0.01,
    "25 % below .9, else 3 %": lambda p: 0.25 if p < 0.9 else 0.03,
    "1 - p": lambda p: 1 - p,
    "2 (1 - p)": lambda p: 2 * (1 - p),
    "half the bound, all alike": lambda _: 0.025,
}
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def pool() -> list[tuple[float, Check, Check]]:
    """Checks of all probabilities, good and false: made once, noted often."""
    span = 1 - SHIPPED
    made = []
    for step in range(FINENESS):
        p = SHIPPED + span * (step + 0.5) / FINENESS
        good, false = (
            Check("r", WHEN, "default", ROUTE, "cr", 0.9, p, wrong, "judge")
            for wrong in (False, True)
        )
        made.append((p, good, false))
    return made


POOL = pool()


@dataclass(frozen=True, slots=True)
class Run:
    """How one route fared."""

    #: Checks after which it was switched off; None: it was not.
    off: int | None
    said: RouteTruth
    #: The rate of the hits that it gave out in the end.
    true: float

    @property
    def holds(self) -> bool:
        """The interval has the true rate in it."""
        return self.said.low <= self.true <= self.said.high


def run(rng: Random, bound: float, curves: Sequence[tuple[int, Curve]]) -> Run:
    """A route whose hits are false as each curve says for so many checks."""
    truth = Truth(bound, SHIPPED)
    noted, given, threshold = 0, POOL, SHIPPED
    for checks, curve in curves:
        for _ in range(checks):
            p, good, false = given[int(rng.random() * len(given))]
            truth.note(false if rng.random() < curve(p) else good)
            noted += 1
            now = truth.threshold(ROUTE, WHEN)
            if now is None:
                return _ended(truth, noted, given, curve)
            if now != threshold:
                given, threshold = [each for each in POOL if each[0] >= now], now
    return _ended(truth, None, given, curves[-1][1])


def _ended(
    truth: Truth, off: int | None, given: Sequence[tuple[float, Check, Check]], curve: Curve
) -> Run:
    return Run(off, truth.routes(WHEN)[0], fsum(curve(p) for p, _, _ in given) / len(given))


def constant(rate: float) -> Curve:
    """The same whatever the probability."""
    return lambda _: rate


def share(found: Iterable[bool]) -> float:
    """0-1."""
    all_of_them = [*found]
    return sum(all_of_them) / len(all_of_them) if all_of_them else 0.0


def off_by(runs: Sequence[Run], checks: int, start: int = 0) -> float:
    """The share of runs that were switched off by then."""
    return share(each.off is not None and each.off - start <= checks for each in runs)


def coverage(checks: int, rate: float) -> float:
    """How likely `wilson` holds the rate: all counts that it does for, by their likelihood."""
    counts = (k for k in range(checks + 1) if _holds(k, checks, rate))
    return fsum(_likelihood(k, checks, rate) for k in counts)


INTERVALS = {n: [wilson(k, n) for k in range(n + 1)] for n in COUNTS}


def _holds(false: int, checks: int, rate: float) -> bool:
    low, high = INTERVALS[checks][false]
    return low <= rate <= high


def _likelihood(k: int, n: int, rate: float) -> float:
    ways = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
    return exp(ways + k * log(rate) + (n - k) * log1p(-rate))


def fixed() -> list[dict[str, float]]:
    """The least and the mean coverage over the rates, by the number of checks."""
    rows = []
    for n in COUNTS:
        held = [coverage(n, rate) for rate in RATES]
        rows.append({"checks": n, "least": min(held), "mean": fsum(held) / len(held)})
    return rows


def alike(runs: int, rng: Random) -> list[dict[str, float]]:
    """Routes that are false at one rate: who is off, and whether the interval holds."""
    rows = []
    for bound in BOUNDS:
        for times in TIMES:
            many = runs if times < 1 else 4 * runs  # those are short
            done = [run(rng, bound, [(CHECKS, constant(bound * times))]) for _ in range(many)]
            offs = sorted(each.off for each in done if each.off is not None)
            rows.append(
                {
                    "bound": bound,
                    "times": times,
                    "runs": many,
                    "off_300": off_by(done, TRIAL),
                    "off_1000": off_by(done, CHECKS),
                    "median": offs[len(offs) // 2] if offs else 0,
                    "holds": share(each.holds for each in done),
                }
            )
    return rows


def changing(runs: int, rng: Random) -> list[dict[str, float]]:
    """Routes that were good, an eighth of the bound, and are not any more."""
    rows = []
    for bound in BOUNDS:
        for times in (1.25, 1.5, 2.0, 4.0):
            curves = [(CHECKS, constant(bound / 8)), (2 * TRIAL, constant(bound * times))]
            done = [run(rng, bound, curves) for _ in range(runs)]
            after = [each for each in done if each.off is None or each.off > CHECKS]
            rows.append(
                {
                    "bound": bound,
                    "times": times,
                    "off_300": off_by(after, TRIAL, CHECKS),
                    "off_600": off_by(after, 2 * TRIAL, CHECKS),
                }
            )
    return rows


def sloping(runs: int, rng: Random, bound: float = 0.05) -> list[dict[str, float | str]]:
    """Routes that are false at low probabilities above all."""
    rows: list[dict[str, float | str]] = []
    for name, curve in CURVES.items():
        done = [run(rng, bound, [(CHECKS, curve)]) for _ in range(runs)]
        on = [each for each in done if each.off is None]
        rows.append(
            {
                "curve": name,
                "at_first": fsum(curve(p) for p, _, _ in POOL) / len(POOL),
                "on": len(on) / runs,
                "threshold": fsum(each.said.threshold for each in on) / max(1, len(on)),
                "in_the_end": fsum(each.true for each in on) / max(1, len(on)),
                "over": share(each.true > bound for each in on),
                "holds": share(each.holds for each in done),
            }
        )
    return rows


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """In Markdown."""
    print(f"\n{title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(f'{v:.3g}' if isinstance(v, float) else str(v) for v in row)} |")


def show(found: Mapping[str, Sequence[Mapping[str, float | str]]]) -> None:
    """All tables."""
    table(
        "The interval after a fixed number of checks holds the true rate (.002 to .3) in",
        ("checks", "worst rate", "mean"),
        [(row["checks"], row["least"], row["mean"]) for row in found["fixed"]],
    )
    by_bound = {
        bound: {row["times"]: row for row in found["alike"] if row["bound"] == bound}
        for bound in BOUNDS
    }
    heads = [f"bound {bound:g}" for bound in BOUNDS]
    table(
        "Switched off within 300 checks / within 1,000 / after (median)",
        ("true rate : bound", *heads),
        [(times, *(_offs(by_bound[b][times]) for b in BOUNDS)) for times in TIMES],
    )
    table(
        "The interval at the end of the run holds the true rate in",
        ("true rate : bound", *heads),
        [(times, *(by_bound[b][times]["holds"] for b in BOUNDS)) for times in TIMES],
    )
    table(
        "Good for 1,000 checks, then not: off within 300 checks / within 600",
        ("bound", "new rate : bound", "within 300", "within 600"),
        [(r["bound"], r["times"], r["off_300"], r["off_600"]) for r in found["changing"]],
    )
    table(
        "False by probability, bound .05, probabilities evenly between .8 and 1",
        ("false", "rate at first", "still on", "threshold", "rate then", "over", "interval holds"),
        [tuple(row.values()) for row in found["sloping"]],
    )


def _offs(row: Mapping[str, float | str]) -> str:
    after = f" / {row['median']}" if row["off_1000"] else ""
    return f"{row['off_300']:.3f} / {row['off_1000']:.3f}{after}"


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=250, help="of each kind of route")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the tables here too")
    options = parser.parse_args()
    rng, begun = Random(options.seed), time.perf_counter()  # noqa: S311 - a simulation
    found = {
        "fixed": fixed(),
        "alike": alike(options.runs, rng),
        "changing": changing(options.runs, rng),
        "sloping": sloping(options.runs, rng),
    }
    show(found)
    print(f"\n{options.runs} runs of each, {time.perf_counter() - begun:.0f} s")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
