"""Whether traffic, or how good answers are, is not what it was. Pure.

Outcomes are taken in blocks of `BLOCK`, in the order of time. The newest whole block is held
against those before it, since the last alarm, by two permutation tests: of what was measured of
the prompts (the squared distance of the means, each feature in standard deviations), and of quality
(the difference of the means, after taking out each tier's own, so that other routing is no drift of
quality). If nothing has changed, any choice of as many outcomes is as likely as the newest block,
so a distance that so few of the choices reach is as rare: exactly, whatever the features are
(Pitman 1937; Phipson and Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9:39, for the 1 that is added).

**False alarms**: at most `FALSE_ALARMS` of the blocks, one in 10,000 outcomes. The same outcomes
give the same answer, so it does not matter how often it is asked. Traffic that changes with the
hour does change, and is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from pointsman.types import Evidence, Json

Floats: TypeAlias = NDArray[np.float64]
Kind: TypeAlias = Literal["traffic", "quality"]
#: Outcomes that are held against those before them.
BLOCK = 50
#: The share of blocks that raise an alarm though nothing has changed, at most.
FALSE_ALARMS = 0.005
#: Blocks before, that a block is held against: with fewer nothing is said, more are not looked at.
_FEWEST, _MOST = 2, 10
_CHOICES = 1_999


class Drift(msgspec.Struct, frozen=True):
    """Something is not what it was."""

    kinds: tuple[Kind, ...]
    #: Of the first outcome that differs: with it a new time begins, see `look`.
    time: datetime
    #: How likely such a block would be if nothing had changed, of both tests.
    traffic: float
    quality: float
    #: By how much the quality is higher than before, tier by tier, 0-1.
    change: float

    @property
    def text(self) -> str:
        """For people: one line."""
        said = {
            "traffic": f"prompts are not what they were (p = {self.traffic:.4f})",
            "quality": f"quality changed by {self.change:+.2f} (p = {self.quality:.4f})",
        }
        return "; ".join(said[kind] for kind in self.kinds)

    def as_json(self) -> dict[str, Json]:
        """The evidence."""
        return {
            "kinds": list(self.kinds),
            "time": self.time.isoformat(),
            "traffic": self.traffic,
            "quality": self.quality,
            "change": self.change,
        }


def look(
    evidence: Sequence[Evidence],
    unpack: Callable[[str], NDArray[np.float32]],
    *,
    since: datetime | None = None,
) -> Drift | None:
    """The drift that the newest whole block shows; None where there is none, or too little is known.

    `unpack` reads `Evidence.features`. `since` is the time of the last drift that was found.
    """
    ordered = sorted(evidence, key=lambda each: (each.time, each.request_id))
    known = [each for each in ordered if since is None or each.time >= since]
    blocks = len(known) // BLOCK
    if blocks <= _FEWEST:
        return None
    newest = known[(blocks - 1) * BLOCK : blocks * BLOCK]
    before = known[max(blocks - 1 - _MOST, 0) * BLOCK : (blocks - 1) * BLOCK]
    choices = _choices(len(before), len(newest))
    quality = _beyond_tiers([*before, *newest])
    traffic = _features([*before, *newest], unpack)
    rarity = {"traffic": _rarity(choices, traffic), "quality": _rarity(choices, quality)}
    kinds: list[Kind] = ["traffic", "quality"]
    found = tuple(kind for kind in kinds if rarity[kind] <= FALSE_ALARMS / 2)
    if not found:
        return None
    change = float((choices[0] @ quality)[0])
    return Drift(found, newest[0].time, rarity["traffic"], rarity["quality"], change)


def _choices(before: int, newest: int) -> Floats:
    """Weights by which rows add up to a difference of means: of the newest, then of others."""
    weights = np.full((1 + _CHOICES, before + newest), -1.0 / before)
    weights[0, before:] = 1.0 / newest
    rng = np.random.default_rng(0)
    for each in weights[1:]:
        each[rng.choice(before + newest, newest, replace=False)] = 1.0 / newest
    return weights


def _rarity(choices: Floats, values: Floats) -> float:
    """The share of the choices that are as far from the rest as the newest."""
    apart = ((choices @ values) ** 2).sum(axis=1)
    return float((apart >= apart[0] * (1.0 - 1e-9)).mean())


def _features(evidence: Sequence[Evidence], unpack: Callable[[str], NDArray[np.float32]]) -> Floats:
    """One row each, in standard deviations; what never varies is left out."""
    rows = np.array([unpack(each.features) for each in evidence], dtype=np.float64)
    spread = rows.std(axis=0)
    varying = spread > 0
    return np.asarray((rows - rows.mean(axis=0))[:, varying] / spread[varying])


def _beyond_tiers(evidence: Sequence[Evidence]) -> Floats:
    """By how much each quality is above the mean of its tier; one column."""
    above = np.array([each.quality for each in evidence])
    tiers = np.array([each.tier for each in evidence])
    for tier in set(tiers.tolist()):
        above[tiers == tier] -= above[tiers == tier].mean()
    return np.asarray(above[:, None])
