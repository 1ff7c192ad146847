"""What a request says that the canonical form has no place for, by name."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from pointsman.types import Json

#: Members that say no more than their absence does.
_PLAIN: Mapping[str, Json] = {
    "caller": {"type": "direct"},
    "allowed_callers": ["direct"],
    "citations": {"enabled": False},
}


class Notes:
    """Collects names while a request is decoded; knows the names of the tools it saw called."""

    def __init__(self) -> None:
        """Start empty."""
        self._advisory: dict[str, None] = {}
        self._foreign: dict[str, None] = {}
        #: Tools' names by the ids of their calls.
        self.called: dict[str, str] = {}

    @property
    def advisory(self) -> tuple[str, ...]:
        """What has no effect on the answer, or is a hint."""
        return tuple(self._advisory)

    @property
    def foreign(self) -> tuple[str, ...]:
        """What matters, or may."""
        return tuple(self._foreign)

    def note(self, name: str, *, hint: bool) -> None:
        """One name."""
        (self._advisory if hint else self._foreign)[name] = None

    def rest(
        self,
        value: Mapping[str, Json],
        known: AbstractSet[str],
        *,
        hints: AbstractSet[str] = frozenset(),
        prefix: str = "",
    ) -> None:
        """Every member that is not `known`, nor null; those in `hints` are advisory."""
        for name, member in value.items():
            if name in known or member is None or member == _PLAIN.get(name):
                continue
            self.note(prefix + name, hint=name in hints)
