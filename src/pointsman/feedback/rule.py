"""The plain rule: patterns whose answers are poor are sent higher. Pure.

A pattern is a band of ten points of the shipped score, and a domain. Each has a number of points
that are added to the scores of its prompts, 0 at first; the thresholds of the tiers then count for
the sum. That raises what a lower tier must answer for, or lowers it again:

* **up** a step, when five or more of the newest 20 outcomes are of low quality, among those of
  tiers that anything is above;
* **down** a step, when of the newest 20 outcomes at most one is, and the mean is good. After each
  time that it went up again, twice as many are needed: a pattern that proved hard is not tried
  again and again.

Only outcomes since the pattern's last move count, so it moves at most once for the same ones, and
at most a step at a time. It stays between 0 and `CEILING`. Nothing here is statistics: it is meant
to be understood.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from pointsman.types import Evidence, Json

#: Points of one step, and the most that a pattern can be raised by.
STEP, CEILING = 5.0, 30.0
#: Quality (0-1) below which an outcome is low, and from which a mean is good.
LOW, GOOD = 0.4, 0.6
#: So many low ones among the newest raise; so many may be among them when it is lowered.
RAISING, FORGIVEN, NEWEST = 5, 1, 20
#: Trust from which on an outcome counts for lowering: signals alone never make anything cheaper.
TRUSTED = 0.5
#: How often the outcomes that lowering takes are doubled at most.
_DOUBLED = 5
_BAND, _BANDS = 10, 10


class Pattern(NamedTuple):
    """Prompts that are treated alike."""

    #: 0 for shipped scores below 10, up to 9.
    band: int
    domain: str


class Standing(msgspec.Struct, frozen=True):
    """What holds for a pattern."""

    #: Added to its scores.
    points: float = 0.0
    #: Of the last outcome before it moved; None: it never did.
    since: datetime | None = None
    #: How often it went up.
    raised: int = 0

    @property
    def patience(self) -> int:
        """Outcomes without trouble that it takes to go down."""
        return int(NEWEST * 2 ** min(max(self.raised - 1, 0), _DOUBLED))


Standings: TypeAlias = Mapping[Pattern, Standing]


class Move(msgspec.Struct, frozen=True):
    """One step of one pattern, and why."""

    pattern: Pattern
    direction: Literal["up", "down"]
    before: Standing
    after: Standing
    #: Outcomes that were looked at, and those of them that were of low quality: ids of requests.
    outcomes: int
    low: tuple[str, ...]
    #: Of all that were looked at, 0-1.
    mean: float

    @property
    def text(self) -> str:
        """For people: one line."""
        first = self.pattern.band * _BAND
        return (
            f"{self.pattern.domain}, score {first}-{first + _BAND}: "
            f"{self.before.points:+g} to {self.after.points:+g} points; {len(self.low)} of "
            f"{self.outcomes} outcomes were poor, mean quality {self.mean:.2f}"
        )

    def as_json(self) -> dict[str, Json]:
        """The evidence."""
        return {
            "domain": self.pattern.domain,
            "band": self.pattern.band,
            "before": self.before.points,
            "after": self.after.points,
            "outcomes": self.outcomes,
            "low": list(self.low),
            "mean": self.mean,
        }


def pattern(cold: float, domain: str) -> Pattern:
    """That of a prompt with this shipped score, 0-100."""
    return Pattern(min(max(int(cold // _BAND), 0), _BANDS - 1), domain)


def points(standings: Standings, cold: float, domain: str) -> float:
    """What is added to the score of such a prompt."""
    return standings.get(pattern(cold, domain), Standing()).points


def step(
    standings: Standings, evidence: Iterable[Evidence], highest: str, *, trust: float = 0.0
) -> list[Move]:
    """At most one move for each pattern; `highest` is the tier that nothing is above.

    Outcomes of less `trust` raise nothing, poor or not; beside poor ones they count all the same.
    """
    by_pattern: dict[Pattern, list[Evidence]] = {}
    for each in sorted(evidence, key=lambda each: (each.time, each.request_id)):
        of = pattern(each.cold, each.domain)
        since = standings.get(of, Standing()).since
        if since is None or each.time > since:
            by_pattern.setdefault(of, []).append(each)
    moves = (
        _move(of, standings.get(of, Standing()), seen, highest, trust)
        for of, seen in by_pattern.items()
    )
    return sorted((move for move in moves if move is not None), key=lambda move: move.pattern)


def moved(standings: Standings, moves: Iterable[Move]) -> dict[Pattern, Standing]:
    """What holds after these."""
    return {**standings, **{move.pattern: move.after for move in moves}}


def write(standings: Standings) -> str:
    """As JSON, for a version."""
    rows: list[Json] = [
        {
            "band": of.band,
            "domain": of.domain,
            "points": now.points,
            "since": None if now.since is None else now.since.isoformat(),
            "raised": now.raised,
        }
        for of, now in sorted(standings.items())
    ]
    return json.dumps({"patterns": rows})


def read(text: str) -> dict[Pattern, Standing]:
    """The reverse. Raises ValueError, KeyError or TypeError for anything else."""
    return {
        Pattern(int(row["band"]), str(row["domain"])): Standing(
            float(row["points"]),
            None if row["since"] is None else datetime.fromisoformat(row["since"]),
            int(row["raised"]),
        )
        for row in json.loads(text)["patterns"]
    }


def _move(
    of: Pattern, now: Standing, seen: Sequence[Evidence], highest: str, trust: float
) -> Move | None:
    below = [each for each in seen if each.tier != highest][-NEWEST:]
    telling = [each for each in below if each.trust >= trust]
    if len(_low(telling)) >= RAISING and now.points < CEILING:
        to = min(now.points + STEP, CEILING)
        after = replace(now, points=to, since=seen[-1].time, raised=now.raised + 1)
        return _said(of, "up", now, after, below)
    newest = [each for each in seen if each.trust >= TRUSTED][-now.patience :]
    enough = len(newest) == now.patience and len(_low(newest)) <= FORGIVEN * len(newest) / NEWEST
    if enough and _mean(newest) >= GOOD and now.points > 0.0:
        to = max(now.points - STEP, 0.0)
        after = replace(now, points=to, since=seen[-1].time)
        return _said(of, "down", now, after, newest)
    return None


def _said(
    of: Pattern,
    direction: Literal["up", "down"],
    before: Standing,
    after: Standing,
    seen: Sequence[Evidence],
) -> Move:
    return Move(of, direction, before, after, len(seen), _low(seen), _mean(seen))


def _low(seen: Sequence[Evidence]) -> tuple[str, ...]:
    return tuple(each.request_id for each in seen if each.quality < LOW)


def _mean(seen: Sequence[Evidence]) -> float:
    return sum(each.quality for each in seen) / len(seen)
