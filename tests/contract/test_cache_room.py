"""What caches do that keep to their bounds by themselves, and those that last."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.contract.adapters import ADAPTERS, those
from tests.support.caches import (
    EVERYTHING,
    NOW,
    SECOND,
    Adapter,
    found,
    ids,
    meant,
    reply,
    vector,
)

from pointsman.types import Selection

bounded = pytest.mark.parametrize("adapter", those([each for each in ADAPTERS if each.bounded]))
lasting = pytest.mark.parametrize("adapter", those([each for each in ADAPTERS if each.lasting]))


@bounded
async def test_the_least_valuable_goes(adapter: Adapter, tmp_path: Path):
    async with adapter.open(tmp_path, max_replies=3) as store:
        for number, cost in enumerate(("0.3", "0.1", "0.2", "0.4")):
            await store.put(reply(number, cost=Decimal(cost), stored=NOW + number * SECOND))

        assert await ids(store) == ["cr_3", "cr_2", "cr_0"]
        assert await store.get(reply(1).key, NOW) is None


@bounded
async def test_what_is_asked_for_stays(adapter: Adapter, tmp_path: Path):
    async with adapter.open(tmp_path, max_replies=3) as store:
        for number in (0, 1, 2):
            await store.put(reply(number, stored=NOW + number * SECOND))
        await store.used("cr_0", NOW)
        await store.used("cr_1", NOW)
        await store.put(reply(3, stored=NOW + 3 * SECOND))

        assert await ids(store) == ["cr_3", "cr_1", "cr_0"]


@bounded
async def test_among_equals_the_small_ones_stay(adapter: Adapter, tmp_path: Path):
    async with adapter.open(tmp_path, max_bytes=1000) as store:
        for number, size in enumerate((100, 600, 200, 300)):
            await store.put(reply(number, body=b"x" * size, stored=NOW + number * SECOND))

        assert await ids(store) == ["cr_3", "cr_2", "cr_0"]
        assert (await store.list(EVERYTHING, limit=0)).size == 600


@bounded
async def test_the_expired_go_first(adapter: Adapter, tmp_path: Path):
    async with adapter.open(tmp_path, max_replies=2) as store:
        await store.put(reply(1, cost=Decimal(9), expires=NOW + 60 * SECOND))
        await store.put(reply(2, cost=Decimal("0.001")))
        await store.put(reply(3, cost=Decimal("0.001"), stored=NOW + 60 * SECOND))

        assert await ids(store) == ["cr_3", "cr_2"]


@bounded
async def test_what_is_larger_than_all_the_room_is_not_kept(adapter: Adapter, tmp_path: Path):
    async with adapter.open(tmp_path, max_bytes=1000) as store:
        await store.put(reply(1))
        await store.put(reply(2, body=b"x" * 1001))
        assert await ids(store) == ["cr_1"]

        await store.put(replace(reply(3, body=b"x" * 1001), key=reply(1).key))
        assert await ids(store) == []


@bounded
async def test_whoever_goes_is_near_nothing(adapter: Adapter, tmp_path: Path):
    async with adapter.open(tmp_path, max_replies=5) as store:
        for number in range(50):
            await store.put(meant(number, words=(number,)))

        kept = await ids(store)
        assert len(kept) == 5
        if adapter.semantic:
            those = await store.nearest("p1", vector(0), limit=50, now=NOW)
            assert sorted(found(those)) == sorted(kept)


@lasting
async def test_it_is_there_when_it_is_opened_again(adapter: Adapter, tmp_path: Path):
    async with adapter.open(tmp_path) as store:
        for number in range(20):
            await store.put(meant(number, words=(number,)))
        await store.used("cr_1", NOW)
        await store.remove(Selection(id="cr_2"))

    async with adapter.open(tmp_path) as store:
        assert await store.get(reply(1).key, NOW) == replace(meant(1, words=(1,)), hits=1)
        assert await store.get(reply(2).key, NOW) is None
        assert (await store.list(EVERYTHING, limit=0)).count == 19
        if adapter.semantic:
            assert found(await store.nearest("p1", vector(7), limit=1, now=NOW)) == ["cr_7"]
            assert await store.plausible("p1", frozenset({7}))
