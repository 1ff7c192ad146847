"""Lets requests in before anything of their bodies is read."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping
from functools import partial

from starlette.types import Message, Receive

from pointsman.access.load import Bound, Room, patience, worth_waiting
from pointsman.calling.slots import Slots
from pointsman.errors import Busy, Overloaded
from pointsman.ports import Clock
from pointsman.server.http import ClientLeft

#: One for so many places is kept beyond them, for organisations that have next to nothing inside.
_SPARE = 8


class Door:
    """So many requests inside at once; the others wait in turn, or are told when to come back.

    A request is inside until its reply has ended. Organisations take turns, the earliest deadline
    of each first, and one that has next to nothing inside need not wait: there is an eighth more
    room for those. Who can't be let in before its deadline is told at once. For one event loop.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        room: Callable[[], Room],
        queue: int,
        max_wait_s: float,
        late_s: float,
    ) -> None:
        """`room` is looked up ten times a second; `queue` may wait for it.

        `max_wait_s` bounds their waiting. With the event loop `late_s` behind, fewer are let in.
        """
        self._room = room
        self._max_wait_s = max_wait_s
        self._bound = Bound(late_s)
        self._slots = Slots(int(room().most), queue, clock)
        self._clock = clock
        #: Requests inside, of those that have any.
        self._by_organisation = Counter[str]()
        #: Since when somebody has been waiting.
        self._crowded_at = 0.0
        #: Requests that were turned away.
        self.refused = 0

    @property
    def inside(self) -> int:
        """Requests that are inside."""
        return self._slots.busy

    @property
    def waiting(self) -> int:
        """Requests that wait to be let in."""
        return self._slots.waiting

    @property
    def limit(self) -> int:
        """Requests that may be inside now."""
        return self._slots.limit or 0

    def beat(self, lag_s: float) -> None:
        """The event loop has turned, `lag_s` late."""
        self._slots.limit = self._bound.beat(lag_s, self.inside, self._room())

    async def enter(self, who: str, headers: Mapping[str, str], receive: Receive) -> Receive:
        """Wait until the organisation's request is let in; it must `leave` then.

        What is returned is to be read from instead. Raises Overloaded, and ClientLeft where the
        client did not wait.
        """
        if self._slots.try_acquire(self._spare(who)):
            self._by_organisation[who] += 1
            return receive
        return await self._wait(who, headers, receive)

    def leave(self, who: str) -> None:
        """A request of that organisation's that was let in has ended."""
        self._by_organisation[who] -= 1
        if not self._by_organisation[who]:
            del self._by_organisation[who]
        self._slots.release()

    def _spare(self, who: str) -> int:
        """Places beyond the limit: for an organisation that has fewer inside than that."""
        spare = self.limit // _SPARE
        return spare if self._by_organisation[who] < spare else 0

    async def _wait(self, who: str, headers: Mapping[str, str], receive: Receive) -> Receive:
        slots = self._slots
        now = self._clock.monotonic()
        if not slots.waiting:
            self._crowded_at = now
        background = int(headers.get("x-pointsman-priority", "").lower() == "background")
        wait_s = patience(headers, self._max_wait_s)
        try:
            worth = worth_waiting(self._max_wait_s, now - self._crowded_at)
            slots.check(background, min(wait_s, worth), who)
            ahead = _Ahead(receive)
            await ahead.until(slots.acquire(background, wait_s, who), slots.release)
        except Busy as error:
            self.refused += 1
            raise Overloaded(retry_after=error.retry_after or 1.0) from None
        self._by_organisation[who] += 1
        return ahead


class _Ahead:
    """What comes of a request that waits: kept for who reads it then."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._kept: deque[Message] = deque()

    async def __call__(self) -> Message:
        return self._kept.popleft() if self._kept else await self._receive()

    async def until(
        self, let_in: Coroutine[None, None, None], give_back: Callable[[], None]
    ) -> None:
        """Wait until it is let in. Raises what `let_in` does, ClientLeft where the client did not.

        Whoever is let in and does not learn of it any more gives its place back.
        """
        waiting = asyncio.ensure_future(let_in)
        leaving = asyncio.ensure_future(self._gone())
        heard = False
        try:
            await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
            heard = waiting.done()
        finally:
            leaving.cancel()
            if not heard:
                waiting.cancel()
                waiting.add_done_callback(partial(_unheard, give_back=give_back))
        if not heard:
            raise ClientLeft
        waiting.result()

    async def _gone(self) -> None:
        """Until the client has left, as far as that shows: a long body is not read on."""
        while True:
            message = await self._receive()
            self._kept.append(message)
            if message["type"] == "http.disconnect":
                return
            if message.get("more_body", False):
                await asyncio.get_running_loop().create_future()


def _unheard(let_in: asyncio.Task[None], give_back: Callable[[], None]) -> None:
    if not let_in.cancelled() and let_in.exception() is None:
        give_back()
