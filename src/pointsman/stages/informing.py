"""What was learned, in memory: it says of each request what that makes of its score."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec
from msgspec.structs import replace

from pointsman.ports import Observer
from pointsman.stages.decider import Lesson
from pointsman.types import SHIPPED, Call, Informed, Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Measured: TypeAlias = NDArray[np.float32]

#: What was learned, as a part of the score.
TRAFFIC = "traffic"


class Said(msgspec.Struct, frozen=True):
    """What a version says of one request."""

    #: 0-100.
    score: float
    #: See `Lesson.spread`.
    spread: Sequence[float] = ()
    #: See `Score.suffices`; empty where it says nothing of that.
    suffices: tuple[float, ...] = ()


class Mind(Protocol):
    """A version that was read."""

    @property
    def version(self) -> str:
        """Its id."""

    @property
    def until(self) -> datetime | None:
        """When the last outcome was that it learned from; None where it learned from none."""

    def say(self, measured: Measured, scored: Score) -> Said:
        """What it makes of a request that was measured so."""


class Reader(Protocol):
    """Measures prompts."""

    def measure(self, scored: Score, text: str) -> Measured:
        """What is told of it by numbers."""

    def pack(self, measured: Measured) -> str:
        """The same as text, see `Informed.features`."""


class Minds(msgspec.Struct, frozen=True):
    """Everything that was learned and read."""

    #: Of an organisation that has nothing of its own, and of all where the organisation is empty.
    in_force: Mapping[str, Mind] = msgspec.field(default_factory=dict)
    #: Those that an experiment may name, by version.
    by_version: Mapping[str, Mind] = msgspec.field(default_factory=dict)

    def of(self, organisation: str) -> Mind | None:
        """What is in force for it; None where nothing was learned."""
        return self.in_force.get(organisation) or self.in_force.get("")


class Informing:
    """Says it; quick, and without fail: where learning breaks, requests go on without it."""

    def __init__(self, scorers: Collection[str], observer: Observer) -> None:
        """Only what one of these `scorers` said is learned from: others' scores are others."""
        self._scorers = frozenset(scorers)
        self._observer = observer
        self._reader: Reader | None = None
        self._shipped: Mind | None = None
        #: What is in force now.
        self.minds = Minds()

    @property
    def ready(self) -> bool:
        """Whether prompts are measured already."""
        return self._reader is not None

    def knows(self, version: str) -> bool:
        """Whether an experiment may name it."""
        return self.ready and (version == SHIPPED or version in self.minds.by_version)

    def start(self, reader: Reader, shipped: Mind) -> None:
        """From now on prompts are measured; `shipped` is believed where nothing was learned."""
        self._reader, self._shipped = reader, shipped

    def informed(self, call: Call, scored: Score, version: str | None = None) -> Lesson | None:
        """See `decider.Learner`."""
        if scored.scorer not in self._scorers or scored.fault is not None:
            return None
        reader, shipped = self._reader, self._shipped
        if reader is None or shipped is None:
            return Lesson(scored, Informed(cold=scored.value))
        try:
            return self._lesson(reader, self._mind(call, version) or shipped, call, scored)
        except Exception as error:  # noqa: BLE001 - the request is routed without it
            self._observer.fault("learning", error)
            return None

    def _mind(self, call: Call, version: str | None) -> Mind | None:
        if version is None or version == SHIPPED:
            return None if version else self.minds.of(call.principal.organisation)
        return self.minds.by_version.get(version) or self.minds.of(call.principal.organisation)

    def _lesson(self, reader: Reader, mind: Mind, call: Call, scored: Score) -> Lesson:
        measured = reader.measure(scored, _last_user_turn(call))
        said = mind.say(measured, scored)
        informed = Informed(mind.version, reader.pack(measured), scored.value)
        if mind.version == SHIPPED:
            return Lesson(scored, informed, said.spread)
        value = round(min(max(said.score, 0.0), 100.0), 2)
        moved = replace(
            scored,
            value=value,
            parts={**scored.parts, TRAFFIC: round(value - scored.value, 2)},
            suffices=said.suffices or scored.suffices,
        )
        return Lesson(moved, informed, said.spread)


def _last_user_turn(call: Call) -> str:
    turns = reversed(call.request.turns)
    return next((turn.text for turn in turns if turn.role == "user"), "")
