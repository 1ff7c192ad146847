"""What a conversation asks for and this format can't say: refused, or left out and named."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from pointsman.errors import Inexpressible


class Gaps:
    """Collects what is left out of one translation."""

    def __init__(self, drop: AbstractSet[str]) -> None:
        """`drop` names what the configuration allows to be left out."""
        self._drop = drop
        self._left_out: dict[str, None] = {}

    @property
    def left_out(self) -> tuple[str, ...]:
        """Each name once, in the order they came up."""
        return tuple(self._left_out)

    def leave_out(self, *names: str) -> None:
        """These have no effect on the answer, or are hints."""
        self._left_out.update(dict.fromkeys(names))

    def keeps(self, *names: str) -> bool:
        """Whether a parameter, known by these names, is to be sent; named where it is not."""
        dropped = self._drop & set(names)
        self.leave_out(*dropped)
        return not dropped

    def refuse(self, name: str, feature: str | None = None) -> None:
        """Raise Inexpressible, unless `name` may be left out. `feature` says it in words."""
        if self.keeps(name):
            raise Inexpressible(feature or f"`{name}`", "Anthropic messages", param=name)
