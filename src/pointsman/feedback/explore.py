"""Exploration: which tier is drawn to learn from it, how likely, and what that may cost. Pure.

Only a neighbour of the tier that the score chose is ever drawn, as likely as it may be the better
choice after all: the score is believed within a spread, so a draw of the score itself says how
likely it lies beyond a bound (Thompson sampling, in closed form). The draw is a hash of the
request's id, so that deciding again decides the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from math import erfc, sqrt

import msgspec

#: Of the share: how likely a neighbour is drawn at least, however sure the score is. What is never
#: tried can't be found to have changed, nor be compared with what is done.
LEAST = 0.2
#: How likely a request is drawn at most, however many were not.
MOST = 0.5
#: What goes before the request's id, so that nothing else that is hashed is drawn alike.
_SALT = b"explore:"
_HASH_BYTES = 7  # as many as a float can tell apart
_SHARES = 1 << 8 * _HASH_BYTES


class Choice(msgspec.Struct, frozen=True):
    """What a score chose, and how sure it is."""

    #: Where the request goes if nothing is drawn.
    tier: str
    #: 0-100.
    score: float
    #: Standard deviation of the score, in points; one for each step between tiers, or one for all.
    spread: Sequence[float]
    #: The lowest score of each tier, the lowest tier first.
    bounds: Mapping[str, float]


def probabilities(
    choice: Choice, admissible: Collection[str], *, share: float, most: float
) -> dict[str, float]:
    """How likely each tier is to be chosen, the lowest first; they add up to 1.

    Besides the chosen one only the next `admissible` tiers above and below are possible, together
    with at most `most`, each with at least `LEAST` of the `share`.
    """
    tiers = list(choice.bounds)
    level = tiers.index(choice.tier)
    above = next((tier for tier in tiers[level + 1 :] if tier in admissible), None)
    below = next((tier for tier in reversed(tiers[:level]) if tier in admissible), None)
    better: dict[str, float] = {}
    if below is not None:
        better[below] = 1.0 - _reaches(choice, tiers, level)
    if above is not None:
        better[above] = _reaches(choice, tiers, level + 1)
    if not better:
        return {choice.tier: 1.0}
    most = min(most, MOST)
    least = min(LEAST * share, most / len(better))
    more = {tier: max(likely - least, 0.0) for tier, likely in better.items()}
    scale = min(1.0, (most - least * len(better)) / (sum(more.values()) or 1.0))
    found = {tier: least + scale * each for tier, each in more.items()}
    found[choice.tier] = 1.0 - sum(found.values())
    return {tier: found[tier] for tier in tiers if tier in found}


def draw(request_id: str, choice: Mapping[str, float]) -> str:
    """One of these tiers, each as likely as it says; the same one for the same request."""
    digest = hashlib.blake2b(_SALT + request_id.encode(), digest_size=_HASH_BYTES).digest()
    left = int.from_bytes(digest, "big") / _SHARES
    for tier, likely in choice.items():
        left -= likely
        if left < 0:
            return tier
    return max(choice, key=choice.__getitem__)  # what rounding has left over


class Account:
    """What exploration took, and what it may take still: in requests and in money.

    Every request that may be drawn brings a share of a draw, every dollar a share of a dollar. What
    is not used stays, of draws up to `MOST` of one.
    """

    def __init__(self, share: float, cost: float, *, first: int = 0) -> None:
        """`share` of the requests may be drawn, and `cost` of what is spent for that (both 0-1).

        The `first` requests bring nothing: a gateway that was just started does not explore.
        """
        self.share = share
        self.cost = cost
        self._credit = 0.0
        self._first = first
        #: US dollars that were spent as expected, and that draws were expected to add to it.
        self.spent = 0.0
        self.extra = 0.0
        #: Requests that were drawn, of those that might have been.
        self.drawn = 0
        self.drawable = 0

    @property
    def most(self) -> float:
        """How likely the next request may be drawn."""
        if self._first > 0:
            return 0.0
        return min(max(self._credit + self.share, LEAST * self.share), MOST)

    def affords(self, extra: float) -> bool:
        """Whether a draw may cost so many US dollars more."""
        return extra <= 0 or self.extra + extra <= self.cost * (self.spent + extra)

    def count(self, drawable: float, *, drawn: bool) -> None:
        """A request is carried out that was to be drawn so likely, and was or was not."""
        self.drawable += drawable > 0
        self.drawn += drawn
        # Below zero where many were decided at once, of which none knew of the others.
        self._credit = min(self._credit + self.share - drawable, MOST)

    def spend(self, usd: float, extra: float = 0.0) -> None:
        """A request is expected to cost so many US dollars, of which a draw added `extra`."""
        self._first -= 1
        self.spent += usd
        self.extra += max(extra, 0.0)

    def give_back(self, usd: float, extra: float = 0.0) -> None:
        """What was counted so was not spent."""
        self.spent = max(self.spent - usd, 0.0)
        self.extra = max(self.extra - max(extra, 0.0), 0.0)


def _reaches(choice: Choice, tiers: Sequence[str], step: int) -> float:
    """How likely the score lies at or above the bound of this tier."""
    spread = choice.spread[min(step, len(choice.spread)) - 1]
    apart = choice.score - choice.bounds[tiers[step]]
    if spread <= 0:
        return float(apart >= 0)
    return 0.5 * erfc(-apart / (spread * sqrt(2.0)))
