"""The table of a proof as values: a figure, a contender's line, a source, and means over sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import erfc, sqrt

import msgspec
import numpy as np

from pointsman.proof.metrics import Floats

#: The part of the replicates that an interval holds.
CONFIDENCE = 0.95
#: A rank this unlikely by chance counts as better, or worse, than chance.
SIGNIFICANT = 0.05


class Figure(msgspec.Struct, frozen=True):
    """A value, with its bootstrap replicates where it has an interval."""

    value: float
    replicates: Floats | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % percentile interval; replicates that are no number are left out."""
        if self.replicates is None:
            return None
        known = self.replicates[np.isfinite(self.replicates)]
        if not known.size:
            return None
        tail = (1.0 - CONFIDENCE) / 2.0
        low, high = np.quantile(known, (tail, 1.0 - tail))
        return float(low), float(high)

    def view(self) -> float | dict[str, float]:
        """As JSON: the value alone, or with the ends of its interval."""
        ends = self.interval
        if ends is None:
            return self.value
        return {"value": self.value, "low": ends[0], "high": ends[1]}


def _mean(figures: Sequence[Figure]) -> Figure:
    value = float(np.mean([each.value for each in figures]))
    drawn = [each.replicates for each in figures if each.replicates is not None]
    return Figure(value, np.mean(drawn, axis=0) if len(drawn) == len(figures) else None)


def _independent(figures: Sequence[Figure]) -> Figure:
    """The standard deviation of a mean, from the standard deviations of what it is the mean of."""
    return Figure(sqrt(sum(each.value**2 for each in figures)) / len(figures))


@dataclass(frozen=True, slots=True)
class Line:
    """All that is measured of one contender; None where it does not apply. See `metrics`."""

    apgr: Figure | None = None
    #: The standard deviation of the APGR when the same scores are dealt out at random.
    chance_sd: Figure | None = field(default=None, metadata={"mean": _independent})
    cpt50: Figure | None = None
    cpt80: Figure | None = None
    #: Of what the oracle gains over chance, the part that is captured.
    headroom: Figure | None = None
    #: Expected calibration errors: as it comes, fitted in source, after 50 labelled outcomes.
    calibration: Figure | None = None
    calibration_in_source: Figure | None = None
    calibration_after_50: Figure | None = None
    #: How far the share of strong calls is off at 20 % and 50 %, steady and after a shift.
    budget20: Figure | None = None
    budget50: Figure | None = None
    shifted20: Figure | None = None
    shifted50: Figure | None = None
    #: The share of strong calls at its own default threshold, and the mean quality then.
    share: Figure | None = None
    quality: Figure | None = None
    #: That quality less the quality of a shuffle of the same decisions.
    gain: Figure | None = None
    #: The recovered gap at 0, 5, 10 ... 100 % of strong calls.
    curve: tuple[float, ...] = ()

    @property
    def p_random(self) -> float | None:
        """How likely chance alone is at least as far from .5, either way."""
        if self.apgr is None or self.chance_sd is None or not self.chance_sd.value:
            return None
        return erfc(abs(self.apgr.value - 0.5) / self.chance_sd.value / sqrt(2.0))

    @property
    def against_chance(self) -> str:
        """`+` significantly better than chance, `-` worse, else nothing."""
        if self.apgr is None or self.p_random is None or self.p_random > SIGNIFICANT:
            return ""
        return "+" if self.apgr.value > 0.5 else "-"  # noqa: PLR2004 - what chance has

    def view(self) -> dict[str, object]:
        """As JSON."""
        shown: dict[str, object] = {
            name: value.view()
            for name in FIGURES
            if isinstance(value := getattr(self, name), Figure)
        }
        if self.p_random is not None:
            shown["p_random"] = self.p_random
        if self.curve:
            shown["curve"] = list(self.curve)
        return shown


#: The names of a line's figures.
FIGURES = tuple(each.name for each in fields(Line) if each.name != "curve")


def mean_line(lines: Sequence[Line]) -> Line:
    """The mean over sources; a figure is there where every one of them has it."""
    means: dict[str, Figure] = {}
    for each in fields(Line):
        if each.name == "curve":
            continue
        values: list[Figure | None] = [getattr(line, each.name) for line in lines]
        known = [value for value in values if value is not None]
        mean: Callable[[Sequence[Figure]], Figure] = each.metadata.get("mean", _mean)
        if known and len(known) == len(lines):
            means[each.name] = mean(known)
    curves = [line.curve for line in lines if line.curve]
    return Line(
        **means,
        curve=tuple(np.mean(curves, axis=0).tolist()) if len(curves) == len(lines) else (),
    )


class Source(msgspec.Struct, frozen=True):
    """One source, or the mean over several."""

    name: str
    rows: int
    #: Mean qualities of the two models, 0-1.
    weak: float
    strong: float
    #: By contender. Empty where the strong model is no better, so that there is nothing to win.
    lines: Mapping[str, Line]

    def view(self) -> dict[str, object]:
        """As JSON."""
        return {
            "rows": self.rows,
            "weak": self.weak,
            "strong": self.strong,
            "contenders": {name: line.view() for name, line in self.lines.items()},
        }


class Proof(msgspec.Struct, frozen=True):
    """The whole table."""

    sources: Sequence[Source]
    #: Over all sources that have a gap; where only some have replies, over those as well.
    means: Sequence[Source]

    def view(self) -> dict[str, object]:
        """As JSON."""
        return {
            "sources": {source.name: source.view() for source in self.sources},
            "means": {source.name: source.view() for source in self.means},
        }


def mean_source(name: str, sources: Sequence[Source]) -> Source:
    """The mean over sources, of each contender that all of them have."""
    common = [
        contender
        for contender in sources[0].lines
        if all(contender in source.lines for source in sources)
    ]
    return Source(
        name=name,
        rows=sum(source.rows for source in sources),
        weak=float(np.mean([source.weak for source in sources])),
        strong=float(np.mean([source.strong for source in sources])),
        lines={each: mean_line([source.lines[each] for source in sources]) for each in common},
    )
