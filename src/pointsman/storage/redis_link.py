"""Connections to a Redis or Valkey server that nobody has to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import TYPE_CHECKING, TypeVar

from pointsman.errors import ConfigError, SharingUnavailable

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Seconds that connecting may take, which no request does: several words go to and fro for it.
CONNECT_S = 2.0
#: Seconds for which nobody waits for a server that was silent, unless `connect` finds it sooner.
RESTS_S = 1.0
#: How much longer than it was to be a wait is, where this process was late itself.
_LATE = 1.5

_T = TypeVar("_T")


def redis_client(url: str, *, connections: int, wait_s: float, timeout_s: float | None) -> Redis:
    """A client that connects when it is asked for something, and tries nothing twice.

    `url` as redis-py takes it: redis://, rediss:// or unix://. `wait_s` until one of `connections`
    is free, `timeout_s` for each answer. Raises ConfigError where the installation or the URL is at
    fault.
    """
    try:
        from redis.asyncio import BlockingConnectionPool, Redis  # noqa: PLC0415
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError("redis is not installed; run: pip install 'pointsman[redis]'") from error
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            protocol=2,
            timeout=wait_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=CONNECT_S if timeout_s is None else timeout_s,
            max_connections=connections,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError:  # its words may hold a part of the password
        raise ConfigError("the Redis URL can't be read") from None
    pool.connection_kwargs["decode_responses"] = False  # answers are bytes, whatever the URL says
    return Redis.from_pool(pool)


class RedisLink:
    """A few connections that are opened ahead, and answers within a bound, or SharingUnavailable."""

    def __init__(self, url: str, *, timeout_s: float = 0.05, connections: int = 8) -> None:
        """`timeout_s` bounds each answer, waiting for a free connection included.

        Raises ConfigError where the installation or the URL is at fault.
        """
        self.client = redis_client(url, connections=connections, wait_s=CONNECT_S, timeout_s=None)
        self._connections = connections
        self._timeout_s = timeout_s
        #: When it last answered anybody, by the event loop's clock.
        self._answered_at = float("-inf")
        #: Nobody waits for it before, by the same clock.
        self._asked_again_at = float("-inf")

    async def connect(self) -> None:
        """Have all connections open. Raises SharingUnavailable where nobody answers."""
        await self._within(CONNECT_S, self._ping())
        those = (self._ping() for _ in range(self._connections))
        await self._within(CONNECT_S, asyncio.gather(*those))

    async def ask(self, work: Awaitable[_T]) -> _T:
        """What the server says to it, in time; at once where it has just been silent.

        Raises SharingUnavailable.
        """
        if asyncio.get_running_loop().time() < self._asked_again_at:
            _drop(work)
            raise SharingUnavailable(_silent(self._timeout_s))
        return await self._within(self._timeout_s, work)

    async def grows_full(self) -> bool:
        """Whether its memory is bounded and nothing in it makes room. Raises SharingUnavailable."""
        memory: dict[str, str | int] = await self.ask(self.client.info("memory"))
        return bool(memory.get("maxmemory")) and memory.get("maxmemory_policy") == "noeviction"

    async def close(self) -> None:
        """Give back the connections. Idempotent."""
        await self.client.aclose()

    async def _ping(self) -> None:
        await self.client.execute_command("PING")  # type: ignore[no-untyped-call]

    async def _within(self, timeout_s: float, work: Awaitable[_T]) -> _T:
        from redis.exceptions import RedisError  # noqa: PLC0415

        loop = asyncio.get_running_loop()
        now, began = loop.time, loop.time()

        def ends() -> None:
            # This process was late itself: the answer may be there and only wait to be read.
            late = now() - began >= _LATE * timeout_s
            bound.reschedule(now() + (timeout_s if late else 0))

        try:
            async with asyncio.timeout(None) as bound:
                timer = loop.call_later(timeout_s, ends)
                try:
                    answer = await work
                finally:
                    timer.cancel()
        except TimeoutError as error:
            # Where it has answered others meanwhile, or this process was late itself, it is there.
            silent = now() - self._answered_at >= timeout_s
            at_fault = silent and now() - began < 2 * _LATE * timeout_s
            if at_fault:
                self._asked_again_at = now() + RESTS_S
            raise SharingUnavailable(_silent(timeout_s), at_fault=at_fault) from error
        except (RedisError, OSError) as error:
            name = type(error).__name__  # its words may hold an address
            raise SharingUnavailable(f"Redis can't be asked: {name}") from error
        self._answered_at, self._asked_again_at = now(), float("-inf")
        return answer


def _silent(timeout_s: float) -> str:
    return f"Redis did not answer within {timeout_s:g} s"


def _drop(work: Awaitable[object]) -> None:
    """Nobody is going to wait for it."""
    if isinstance(work, asyncio.Future):
        work.cancel()
    elif isinstance(work, Coroutine):
        work.close()
