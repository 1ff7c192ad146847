"""What who watches gets to see."""

from __future__ import annotations

import msgspec


class Seen(msgspec.Struct, frozen=True):
    """Settled entries, the oldest first; none where nothing happened for a while."""

    #: Each as JSON.
    entries: tuple[bytes, ...] = ()
    #: How many more there were since the last time, which were too many for this watcher.
    dropped: int = 0
