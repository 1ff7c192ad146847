"""What a request says and the canonical form has no place for, noted while it is decoded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pointsman.errors import BadRequest
from pointsman.types import Json


@dataclass(slots=True)
class Notes:
    """Names of members; see `Conversation`."""

    advisory: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def hint(self, name: str) -> None:
        """Note something without effect on the answer."""
        if name not in self.advisory:
            self.advisory.append(name)

    def matter(self, name: str) -> None:
        """Note something that has an effect, or may have."""
        if name not in self.foreign:
            self.foreign.append(name)

    def rest(
        self, value: dict[str, Json], known: Iterable[str], hints: Iterable[str], place: str = ""
    ) -> None:
        """Note an object's members that are neither null nor known; `place` stands before names."""
        for name, said in value.items():
            if said is None or name in known:
                continue
            note = self.hint if name in hints else self.matter
            note(place + name)


def optional_flag(value: dict[str, Json], name: str, place: str) -> bool | None:
    """A boolean, None where it is missing or null. Raises BadRequest."""
    member = value.get(name)
    if member is None or isinstance(member, bool):
        return member
    raise BadRequest(f"`{place}` must be true or false", param=place)
