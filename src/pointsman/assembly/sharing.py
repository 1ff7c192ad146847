"""What gateways tell each other, and what they count together. Names adapters, as `app` does."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TypeAlias, TypeVar

import msgspec

from pointsman.access.alerts import Alerts
from pointsman.access.limits import MemoryLimiter
from pointsman.access.sessions import Told
from pointsman.access.shared_limits import BEAT_S, SharedLimiter
from pointsman.cache.lookup import Cache
from pointsman.cache.news import News
from pointsman.calling.hints import Hint, Hints
from pointsman.config import Settings, resolve_secret
from pointsman.errors import SharingUnavailable
from pointsman.ports import Bus, Clock, ConversationStore, Observer
from pointsman.rounds import Rounds
from pointsman.storage.bus_memory import Hub, MemoryBus
from pointsman.storage.bus_redis import RedisBus
from pointsman.storage.conversations_redis import RedisConversations
from pointsman.storage.limits_redis import RedisCounts
from pointsman.storage.redis_link import RedisLink
from pointsman.telemetry.afar import EVERY_S, Afar
from pointsman.telemetry.live import Live
from pointsman.types import Balance, Check, Period, Selection, Subject

#: Seconds between two looks whether it is time for a sign of life, or to ask again for Redis.
_BEAT_S = 0.5
#: Seconds for which balances gather, so that a busy budget is told of ten times a second at most.
_GATHER_S = 0.1
#: Budgets that are told of at once.
_MOST_BALANCES = 500
_ID_BYTES = 8
#: For conversations.
_LONG_CONNECTIONS = 4
#: No budget's window ends later, a day for clocks that differ included.
_LONGEST_WINDOW = timedelta(days=32)

_T = TypeVar("_T")
_Purse: TypeAlias = tuple[Subject, Period]


class Sharing:
    """Between this gateway and all others with the same Redis; alone where there is none.

    Who wants to hear says so before `start`. Nothing depends on it: what it tells sooner is also
    looked for now and then, and what it counts each gateway can count for itself.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        observer: Observer,
        environment: Mapping[str, str] = os.environ,
        hub: Hub | None = None,
    ) -> None:
        """Does no I/O. Without Redis, gateways of one `hub` hear each other. Raises ConfigError."""
        self._rounds = Rounds(observer)
        self._clock = clock
        self._link: RedisLink | None = None
        self._long: RedisLink | None = None
        self.bus: Bus = MemoryBus(observer, hub)
        self.limiter: MemoryLimiter | SharedLimiter = MemoryLimiter(clock)
        #: What callers say of upstreams goes to other gateways.
        self.hints = Hints()
        self.hints.tell = self._teller("hints")
        self._balances: dict[_Purse, Balance] = {}
        self._conversations: ConversationStore | None = None
        redis = settings.redis
        if redis.url is not None:
            url, gateway = resolve_secret(redis.url, environment), secrets.token_hex(_ID_BYTES)
            self._link = RedisLink(url, timeout_s=redis.timeout_s)
            # Of their own: what is long is not to hold up what is quick.
            self._long = RedisLink(url, timeout_s=redis.timeout_s, connections=_LONG_CONNECTIONS)
            self._conversations = RedisConversations(self._long, prefix=redis.prefix)
            counts = RedisCounts(self._link, gateway=gateway, prefix=redis.prefix)
            self.limiter = SharedLimiter(counts, clock)
            self.bus = RedisBus(url, observer, gateway=gateway, prefix=redis.prefix)

    async def start(self) -> None:
        """Begin; a Redis that is not there yet is asked again until it is."""
        if isinstance(self.limiter, SharedLimiter):
            await self.limiter.beat()
            self._rounds.every(_BEAT_S, "limits", self.limiter.beat)
        if self._long is not None:
            self._rounds.every(BEAT_S, "conversations", partial(_keep_open, self._long), first_s=0)
        await self.bus.start()

    async def close(self) -> None:
        """Give everything back. Idempotent."""
        await self._rounds.close()
        await self.bus.close()
        for link in (self._link, self._long):
            if link is not None:
                await link.close()

    def tell(self, topic: str) -> Callable[[], None]:
        """What tells others that something has changed."""
        return lambda: self.bus.publish(topic, b"")

    def look(self, topic: str, work: Callable[[], Awaitable[object]]) -> None:
        """Have `work` look soon what has changed when others say so."""
        soon = self._rounds.soon(topic, work)
        self.bus.subscribe(topic, lambda _: soon())

    def told_of_balances(self, balances: Sequence[Balance]) -> None:
        """Tell others how budgets stand, in a moment."""
        if balances and not self._balances:
            asyncio.get_running_loop().call_later(_GATHER_S, self._tell_balances)
        for each in balances:
            self._balances[each.budget.subject, each.budget.period] = each

    def hear_balances(self, hear: Callable[[Sequence[Balance]], None]) -> None:
        """Have it told how budgets stand."""
        self._hear(
            "balances",
            tuple[Balance, ...],
            lambda said: hear([each for each in said if self._may_be(each)]),
        )

    def share_alerts(self, alerts: Alerts) -> None:
        """Have one gateway send what all of them would."""

        def heed(said: Balance) -> None:
            if self._may_be(said):
                alerts.heed(said)

        self._hear("alerts", Balance, heed)
        alerts.announced = self._teller("alerts")

    def hear_hints(self, hear: Callable[[Hint], None]) -> None:
        """Have it told of upstreams."""
        self._hear("hints", Hint, hear)

    def share_cache(self, cache: Cache) -> None:
        """Have it told what others do to theirs, and tell them what is done to it."""
        self._hear("forgotten", Selection, cache.heed)
        self._hear("checked", Check, cache.heed_check)
        self._hear("reset", str, cache.heed_reset)
        cache.news = News(*map(self._teller, ("forgotten", "checked", "reset")))

    def share_sign_ins(self, heed: Callable[[Told], None]) -> Callable[[Told], None]:
        """Have it told who signs in and out elsewhere; returns what tells others."""
        self._hear("sessions", Told, heed)
        return self._teller("sessions")

    @property
    def conversations(self) -> ConversationStore | None:
        """Where any gateway finds what it is to continue; None where there is no Redis."""
        return self._conversations

    def share_live(self, live: Live) -> None:
        """Have it show what other gateways settle, and show them what this one does."""
        afar = Afar(live, self.bus, self._clock)
        self._rounds.every(EVERY_S, "live", afar.beat)

    def _may_be(self, balance: Balance) -> bool:
        """Whether it makes sense, whoever says it."""
        amounts = (balance.budget.limit, balance.spent, balance.reserved)
        if balance.until.tzinfo is None or not all(each.is_finite() for each in amounts):
            return False
        return balance.until <= self._clock.now() + _LONGEST_WINDOW

    def _tell_balances(self) -> None:
        known, self._balances = [*self._balances.values()], {}
        for i in range(0, len(known), _MOST_BALANCES):
            payload = msgspec.msgpack.encode(known[i : i + _MOST_BALANCES])
            self.bus.publish("balances", payload)

    def _teller(self, topic: str) -> Callable[[object], None]:
        return lambda what: self.bus.publish(topic, msgspec.msgpack.encode(what))

    def _hear(self, topic: str, kind: type[_T], hear: Callable[[_T], None]) -> None:
        """What can't be read is of a gateway of another version, and is not heard."""
        decode = msgspec.msgpack.Decoder(kind).decode

        def told(payload: bytes) -> None:
            try:
                said = decode(payload)
            except msgspec.DecodeError:
                return
            hear(said)

        self.bus.subscribe(topic, told)


async def _keep_open(link: RedisLink) -> None:
    with suppress(SharingUnavailable):  # the limiter says so, too
        await link.connect()
