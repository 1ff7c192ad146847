"""What every index of cached replies does: `ports.VectorIndex`."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.contract.adapters import ADAPTERS, those
from tests.support.caches import (
    DAY,
    EVERYTHING,
    NOW,
    SECOND,
    Adapter,
    Cache,
    cosine,
    found,
    meant,
    near,
    reply,
    vector,
)

from pointsman.types import CachedReply, Selection


async def test_the_nearest_come_first(index: Cache):
    asked = vector(0)
    for number, similarity in enumerate((0.2, 0.95, 0.7, -0.5, 0.85)):
        await index.put(meant(number, at=near(asked, similarity, seed=number + 100)))

    those = await index.nearest("p1", asked, limit=3, now=NOW)
    assert found(those) == ["cr_1", "cr_4", "cr_2"]
    assert [each.similarity for each in those] == pytest.approx([0.95, 0.85, 0.7], abs=1e-3)
    assert len(await index.nearest("p1", asked, limit=10, now=NOW)) == 5


async def test_a_near_reply_is_whole(index: Cache):
    whole = replace(meant(1), tags=("docs",), cost=Decimal("0.000320000001"))
    await index.put(whole)
    await index.used(whole.id, NOW)

    [one] = await index.nearest("p1", vector(1), limit=1, now=NOW)
    assert one.reply == replace(whole, hits=1)
    assert one.similarity == pytest.approx(1, abs=1e-3)


async def test_partitions_never_meet(index: Cache):
    for number, partition in enumerate(["p1", "p2", "p", "p1 ", "P1", ""]):
        await index.put(meant(number, partition=partition, at=vector(0)))

    assert found(await index.nearest("p1", vector(0), limit=10, now=NOW)) == ["cr_0"]
    assert found(await index.nearest("", vector(0), limit=10, now=NOW)) == ["cr_5"]
    assert found(await index.nearest("*", vector(0), limit=10, now=NOW)) == []


async def test_embedders_never_meet(index: Cache):
    await index.put(meant(1, at=vector(0, embedder="minilm@1")))
    await index.put(meant(2, at=vector(0, embedder="minilm@2")))
    await index.put(meant(3, at=vector(0, embedder="small", size=16)))

    asked = [vector(0), vector(0, embedder="small", size=16), vector(0, embedder="none")]
    answers = [found(await index.nearest("p1", one, limit=10, now=NOW)) for one in asked]
    assert answers == [["cr_1"], ["cr_3"], []]


async def test_a_reply_without_a_vector_is_near_nothing(index: Cache):
    await index.put(reply(1))
    await index.put(replace(meant(2), vector=None))
    assert found(await index.nearest("p1", vector(1), limit=10, now=NOW)) == []


async def test_the_expired_are_not_near_and_hide_nothing(index: Cache):
    for number in range(30):
        soon = meant(number, at=near(vector(0), 0.99, seed=number + 1))
        await index.put(replace(soon, expires=NOW + 60 * SECOND))
    await index.put(meant(99, at=near(vector(0), 0.5, seed=99)))

    those = await index.nearest("p1", vector(0), limit=3, now=NOW + 60 * SECOND)
    assert found(those) == ["cr_99"]


async def test_what_is_gone_is_near_nothing(index: Cache):
    for number in (1, 2, 3):
        await index.put(meant(number, at=near(vector(0), 0.9, seed=number)))
    await index.remove(Selection(id="cr_2"))
    await index.put(replace(meant(4, at=vector(77)), key=reply(3).key))

    those = await index.nearest("p1", vector(0), limit=10, now=NOW)
    assert found(those) == ["cr_1", "cr_4"]
    assert those[1].similarity == pytest.approx(cosine(vector(0), vector(77)), abs=1e-3)


async def test_a_prompt_that_shares_words_is_plausible(index: Cache):
    await index.put(meant(1, words=(11, 22, 33)))
    assert await index.plausible("p1", frozenset({22, 99}))
    assert await index.plausible("p1", frozenset({11, 22, 33}))


@pytest.mark.parametrize(
    "adapter", those([each for each in ADAPTERS if each.semantic and each.tells])
)
async def test_a_prompt_that_shares_none_is_not(adapter: Adapter, tmp_path: Path):
    async with adapter.open(tmp_path) as index:
        await index.put(meant(1, words=(11, 22)))
        await index.put(replace(meant(2, words=(11, 44)), expires=NOW + 60 * SECOND))

        assert not await index.plausible("p1", frozenset({55}))
        assert not await index.plausible("p2", frozenset({11}))
        assert await index.plausible("p1", frozenset({44}))
        await index.sweep(NOW + 60 * SECOND)
        assert not await index.plausible("p1", frozenset({44}))
        assert await index.plausible("p1", frozenset({11}))
        await index.remove(EVERYTHING)
        assert not await index.plausible("p1", frozenset({11, 22}))


@pytest.mark.parametrize("seed", range(3))
async def test_it_agrees_with_a_plain_dictionary(index: Cache, seed: int):
    rng = random.Random(seed)  # noqa: S311
    held, now = dict[str, CachedReply](), NOW

    def forget(which: Selection) -> int:
        gone = [
            key
            for key, each in held.items()
            if which.deployment in {None, each.deployment}
            and which.id in {None, each.id}
            and (which.expired is None or each.expires <= which.expired)
        ]
        return len([held.pop(key) for key in gone])

    for step in range(250):
        now += timedelta(seconds=rng.random())
        key, draw = f"{rng.randrange(40):064x}", rng.random()
        if draw < 0.5:
            fresh = meant(step, partition=rng.choice("ab"), at=vector(rng.randrange(60)))
            life = rng.choice([timedelta(seconds=5.5), DAY])
            deployment = rng.choice(["qwen", "haiku"])
            fresh = replace(fresh, key=key, stored=now, expires=now + life, deployment=deployment)
            held[key] = fresh
            await index.put(fresh)
        elif draw < 0.6 and key in held and held[key].expires > now:
            await index.used(held[key].id, now)
            held[key] = replace(held[key], hits=held[key].hits + 1)
        elif draw < 0.65:
            which = Selection(id=held[key].id) if key in held else Selection(id="nobody")
            assert await index.remove(which) == forget(which)
        elif draw < 0.67:
            await index.remove(which := Selection(deployment="qwen"))
            forget(which)
        elif draw < 0.7:
            await index.sweep(now)
            forget(Selection(expired=now))
        alive = {key: each for key, each in held.items() if each.expires > now}
        assert await index.get(key, now) == alive.get(key)
        asked, partition = vector(rng.randrange(60)), rng.choice("ab")
        those = [each for each in alive.values() if each.partition == partition and each.vector]
        best = max((cosine(asked, each.vector) for each in those if each.vector), default=None)
        for one in await index.nearest(partition, asked, limit=1, now=now):
            assert one.reply in those
            assert one.similarity == pytest.approx(best, abs=1e-3)
            best = None
        assert best is None
