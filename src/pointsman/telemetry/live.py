"""Entries as they are settled, for whoever watches: costs nothing while nobody does."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import Protocol

from pointsman.errors import RateLimited
from pointsman.ports import Observer
from pointsman.types import UNLIMITED, Entry, Filter, Principal, Seen

#: Seconds between two looks of one watcher.
PAUSE_S = 0.25
#: Seconds after which a watcher is told that nothing happened.
HEARTBEAT_S = 15.0
#: Entries that wait for one watcher; the oldest give way. With the pause: 24,000 a minute.
MOST_WAITING = 100
#: Watchers that one key may have.
MOST_WATCHERS = 16


class Elsewhere(Protocol):
    """Who watches at other gateways."""

    def settled(self, entry: Entry) -> None:
        """An entry was settled here."""

    def watched(self) -> None:
        """Somebody begins to watch here."""


class Live:
    """An `Observer` in front of another one, and a `Feed`. All of it in one event loop."""

    def __init__(
        self,
        observer: Observer,
        encode: Callable[[Entry], bytes],
        *,
        pause_s: float = PAUSE_S,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        """What is told goes on to `observer`. `encode` is called once for an entry that is seen."""
        self._observer = observer
        self._encode = encode
        self._pause_s = pause_s
        self._heartbeat_s = heartbeat_s
        self._watchers: list[Watcher] = []
        #: Those who watch at other gateways; None where there are none.
        self.afar: Elsewhere | None = None

    def settled(self, entry: Entry) -> None:
        """Lay it before those who want to see it."""
        self._observer.settled(entry)
        self.show(entry)
        if self.afar is not None:
            self.afar.settled(entry)

    def show(self, entry: Entry) -> None:
        """Lay an entry before those who watch here, whoever settled it."""
        if self._watchers:
            shown = _Shown(entry, self._encode)
            for watcher in self._watchers:
                watcher.offer(shown)

    def fault(self, stage: str, error: BaseException) -> None:
        """Pass it on."""
        self._observer.fault(stage, error)

    @property
    def watchers(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def watch(self, which: Filter, by: Principal) -> Watcher:
        """Begin to watch those entries. Raises RateLimited."""
        if sum(each.by == by.key for each in self._watchers) >= MOST_WATCHERS:
            raise RateLimited(
                f"{MOST_WATCHERS} clients watch with this key already",
                retry_after=self._heartbeat_s,
                standing=UNLIMITED,
            )
        watcher = Watcher(
            which,
            by.key,
            self._watchers.remove,
            pause_s=self._pause_s,
            heartbeat_s=self._heartbeat_s,
        )
        self._watchers.append(watcher)
        if self.afar is not None:
            self.afar.watched()
        return watcher

    def close(self) -> None:
        """Nobody who watches sees any more: the gateway stops. Idempotent."""
        for watcher in tuple(self._watchers):
            watcher.close()


class _Shown:
    """An entry, and its JSON once somebody sees it."""

    def __init__(self, entry: Entry, encode: Callable[[Entry], bytes]) -> None:
        self.entry = entry
        self._encode = encode

    @cached_property
    def json(self) -> bytes:
        return self._encode(self.entry)


class Watcher:
    """A `Watch`: what waits for one client, at most so much of it."""

    def __init__(
        self,
        which: Filter,
        by: str,
        leave: Callable[[Watcher], None],
        *,
        pause_s: float,
        heartbeat_s: float,
    ) -> None:
        """`by` is the key's id; `leave` is called once, when it ends."""
        self.by = by
        self._which = which
        self._leave = leave
        self._pause_s = pause_s
        self._heartbeat_s = heartbeat_s
        self._waiting: deque[_Shown] = deque(maxlen=MOST_WAITING)
        self._offered = 0
        self._news = asyncio.Event()
        self._is_over = False
        self._next_s = 0.0

    def offer(self, shown: _Shown) -> None:
        """Keep it to be seen, if it is one of those that are wanted."""
        if self._which.fits(shown.entry):
            self._waiting.append(shown)
            self._offered += 1
            self._news.set()

    async def next(self) -> Seen | None:
        """What waits, as soon as something does and the pause is over; None when it has ended."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._heartbeat_s):
                await self._news.wait()
        except TimeoutError:
            return Seen()
        if not self._is_over:
            await asyncio.sleep(self._next_s - loop.time())
        if self._is_over:
            return None
        self._next_s = loop.time() + self._pause_s
        self._news.clear()
        entries = tuple(shown.json for shown in self._waiting)
        seen = Seen(entries, self._offered - len(entries))
        self._waiting.clear()
        self._offered = 0
        return seen

    def close(self) -> None:
        """See no more. Idempotent."""
        if not self._is_over:
            self._is_over = True
            self._news.set()
            self._leave(self)
