"""The replies that were used last, so that asking again needs no disk. Pure."""

from __future__ import annotations

from collections import OrderedDict

from pointsman.types import CachedReply


class Front:
    """Replies by id, bounded by bytes: whatever was not asked for longest goes."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes` of the sizes that `add` is told."""
        self._max_bytes = max_bytes
        self._size = 0
        #: The one that was used last is the last.
        self._held: OrderedDict[str, tuple[CachedReply, int]] = OrderedDict()

    def get(self, reply_id: str) -> CachedReply | None:
        """The reply, which thereby was used last; None where it is not here."""
        if reply_id not in self._held:
            return None
        self._held.move_to_end(reply_id)
        return self._held[reply_id][0]

    def add(self, reply: CachedReply, size: int) -> None:
        """Take it in, in place of what was there for its id, unless it is larger than all."""
        self.remove(reply.id)
        if size > self._max_bytes:
            return
        self._held[reply.id] = (reply, size)
        self._size += size
        while self._size > self._max_bytes:
            self.remove(next(iter(self._held)))

    def remove(self, reply_id: str) -> None:
        """Let it go, if it is here."""
        _, size = self._held.pop(reply_id, (None, 0))
        self._size -= size
