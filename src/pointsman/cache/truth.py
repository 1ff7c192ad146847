"""How often semantic hits are false, as far as checks say, and what follows of it. Pure.

A share of the hits is checked: the model is asked all the same and the two replies are compared.
The checks of a route are a sample of its hits, and it is judged by them:

* *conviction*, at every false one: so many of the newest 300 (at least 30) are false that it would
  be chance in one of a hundred if the rate were at the bound;
* *exam*, at every 300th: it passes if so few are false that it would be chance in one of twenty if
  the rate were at the bound. Who has not shown by then that it keeps the bound does not;
* *complaints*: what users call bad is no sample, for nobody says how many others saw it and kept
  silent. But each is a false hit, so they are the least that there were. They convict where they
  alone are too many for the hits that the checks stand for, and enter no rate.

A route that is convicted or fails its exam has its threshold raised, if the hits from there on are
good; else it is switched off. In its first 300 checks it is enough that they seem good, for the
exam is still to come; later they must surely be. A verdict stands until the operator resets the
route or it is older than the horizon. Then the route begins anew, at the shipped threshold, below
which there is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from math import exp, fsum, lgamma, log, log1p, sqrt
from statistics import NormalDist

import msgspec

from pointsman.types import Check

#: Checks between two exams, and those that a conviction looks back on.
TRIAL = 300
#: With less, nobody is convicted.
_FEWEST_CHECKS, _FEWEST_COMPLAINTS = 30, 10
#: How likely it may be, for a rate at the bound, that one look convicts, that an exam is passed,
#: and that hits from a probability on are called surely good: the least, for there are many to
#: choose from.
_CONVICTED, _PASSED, _SURELY = 0.01, 0.05, 0.001
#: Hits from a probability on seem good with so many checks, and half the bound's share of false.
_SEEMING_CHECKS, _SEEMING_SHARE = 10, 0.5
#: Of the intervals in `RouteTruth`. More than .95, for a route that is switched off was looked at
#: until it was bad: then intervals of .95 hold the true rate in as few as .91 of runs, of .99 in .96.
_CONFIDENCE = 0.99
#: Checks of a route that are remembered.
_MOST = 3_000


class RouteTruth(msgspec.Struct, frozen=True):
    """What is known of a route's semantic hits, of those that are given out now."""

    route: str
    #: Hits that were checked, and how many of them were false.
    checks: int
    false: int
    #: Share of false hits, 0-1; None without checks.
    rate: float | None
    #: Between which the true rate lies, in at least 95 % of cases.
    low: float
    high: float
    #: The highest rate that is put up with.
    bound: float
    #: The lowest probability from which a hit is given out, or was until it was switched off.
    threshold: float
    on: bool
    #: Why it was switched off or its threshold raised; else empty.
    why: str
    #: Replies that users called bad.
    complaints: int


def wilson(false: int, checks: int, confidence: float = 0.95) -> tuple[float, float]:
    """Between which a rate lies, when so many of the checks were false.

    The score interval (Wilson 1927, J. Am. Stat. Assoc. 22:209) with continuity correction
    (Newcombe 1998, Stat. Med. 17:857, method 4). Of 30 to 1,000 checks and rates of .002 to .3 it
    holds the true one in .950 to .99 of cases; without the correction in .838 and more
    (`bench/cache_truth.py`). Raises ValueError for counts that can't be.
    """
    if not 0 <= false <= checks:
        raise ValueError(f"{false} of {checks} is no count")
    if checks == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, scale = false / checks, 2 * (checks + z * z)
    centre, odd = 2 * false + z * z, z * z - 1 / checks
    below = sqrt(max(0.0, odd - 2 + 4 * rate * (checks - false + 1)))
    above = sqrt(max(0.0, odd + 2 + 4 * rate * (checks - false - 1)))
    low = max(0.0, (centre - 1 - z * below) / scale) if false else 0.0
    high = min(1.0, (centre + 1 + z * above) / scale) if false < checks else 1.0
    return min(low, rate), max(high, rate)


def sampled(request_id: str, share: float) -> bool:
    """Whether a hit is one of the share (0-1) that is checked; always the same for a request."""
    digest = hashlib.blake2b(request_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64


def convicts(false: int, checks: int, bound: float) -> bool:
    """So many are false that the rate is surely above the bound."""
    return 1.0 - _at_most(false - 1, checks, bound) <= _CONVICTED


def passes(false: int, checks: int, bound: float, doubt: float = _PASSED) -> bool:
    """So few are false that the rate is surely below the bound."""
    return _at_most(false, checks, bound) <= doubt


class Truth:
    """What checks say of each route. The same checks in the same order lead to the same."""

    def __init__(
        self,
        bound: float,
        threshold: float,
        bounds: Mapping[str, float] | None = None,
        *,
        share: float = 0.02,
        horizon_s: float = 30 * 86_400.0,
    ) -> None:
        """`threshold` is the shipped one; `bounds` are by route, for those that have their own.

        `share` is that of the hits which are checked: it says how many hits complaints are held
        against. `horizon_s` is how long a route stays off, or its threshold up. Raises ValueError for a bound or share that is not between 0 and 1.
        """
        self._bound = bound
        self._threshold = threshold
        self._bounds = dict(bounds or {})
        self._share = share
        self._horizon = timedelta(seconds=horizon_s)
        self._routes: dict[str, _Route] = {}
        if wrong := [each for each in (bound, *self._bounds.values()) if not 0 < each < 1]:
            raise ValueError(f"a bound is between 0 and 1, not {wrong[0]}")
        if not 0 < share <= 1:
            raise ValueError(f"a share of checked hits is above 0 and at most 1, not {share}")

    def bind(self, bound: float, bounds: Mapping[str, float]) -> None:
        """Judge by other bounds from now on; a verdict that fell stands."""
        self._bound, self._bounds = bound, dict(bounds)
        for name, route in self._routes.items():
            route.bound = self._bounds.get(name, bound)

    def note(self, check: Check) -> None:
        """Learn from a check."""
        route = self._current(check.route, check.time)
        if route is None:
            bound = self._bounds.get(check.route, self._bound)
            route = _Route(bound, self._threshold, self._threshold, self._share)
            self._routes[check.route] = route
        route.note(check)

    def threshold(self, route: str, now: datetime) -> float | None:
        """The lowest probability from which a hit is given out now; None: switched off."""
        known = self._current(route, now)
        if known is None:
            return self._threshold
        return known.threshold if known.on else None

    def routes(self, now: datetime) -> Sequence[RouteTruth]:
        """All that have checks, by name."""
        known = ((name, self._current(name, now)) for name in sorted(self._routes))
        return [route.truth(name) for name, route in known if route is not None]

    def reset(self, route: str) -> None:
        """Forget what is known of it: it begins anew."""
        self._routes.pop(route, None)

    def _current(self, name: str, now: datetime) -> _Route | None:
        """The route, unless it is unknown or its verdict is too old to stand."""
        route = self._routes.get(name)
        if route is None or route.since is None:
            return route
        return route if now - route.since <= self._horizon else None


@dataclass(slots=True)
class _Route:
    """What is known of one route."""

    bound: float
    shipped: float
    threshold: float
    share: float
    on: bool = True
    why: str = ""
    #: When the last verdict fell.
    since: datetime | None = None
    #: The newest checks from the threshold on: probability, and whether it was false.
    checks: list[tuple[float, bool]] = field(default_factory=list)
    #: How many there were in all, those below or not remembered any more included.
    noted: int = 0
    #: How many there had been when the threshold was raised.
    raised_at: int = 0
    #: Replies that users called bad since then.
    complaints: set[str] = field(default_factory=set)

    def note(self, check: Check) -> None:
        if not self.on or check.probability < self.shipped:
            return
        if check.by != "feedback":
            self._check(check)
        elif check.false and check.probability >= self.threshold:
            self._complain(check)

    def truth(self, name: str) -> RouteTruth:
        checks, false = len(self.checks), _false(self.checks)
        low, high = wilson(false, checks, _CONFIDENCE)
        return RouteTruth(
            route=name,
            checks=checks,
            false=false,
            rate=false / checks if checks else None,
            low=low,
            high=high,
            bound=self.bound,
            threshold=self.threshold,
            on=self.on,
            why=self.why,
            complaints=len(self.complaints),
        )

    def _check(self, check: Check) -> None:
        """Note one of the sample, and judge by it."""
        self.noted += 1
        if check.probability >= self.threshold:  # it may have risen since that hit
            self.checks.append((check.probability, check.false))
            del self.checks[:-_MOST]
            if check.false and self._is_convicted(check.time):
                return
        if self.noted % TRIAL == 0:
            false, checks = _false(self.checks), len(self.checks)
            if not passes(false, checks, self.bound):
                why = f"{false} of {checks} false: not surely under {self.bound:g}"
                self._sentence(why, check.time, self._higher(_are_good))

    def _is_convicted(self, time: datetime) -> bool:
        newest = self.checks[-TRIAL:]
        false, checks = _false(newest), len(newest)
        if checks < _FEWEST_CHECKS or not convicts(false, checks, self.bound):
            return False
        self.checks = newest  # what was true before is over
        why = f"{false} of the newest {checks} false: above {self.bound:g}"
        self._sentence(why, time, self._higher(_seem_good if self.noted < TRIAL else _are_good))
        return True

    def _complain(self, check: Check) -> None:
        """Note what a user called bad, and judge by it."""
        self.complaints.add(check.reply_id)
        complaints = len(self.complaints)
        hits = round((self.noted - self.raised_at + 1) / self.share)
        if complaints >= _FEWEST_COMPLAINTS and convicts(complaints, hits, self.bound):
            why = f"{complaints} complaints of about {hits} hits: above {self.bound:g}"
            self._sentence(why, check.time, None)

    def _sentence(self, why: str, time: datetime, higher: float | None) -> None:
        """Raise the threshold, else switch off."""
        self.since, self.why = time, why
        if higher is None:
            self.on = False
            return
        self.threshold, self.raised_at = higher, self.noted
        self.checks = [each for each in self.checks if each[0] >= higher]
        self.complaints.clear()
        self.why = f"{why}; {_false(self.checks)} of {len(self.checks)} from {higher:.3g} on"

    def _higher(self, are_good: Callable[[int, int, float], bool]) -> float | None:
        """The lowest probability, above the threshold, from which on hits are good."""
        ranked = sorted(self.checks, reverse=True)
        higher, false = None, 0
        for count, (probability, wrong) in enumerate(ranked, start=1):
            false += wrong
            is_last_of_its_kind = count == len(ranked) or ranked[count][0] < probability
            if is_last_of_its_kind and probability > self.threshold:
                higher = probability if are_good(false, count, self.bound) else higher
        return higher


def _are_good(false: int, checks: int, bound: float) -> bool:
    return passes(false, checks, bound, _SURELY)


def _seem_good(false: int, checks: int, bound: float) -> bool:
    return checks >= _SEEMING_CHECKS and false <= checks * bound * _SEEMING_SHARE


def _false(checks: Sequence[tuple[float, bool]]) -> int:
    return sum(false for _, false in checks)


@lru_cache(maxsize=16_384)
def _at_most(most: int, of: int, rate: float) -> float:
    """How likely at most so many of so many are false, at that rate."""
    if most >= of:
        return 1.0
    yes, no = log(rate), log1p(-rate)
    return fsum(
        exp(lgamma(of + 1) - lgamma(k + 1) - lgamma(of - k + 1) + k * yes + (of - k) * no)
        for k in range(most + 1)
    )
