"""Which cached replies stay where room ends: GreedyDual-Size-Frequency. Pure.

L. Cherkasova, "Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy",
HP Laboratories report HPL-98-69R1, 1998. A reply's priority is `clock + frequency * worth / size`.
The lowest goes, and the clock becomes its priority; so whatever is not asked for again is overtaken
in the end, however dear it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from itertools import islice

from pointsman.types import CachedReply

#: What a second of waiting is worth, in US dollars, where a reply cost nothing or its price is
#: unknown: about what replies of a small hosted model cost per second that they take.
DOLLARS_PER_SECOND = 0.0001


def worth(reply: CachedReply) -> float:
    """US dollars that giving it out again saves; where it cost none, those of the time saved."""
    return float(reply.cost or 0) or reply.latency_ms / 1000 * DOLLARS_PER_SECOND


def size_of(reply: CachedReply) -> int:
    """Bytes that it counts for: of its body, its turn and its vector."""
    turn = len(reply.turn.encode("utf-8", "surrogatepass")) if reply.turn else 0
    return len(reply.body) + turn + (len(reply.vector.data) if reply.vector else 0)


@dataclass(slots=True, eq=False)
class Kept:
    """What `Shelf` knows of a cached reply."""

    id: str
    key: str
    #: Bytes.
    size: int
    #: US dollars, see `worth`.
    worth: float
    expires: datetime
    hits: int = 0
    #: What the heap goes by: the priority, and among equals whichever was used longest ago.
    priority: float = 0.0
    turn: int = 0
    #: Where it stands in the heap.
    place: int = 0

    def __lt__(self, other: Kept) -> bool:
        """It goes sooner."""
        return (self.priority, self.turn) < (other.priority, other.turn)


def kept(reply: CachedReply) -> Kept:
    """Of a reply that is new to the shelf."""
    return Kept(reply.id, reply.key, size_of(reply), worth(reply), reply.expires, reply.hits)


class Heap:
    """A binary heap, the lowest first, whose items know their place: any of them can leave it."""

    def __init__(self) -> None:
        """Empty."""
        self._items: list[Kept] = []

    @property
    def lowest(self) -> Kept:
        """Raises IndexError where it is empty."""
        return self._items[0]

    def add(self, item: Kept) -> None:
        """Take it in."""
        self._items.append(item)
        self._rise(item, len(self._items) - 1)

    def remove(self, item: Kept) -> None:
        """Let it go."""
        last = self._items.pop()
        if last is not item:
            self._rise(last, item.place)
            self.sink(last)

    def sink(self, item: Kept) -> None:
        """Set right an item that has become greater."""
        items, place = self._items, item.place
        while (child := 2 * place + 1) < len(items):
            if child + 1 < len(items) and items[child + 1] < items[child]:
                child += 1
            if not items[child] < item:
                break
            items[place] = items[child]
            items[place].place = place
            place = child
        items[place] = item
        item.place = place

    def _rise(self, item: Kept, place: int) -> None:
        """Set it at `place`, or above it where it belongs."""
        items = self._items
        while place and item < items[parent := (place - 1) // 2]:
            items[place] = items[parent]
            items[place].place = place
            place = parent
        items[place] = item
        item.place = place


#: Expired replies that go at once to make room: the sweep takes the others.
_AT_ONCE = 32


class Expiries:
    """Who expires when: by the minute, so that it costs little to hold and to leave."""

    def __init__(self) -> None:
        """Empty."""
        self._minutes: dict[int, dict[str, Kept]] = {}
        #: A heap of the minutes, some of which nobody holds any more.
        self._order: list[int] = []

    def add(self, item: Kept) -> None:
        """Take it in."""
        minute = _minute(item.expires)
        if minute not in self._minutes:
            self._minutes[minute] = {}
            heappush(self._order, minute)
        self._minutes[minute][item.id] = item

    def remove(self, item: Kept) -> None:
        """Let it go."""
        minute = _minute(item.expires)
        del self._minutes[minute][item.id]
        if not self._minutes[minute]:
            del self._minutes[minute]

    def due(self, now: datetime, *, limit: int) -> list[str]:
        """The ids of at most `limit` that have expired."""
        due: list[str] = []
        looked_at: set[int] = set()
        while self._order and self._order[0] <= _minute(now) and len(due) < limit:
            minute = heappop(self._order)
            if minute in self._minutes and minute not in looked_at:
                looked_at.add(minute)
                held = (item.id for item in self._minutes[minute].values() if item.expires <= now)
                due += islice(held, limit - len(due))
        for minute in looked_at:
            heappush(self._order, minute)
        return due


def _minute(time: datetime) -> int:
    return int(time.timestamp() // 60)


class Shelf:
    """The bounds of a cache: what it holds by key and id, and who has to go.

    It holds no replies: whoever does drops those that it names.
    """

    def __init__(self, *, max_replies: int, max_bytes: int) -> None:
        """Both bounds hold after every call; `max_bytes` of sizes as `size_of` says."""
        self._max_replies = max_replies
        self._max_bytes = max_bytes
        self._by_id: dict[str, Kept] = {}
        self._by_key: dict[str, Kept] = {}
        self._heap = Heap()
        self._expiries = Expiries()
        self._clock = 0.0
        self._turn = 0
        self.size = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, reply_id: str) -> bool:
        return reply_id in self._by_id

    def at(self, key: str) -> Kept | None:
        """What is there for an exact identity, expired or not."""
        return self._by_key.get(key)

    def of(self, reply_id: str) -> Kept | None:
        """What is there by this id, expired or not."""
        return self._by_id.get(reply_id)

    def add(self, item: Kept, *, now: datetime | None = None) -> list[str]:
        """Take it in, unless it is larger than all the room; returns the ids of those that went.

        Those with its key or its id go, then those that have expired `now`, then the least valuable.
        """
        before = {self._by_key.get(item.key), self._by_id.get(item.id)}
        gone = [each.id for each in before if each and self.remove(each.id)]
        if item.size > self._max_bytes or not self._max_replies:
            return gone
        if now and self._is_full(item):
            gone += self.expired(now, limit=_AT_ONCE)
        while self._is_full(item):
            gone.append(self._evict())
        self._take(item)
        return gone

    def restore(self, items: Iterable[Kept]) -> list[str]:
        """Take in what was there before, on an empty shelf; returns the ids that have no room."""
        for item in items:
            self._take(item)
        gone = []
        while len(self) > self._max_replies or self.size > self._max_bytes:
            gone.append(self._evict())
        return gone

    def used(self, reply_id: str) -> bool:
        """It was given out; False where it is not there."""
        item = self._by_id.get(reply_id)
        if item is None:
            return False
        item.hits += 1
        self._rank(item)
        self._heap.sink(item)
        return True

    def remove(self, reply_id: str) -> bool:
        """It is no longer there; False where it was not."""
        item = self._by_id.pop(reply_id, None)
        if item is None:
            return False
        del self._by_key[item.key]
        self._heap.remove(item)
        self._expiries.remove(item)
        self.size -= item.size
        return True

    def expired(self, now: datetime, *, limit: int) -> list[str]:
        """Remove at most `limit` that have expired; returns their ids."""
        gone = self._expiries.due(now, limit=limit)
        for reply_id in gone:
            self.remove(reply_id)
        return gone

    def _is_full(self, item: Kept) -> bool:
        return len(self) >= self._max_replies or self.size + item.size > self._max_bytes

    def _take(self, item: Kept) -> None:
        self._rank(item)
        self._by_id[item.id] = self._by_key[item.key] = item
        self._heap.add(item)
        self._expiries.add(item)
        self.size += item.size

    def _evict(self) -> str:
        lowest = self._heap.lowest
        self._clock = lowest.priority
        self.remove(lowest.id)
        return lowest.id

    def _rank(self, item: Kept) -> None:
        self._turn += 1
        item.turn = self._turn
        item.priority = self._clock + (1 + item.hits) * item.worth / max(item.size, 1)
