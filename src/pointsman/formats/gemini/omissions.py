"""What a translated request leaves out: by name, or not at all."""

from __future__ import annotations

from pointsman.errors import Inexpressible


class Omissions:
    """Keeps the names of what is left out, and refuses what may not be."""

    def __init__(self, drop: frozenset[str]) -> None:
        """`drop` names what the configuration allows to be left out."""
        self._drop = drop
        self._names: dict[str, None] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """What was left out, each name once, in order."""
        return tuple(self._names)

    def note(self, *names: str) -> None:
        """These are left out: hints and bookkeeping."""
        self._names.update(dict.fromkeys(names))

    def wanted(self, *names: str) -> bool:
        """Whether to say this; not where the configuration drops it under one of its names."""
        dropped = [name for name in names if name in self._drop]
        self.note(*dropped)
        return not dropped

    def refuse(self, feature: str, *names: str) -> None:
        """This can't be said. Raises Inexpressible unless the configuration drops it.

        `names` are the parameter's, the most usual one first.
        """
        if self.wanted(*names):
            raise Inexpressible(feature, "Gemini", param=names[0] if names else None)
