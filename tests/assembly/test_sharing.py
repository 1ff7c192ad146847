"""What gateways say to each other, and what they make of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from tests.gateway import two_tiers
from tests.support import servers
from tests.support.caches import ids, reply
from tests.support.entries import entry
from tests.support.gateways import Told, until

from pointsman.access.alerts import Alerts
from pointsman.access.wishes import NewKey
from pointsman.app import App
from pointsman.assembly.sharing import Sharing
from pointsman.cache.news import News
from pointsman.calling.hints import Hint
from pointsman.clock import ManualClock, SystemClock
from pointsman.config import (
    BudgetSettings,
    CacheSettings,
    EveryBudget,
    LedgerSettings,
    RedisSettings,
    Settings,
)
from pointsman.errors import AuthenticationFailed
from pointsman.ports import CacheStore
from pointsman.storage.bus_memory import Hub
from pointsman.types import ALL_ENTRIES, Balance, Budget, Check, Principal, Selection, Subject

OPERATOR = Principal(key="operator")
ACME = Budget(Subject("organisation", "acme"), "day", Decimal(10))
BETA = Budget(Subject("organisation", "beta"), "day", Decimal(10))
MIDNIGHT = datetime(2026, 5, 2, tzinfo=UTC)


CHECK = Check("r1", MIDNIGHT, "acme", "auto", "cr_1", 0.97, 0.91, True, "judge", "minilm@1")


class Heeding:
    """A cache as far as others are concerned."""

    def __init__(self) -> None:
        self.news = News()
        self.heeded: list[object] = []
        self.heed = self.heed_check = self.heed_reset = self.heeded.append


def balance(budget: Budget, spent: str) -> Balance:
    return Balance(budget, Decimal(spent), Decimal("0.000000001"), MIDNIGHT)


@pytest.fixture
async def gateways() -> AsyncIterator[Callable[[], Sharing]]:
    """Makes gateways that can hear each other; they are closed at the end."""
    hub, made = Hub(), list[Sharing]()

    def make() -> Sharing:
        clock = ManualClock(MIDNIGHT - timedelta(hours=12))
        sharing = Sharing(two_tiers(), clock=clock, observer=Told(), hub=hub)
        made.append(sharing)
        return sharing

    yield make
    for each in made:
        await each.close()


async def test_others_look_once_however_often_they_are_told(
    gateways: Callable[[], Sharing],
) -> None:
    here, there = gateways(), gateways()
    looked: list[str] = []
    release = asyncio.Event()

    async def look() -> None:
        looked.append("began")
        await release.wait()
        looked.append("ended")

    there.look("keys", look)
    here.look("keys", look)
    for each in (here, there):
        await each.start()
    tell = here.tell("keys")
    tell()
    await until(lambda: looked)
    for _ in range(50):  # while it looks
        tell()
    release.set()
    await until(lambda: looked.count("ended") == 2)
    await asyncio.sleep(0)
    assert looked == ["began", "ended"] * 2


async def test_a_look_that_fails_is_reported_and_the_next_one_comes(
    gateways: Callable[[], Sharing],
) -> None:
    here, there = gateways(), gateways()
    looks: list[int] = []

    async def look() -> None:
        looks.append(1)
        raise ValueError("no")

    there.look("keys", look)
    for each in (here, there):
        await each.start()
    for count in (1, 2):
        here.tell("keys")()
        await until(lambda count=count: len(looks) == count)


async def test_balances_gather_and_the_newest_is_told(gateways: Callable[[], Sharing]) -> None:
    here, there = gateways(), gateways()
    heard: list[Sequence[Balance]] = []
    there.hear_balances(heard.append)
    for each in (here, there):
        await each.start()
    here.told_of_balances([])
    for cents in range(100):
        here.told_of_balances([balance(ACME, f"0.{cents:02}"), balance(BETA, "3")])
    await until(lambda: heard)
    assert heard == [[balance(ACME, "0.99"), balance(BETA, "3")]]


async def test_what_is_said_of_upstreams_and_of_the_cache_is_heard_as_it_was_said(
    gateways: Callable[[], Sharing],
) -> None:
    here, there = gateways(), gateways()
    hints: list[Hint] = []
    ours, theirs = Heeding(), Heeding()
    there.hear_hints(hints.append)
    here.share_cache(ours)
    there.share_cache(theirs)
    for each in (here, there):
        await each.start()
    hint, which = Hint("rest", "a" * 32, 9.5), Selection(organisation="acme", expired=MIDNIGHT)
    assert here.hints.tell
    here.hints.tell(hint)
    ours.news.forgotten(which)
    ours.news.checked(CHECK)
    ours.news.reset("auto")
    await until(lambda: len(theirs.heeded) == 3)
    assert hints == [hint]
    assert theirs.heeded == [which, CHECK, "auto"]
    assert ours.heeded == []


@dataclass
class Webhook:
    """Takes all that is sent."""

    sent: list[object] = field(default_factory=list)

    async def ask(self, _url: str, body: object, *_: object) -> tuple[int, bytes]:
        self.sent.append(body)
        return 200, b""


async def test_an_alert_is_sent_by_one_of_them(gateways: Callable[[], Sharing]) -> None:
    webhook, clock, told = Webhook(), ManualClock(datetime(2026, 5, 1, tzinfo=UTC)), Told()
    teams: list[Alerts] = []
    for sharing in (gateways(), gateways()):
        alerts = Alerts(webhook, "http://hook", at=0.8, clock=clock, fault=told.fault)
        sharing.share_alerts(alerts)
        await sharing.start()
        teams.append(alerts)
    for round_ in range(3):
        for alerts in teams:
            alerts.note([balance(ACME, "9")])
            await until(lambda: webhook.sent)
            await asyncio.sleep(0)
        assert len(webhook.sent) == 1, round_
    teams[1].note([balance(BETA, "8")])
    await until(lambda: len(webhook.sent) == 2)
    for alerts in teams:
        await alerts.close()


async def test_what_another_version_says_is_not_heard(gateways: Callable[[], Sharing]) -> None:
    here, there = gateways(), gateways()
    heard: list[object] = []
    there.hear_balances(heard.append)
    there.hear_hints(heard.append)
    theirs = Heeding()
    there.share_cache(theirs)
    for each in (here, there):
        await each.start()
    for topic in ("balances", "hints", "forgotten", "checked", "reset"):
        for payload in (b"", b"\xc1", b"\x2a", b"{}"):
            here.bus.publish(topic, payload)
    here.told_of_balances([balance(ACME, "1")])
    await until(lambda: heard)
    assert heard == [[balance(ACME, "1")]]
    assert theirs.heeded == []


async def test_balances_that_make_no_sense_are_not_heard(gateways: Callable[[], Sharing]) -> None:
    here, there = gateways(), gateways()
    heard: list[Sequence[Balance]] = []
    there.hear_balances(heard.append)
    webhook, told = Webhook(), Told()
    clock = ManualClock(MIDNIGHT - timedelta(hours=12))
    alerts = Alerts(webhook, "http://hook", at=0.8, clock=clock, fault=told.fault)
    there.share_alerts(alerts)
    for each in (here, there):
        await each.start()
    sane = balance(ACME, "9")
    without_a_zone = replace(sane, until=MIDNIGHT.replace(tzinfo=None))
    far = replace(sane, until=MIDNIGHT + timedelta(days=33))
    nan = replace(sane, spent=Decimal("NaN"))
    senseless = [without_a_zone, far, nan]
    for each in senseless:
        here.bus.publish("alerts", msgspec.msgpack.encode(each))
    here.bus.publish("balances", msgspec.msgpack.encode([*senseless, sane]))
    await until(lambda: heard)
    assert heard == [[sane]]
    alerts.note([sane])
    await until(lambda: webhook.sent)
    await alerts.close()


@pytest.fixture
async def apart(tmp_path: Path) -> AsyncIterator[tuple[App, App]]:
    """Two gateways with one PostgreSQL and one Redis, and a cache file each."""
    url = servers.postgres().url
    shared = {
        "ledger": LedgerSettings(url=url),
        "redis": RedisSettings(url=servers.redis().url, prefix=f"{tmp_path}:", timeout_s=5),
        "cache": CacheSettings(store="embedded"),
        "budgets": EveryBudget(organisation=BudgetSettings(per_day=Decimal(10))),
    }
    one, two = [
        App(settings(tmp_path / name, **shared), clock=SystemClock()) for name in ("one", "two")
    ]
    async with one, two:
        await until(lambda: all(each.bookkeeping.sharing.bus.is_connected for each in (one, two)))
        yield one, two


def settings(home: Path, **more: object) -> Settings:
    home.mkdir()
    return two_tiers(home=home, **more)


@pytest.mark.full
async def test_two_gateways_on_real_servers_act_as_one(apart: tuple[App, App]) -> None:
    here, there = apart
    made = await here.bookkeeping.keys.create(OPERATOR, NewKey(organisation="acme"))
    headers = {"authorization": f"Bearer {made.text}"}
    await until(lambda: not there.bookkeeping.keys.lets_anybody_in)  # it knows of the key
    assert lets_in(there, headers)
    await here.bookkeeping.keys.delete(OPERATOR, made.key.id)
    await until(lambda: not lets_in(there, headers))

    watcher = there.live.watch(ALL_ENTRIES, OPERATOR)
    await until(lambda: here.live.afar and here.live.afar.is_wanted)
    here.live.settled(entry("r1"))
    seen = await watcher.next()
    assert seen
    assert b'"r1"' in seen.entries[0]
    watcher.close()

    acme = Principal("acme", "pm_aaaaaaaa")
    assert there.bookkeeping.means(acme).left == 10
    until_then = datetime.now(UTC) + timedelta(hours=1)
    here.bookkeeping.admission.note([Balance(ACME, Decimal(9), Decimal(0), until_then)])
    await until(lambda: there.bookkeeping.means(acme).left == 1)

    held = there.pipeline.cache.store
    await held.put(reply(1))
    await held.put(reply(2))
    await here.pipeline.cache.forget("cr_1")
    await until_only(held, ["cr_2"])
    await here.pipeline.cache.remove(Selection(organisation="acme"))
    await until_only(held, [])


async def until_only(store: CacheStore, left: list[str]) -> None:
    async with asyncio.timeout(20):
        while await ids(store) != left:  # noqa: ASYNC110 - a store tells nobody
            await asyncio.sleep(0.005)


def lets_in(app: App, headers: dict[str, str]) -> bool:
    try:
        app.bookkeeping.keys.authenticate(headers)
    except AuthenticationFailed:
        return False
    return True
