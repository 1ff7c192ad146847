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
        advisory: AbstractSet[str],
        place: str = "",
    ) -> None:
        """Note all members of `value` but the known ones and those that are null."""
        for name, member in value.items():
            if member is not None and name not in known:
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

    def matter(self, name: str, feature: str = "") -> None:
        """Something that matters can't be said: `feature` in the client's words.

        Raises Inexpressible where it may not be dropped.
        """
        if name not in self._drop:
            raise Inexpressible(feature or f"`{name}`", "OpenAI chat", param=name)
        self.hint(name)
