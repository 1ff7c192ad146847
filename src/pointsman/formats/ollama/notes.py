"""What a translation leaves behind. Nothing is dropped without being named here."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from pointsman.errors import Inexpressible
from pointsman.types import Json


@dataclass(slots=True)
class Leftovers:
    """Names of members that the canonical form has no place for."""

    #: They have no effect on the answer.
    advisory: list[str] = field(default_factory=list)
    #: They have, or may have.
    foreign: list[str] = field(default_factory=list)

    def sort(
        self,
        value: dict[str, Json],
        known: AbstractSet[str],
        advisory: AbstractSet[str] = frozenset(),
        place: str = "",
    ) -> None:
        """Note all members of `value` but the known ones and those that are not set.

        As for Ollama, which is written in Go, null, false, 0 and what is empty are not set.
        """
        for name, member in value.items():
            if name in known or not member:
                continue
            (self.advisory if name in advisory else self.foreign).append(place + name)


class Losses:
    """What a request loses on its way into this format."""

    def __init__(self, drop: AbstractSet[str], advisory: Iterable[str]) -> None:
        """`drop` names what may be lost; `advisory` is lost already."""
        self._drop = drop
        self._left_out = dict.fromkeys(advisory)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of all that was lost, each once."""
        return tuple(self._left_out)

    def hint(self, name: str) -> None:
        """Something is left out that the answer can do without."""
        self._left_out[name] = None

    def keeps(self, *names: str) -> bool:
        """Whether a parameter, known by these names, is to be said; it is noted where it is not."""
        dropped = next((name for name in names if name in self._drop), None)
        if dropped is not None:
            self.hint(dropped)
        return dropped is None

    def matter(self, feature: str, *names: str) -> None:
        """Something that matters can't be said: `feature` in the client's words.

        Raises Inexpressible where it may not be dropped under one of its names.
        """
        if self.keeps(*names):
            raise Inexpressible(feature, "Ollama", param=names[0])
