"""Single flight: who asks what another one is being answered, waits for that answer.

One upstream call for all of them. It goes on as long as one of them waits, and is cancelled when
the last has gone.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Coroutine

from pointsman.bell import Bell
from pointsman.errors import UpstreamError
from pointsman.tape import Tape
from pointsman.types import Decision, Outcome, Reply, Settlement

#: Bytes of a reply from which on nobody joins any more and it is not kept.
MOST_BYTES = 1024 * 1024
#: Identities whose flight ended lately, and are remembered.
_MOST_ENDED = 10_000

Live = Callable[["Flight"], Coroutine[None, None, Reply]]


class Recording:
    """What the client of one upstream call gets, for all who want the same; a `Tap`."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        """Empty; holds `most` bytes."""
        self._most = most
        #: The last bytes, for after the books.
        self.ending = b""
        self.outcome: Outcome = "open"
        self.error: UpstreamError | None = None
        #: The books of the request that led, once they are written.
        self.settlement: Settlement | None = None
        #: It may not be kept: how it ended is not clear.
        self.unclear = False
        #: Longer than is recorded: nobody may join any more.
        self.overlong = False
        #: The client that led has gone; others may still wait.
        self.leader_left = False
        #: Requests that wait for the reply besides the one that led.
        self.followers = 0
        #: Told when it is over.
        self.over: Callable[[], None] = _nothing
        self._tape = Tape()
        self._more = Bell()

    @property
    def wanted(self) -> bool:
        """See `Tap`."""
        return self.followers > 0

    @property
    def is_open(self) -> bool:
        """One more may join: it is not given up, and all of it is here."""
        return not self.overlong and (self.wanted or not self.leader_left)

    @property
    def body(self) -> bytes:
        """All of it."""
        return self._tape.whole() + self.ending

    def piece(self, data: bytes) -> None:
        """See `Tap`."""
        self.overlong |= self._tape.size + len(data) > self._most
        if self.overlong and not self.followers:
            self._tape.clear()
        else:
            self._tape.add(data)
            self._more.ring()

    def left(self) -> None:
        """See `Tap`."""
        self.leader_left = True

    def ended(self, outcome: Outcome, ending: bytes, error: UpstreamError | None) -> None:
        """See `Tap`."""
        self.overlong |= self._tape.size + len(ending) > self._most
        self.outcome, self.ending, self.error = outcome, ending, error
        self._more.ring()
        self.over()

    async def follow(self) -> AsyncGenerator[bytes, None]:
        """All of it from the first byte on, as it comes; ends when the reply has, however that was."""
        place = 0
        while True:
            while place < self._tape.size:
                more = self._tape.read(place)
                place += len(more)
                yield more
            if self.outcome != "open":
                return
            await self._more.wait()


class Flight:
    """One answer on its way, and who waits for it."""

    def __init__(self, key: str, leader: str, live: Live) -> None:
        """Starts at once: `live` makes the answer, recording it and telling the decision."""
        self.key = key
        #: The id of the request that led.
        self.leader = leader
        self.recording = Recording()
        #: Where it goes, as soon as that is known.
        self.decision: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._live = live
        self.task = asyncio.create_task(self._run())

    async def lead(self) -> Reply:
        """The reply for the request that led. Raises whatever making it raises."""
        try:
            return await asyncio.shield(self.task)
        except asyncio.CancelledError as left:
            self.recording.left()
            await self._given_up(left)
            if self.task.done() and not self.task.cancelled() and self.task.exception() is None:
                await _close(self.task.result())  # it was there, and nobody took it
            raise

    def board(self) -> None:
        """One more waits for it; `leave` is to follow."""
        self.recording.followers += 1

    async def follow(self) -> Reply:
        """The reply as the one who led gets it. Raises whatever making it raises."""
        return await asyncio.shield(self.task)

    async def leave(self, left: BaseException | None = None) -> None:
        """One less; the last one that leaves before the end cancels it."""
        self.recording.followers -= 1
        await self._given_up(left)

    async def _given_up(self, left: BaseException | None) -> None:
        """Stop, where nobody waits any more."""
        if not self.recording.leader_left or self.recording.wanted:
            return
        if not self.task.done():
            self.task.cancel(*(left.args if left is not None else ()))
            await asyncio.wait([self.task])
        elif not self.task.cancelled() and self.task.exception() is None:
            await _close(self.task.result())

    async def _run(self) -> Reply:
        try:
            reply = await self._live(self)
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError):
                self.decision.cancel(*error.args)
            elif not self.decision.done():
                self.decision.set_exception(error)
                self.decision.exception()  # looked at: nobody need wait for it
            raise
        if self.recording.leader_left:
            await _close(reply)
        return reply


class Flights:
    """All answers on their way, by identity."""

    def __init__(self) -> None:
        """None yet."""
        self._flights: dict[str, Flight] = {}
        self._landed: OrderedDict[str, int] = OrderedDict()
        self._count = 0

    @property
    def count(self) -> int:
        """Flights that have ended so far, to say a point in time by."""
        return self._count

    def landed_since(self, key: str, count: int) -> bool:
        """Whether one with this identity ended since `count` was that."""
        return self._landed.get(key, -1) >= count

    def find(self, key: str) -> Flight | None:
        """The one that may be joined; None where there is none."""
        flight = self._flights.get(key)
        return flight if flight is not None and flight.recording.is_open else None

    def begin(self, key: str, leader: str, live: Live) -> Flight:
        """Begin a new one, led by the request `leader`.

        Where it succeeds, `land` is to follow when its reply is over.
        """
        flight = self._flights[key] = Flight(key, leader, live)
        flight.task.add_done_callback(lambda task: self._crashed(flight, task))
        return flight

    def land(self, flight: Flight) -> None:
        """It is over, and what is to be kept of it is kept: nobody joins any more."""
        key = flight.key
        if self._flights.get(key) is flight:
            del self._flights[key]
        self._landed[key] = self._count
        self._landed.move_to_end(key)
        self._count += 1
        if len(self._landed) > _MOST_ENDED:
            self._landed.popitem(last=False)

    def _crashed(self, flight: Flight, task: asyncio.Task[Reply]) -> None:
        """Nothing came of it: the next one who asks tries anew."""
        if task.cancelled() or task.exception() is not None:
            self.land(flight)


async def _close(reply: Reply) -> None:
    if not isinstance(reply.body, bytes):
        await reply.body.close()


def _nothing() -> None:
    """Nobody needs to be told."""
