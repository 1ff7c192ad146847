"""Who asks the same again in one conversation wants another answer. Pure."""

from __future__ import annotations

from collections import OrderedDict

from pointsman.types import Principal


class Repeats:
    """What was asked in which conversation, as far back as is remembered."""

    def __init__(self, most: int = 10_000) -> None:
        """Remembers the `most` last requests."""
        self._most = most
        self._asked: OrderedDict[tuple[str, str, str, str], None] = OrderedDict()

    def seen(self, principal: Principal, conversation: str | None, key: str) -> bool:
        """Whether this identity was asked there before; from now on it was.

        Without a conversation's name nobody can tell who asks again, and it is never.
        """
        if conversation is None:
            return False
        asked = (principal.organisation, principal.key, conversation, key)
        before = asked in self._asked
        self._asked[asked] = None
        self._asked.move_to_end(asked)
        if len(self._asked) > self._most:
            self._asked.popitem(last=False)
        return before
