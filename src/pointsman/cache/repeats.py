"""Who asks the same again in one conversation wants another answer. Pure."""

from __future__ import annotations

from collections import OrderedDict

from pointsman.types import Principal


class Repeats:
    """What was answered in which conversation, as far back as is remembered."""

    def __init__(self, most: int = 10_000) -> None:
        """Remembers the `most` last answers."""
        self._most = most
        self._answered: OrderedDict[tuple[str, str, str | None, str], None] = OrderedDict()

    def seen(self, principal: Principal, conversation: str | None, key: str) -> bool:
        """Whether this identity was answered there before.

        Without a conversation's name nobody can tell who asks again, and it never was.
        """
        return (principal.organisation, principal.key, conversation, key) in self._answered

    def note(self, principal: Principal, conversation: str | None, key: str) -> None:
        """It was answered there."""
        if conversation is None:
            return
        answered = (principal.organisation, principal.key, conversation, key)
        self._answered[answered] = None
        self._answered.move_to_end(answered)
        if len(self._answered) > self._most:
            self._answered.popitem(last=False)
