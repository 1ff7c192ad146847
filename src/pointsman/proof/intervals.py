"""How much the figures would move with other rows of the same kind: the percentile bootstrap."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from pointsman.proof.metrics import Floats

#: How often each row was drawn in each replicate: replicates x rows.
Draws = NDArray[np.float32]


class Replicates(msgspec.Struct, frozen=True):
    """One value per replicate; no number where the drawn rows have no gap."""

    apgr: Floats
    cpt50: Floats
    cpt80: Floats


def draws(rows: int, replicates: int, rng: np.random.Generator) -> Draws:
    """Rows drawn with replacement, as counts."""
    drawn = np.empty((replicates, rows), dtype=np.float32)
    for each in range(replicates):
        drawn[each] = np.bincount(rng.integers(0, rows, rows), minlength=rows)
    return drawn


def replicate(drawn: Draws, gap: Floats, score: Floats) -> Replicates:
    """The figures of each replicate, on the same exact curve as in `metrics`."""
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    starts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))
    counts = drawn[:, order]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = _cumulated(counts, starts)
        share /= share[:, -1:]
        gained = _cumulated(counts * gap[order].astype(np.float32), starts)
        whole = gained[:, -1:].copy()
        gained /= np.where(whole > 0.0, whole, np.nan)
    return Replicates(
        apgr=np.asarray(np.trapezoid(gained, share, axis=1)),
        cpt50=_needed(share, gained, 0.5),
        cpt80=_needed(share, gained, 0.8),
    )


def mean_gain(drawn: Draws, gap: Floats, chosen: Floats) -> Floats:
    """Per replicate: what sending the chosen rows (1 or 0 each) adds over as many at random."""
    rows = drawn.shape[1]
    gained = drawn @ (chosen * gap).astype(np.float32) / rows
    share = drawn @ chosen.astype(np.float32) / rows
    whole = drawn @ gap.astype(np.float32) / rows
    return np.asarray(gained - share * whole, dtype=np.float64)


def _cumulated(values: Draws, starts: NDArray[np.intp]) -> Floats:
    """Sums from the left at the end of each group, with a 0 before them."""
    grouped = np.add.reduceat(values, starts, axis=1)
    sums = np.zeros((len(values), len(starts) + 1))
    np.cumsum(grouped, axis=1, out=sums[:, 1:], dtype=np.float64)
    return sums


def _needed(share: Floats, gained: Floats, recovered: float) -> Floats:
    """The smallest share that recovers so much, by a straight line between two points."""
    each = np.arange(len(share))
    above = np.maximum(1, np.argmax(gained >= recovered - 1e-9, axis=1))
    low, high = gained[each, above - 1], gained[each, above]
    with np.errstate(divide="ignore", invalid="ignore"):
        into = np.clip((recovered - low) / (high - low), 0.0, 1.0)
    return np.asarray(share[each, above - 1] + into * (share[each, above] - share[each, above - 1]))
