"""A bus between gateways, over the channels of a Redis or Valkey server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from pointsman.ports import Hear, Observer
from pointsman.storage.redis_link import CONNECT_S, redis_client

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

#: Messages that wait to be sent; the oldest give way.
MOST_WAITING = 1000
#: Messages that are sent at once.
_PORTION = 100
#: Seconds until it is tried again after a fault.
_AGAIN_S = 0.5
#: Seconds of silence after which the server is asked whether it is still there.
_SILENCE_S = 5.0

_log = logging.getLogger("pointsman.storage")


class RedisBus:
    """`Bus` on Redis or Valkey. What can't be sent at once is dropped, and what is missed is missed."""

    def __init__(
        self, url: str, observer: Observer, *, gateway: str, prefix: str = "pointsman:"
    ) -> None:
        """`gateway` is this one's id of ASCII characters, as long as all others' and unlike them.

        The observer is told where somebody who hears fails. Raises ConfigError where the
        installation or the URL is at fault.
        """
        self._client: Redis = redis_client(
            url, connections=2, wait_s=CONNECT_S, timeout_s=CONNECT_S
        )
        self._observer = observer
        self._gateway = gateway.encode("ascii")
        self._channels = f"{prefix}bus:".encode()
        self._hears: defaultdict[str, list[Hear]] = defaultdict(list)
        self._waiting: deque[tuple[bytes, bytes]] = deque()
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        #: Whether it hears what others say.
        self.is_connected = False
        self._deaf_said = False
        #: Messages that were not sent.
        self.dropped = 0

    def publish(self, topic: str, payload: bytes) -> None:
        """See `ports.Bus`."""
        if not self._tasks:
            return
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append((self._channels + topic.encode(), self._gateway + payload))
        self._news.set()

    def subscribe(self, topic: str, hear: Hear) -> None:
        """See `ports.Bus`; before `start`."""
        self._hears[topic].append(hear)

    async def start(self) -> None:
        """See `ports.Bus`."""
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._again_and_again(self._send, self._drop)),
                asyncio.create_task(self._again_and_again(self._listen, self._deaf)),
            ]

    async def close(self) -> None:
        """See `ports.Bus`."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if tasks and self.is_connected:
            with contextlib.suppress(*_faults()):
                await self._send_waiting()
        self.is_connected = False
        await self._client.aclose()

    async def _again_and_again(
        self, work: Callable[[], Awaitable[None]], failed: Callable[[Exception], None]
    ) -> None:
        while True:
            try:
                await work()
            except _faults() as error:
                failed(error)
            await asyncio.sleep(_AGAIN_S)

    async def _send(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await self._send_waiting()

    async def _send_waiting(self) -> None:
        while self._waiting:
            count = min(_PORTION, len(self._waiting))
            portion = [self._waiting.popleft() for _ in range(count)]
            try:
                async with self._client.pipeline(transaction=False) as together:
                    for channel, message in portion:
                        together.publish(channel, message)
                    await together.execute()
            except _faults():
                self.dropped += count
                raise

    def _drop(self, error: Exception) -> None:  # noqa: ARG002 - the one who listens says it
        """What waits is old when the server is back."""
        self.dropped += len(self._waiting)
        self._waiting.clear()

    async def _listen(self) -> None:
        async with self._client.pubsub() as heard:
            await heard.subscribe(*(self._channels + topic.encode() for topic in self._hears))
            await self._hear_all(heard)

    async def _hear_all(self, heard: PubSub) -> None:
        asked = False
        while True:
            message = await heard.get_message(timeout=_SILENCE_S)
            if message is None:
                if asked:
                    raise TimeoutError("the server is silent")
                await heard.ping()
                asked = True
                continue
            asked = False
            if message["type"] == "subscribe":  # so it may: a server can refuse what was asked
                self._connected()
            elif message["type"] == "message":
                self._deliver(message["channel"], message["data"])

    def _connected(self) -> None:
        if not self.is_connected:
            _log.info("gateways hear each other by Redis")
        self.is_connected, self._deaf_said = True, False

    def _deaf(self, error: Exception) -> None:
        if not self._deaf_said:
            name = type(error).__name__  # its words may hold an address
            _log.warning("gateways don't hear each other until Redis lets them: %s", name)
        self.is_connected, self._deaf_said = False, True

    def _deliver(self, channel: bytes, message: bytes) -> None:
        sender, payload = message[: len(self._gateway)], message[len(self._gateway) :]
        if sender == self._gateway:
            return
        for hear in self._hears[channel.removeprefix(self._channels).decode()]:
            try:
                hear(payload)
            except Exception as error:  # noqa: BLE001 - nobody's fault may stop the others
                self._observer.fault("bus", error)


def _faults() -> tuple[type[Exception], ...]:
    """What a server that is not there comes as."""
    from redis.exceptions import RedisError  # noqa: PLC0415

    return RedisError, OSError, TimeoutError
