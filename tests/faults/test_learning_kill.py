"""The gateway is killed while feedback comes and it learns: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from tests.support.exact_books import check_files
from tests.support.gateway import Gateway
from tests.support.raters import CONFIG, Life, assert_valid, in_force

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

KILLS = 8
#: Killed when so many ratings of its life were acknowledged, at most.
LATEST_RATING = 120


async def test_no_acknowledged_rating_is_lost_and_what_was_learned_is_valid(
    tmp_path_factory: pytest.TempPathFactory,
):
    chance = random.Random(20261122)  # noqa: S311 - the same moments in every run
    gateway = Gateway(tmp_path_factory.mktemp("home"), CONFIG)
    lives: list[Life] = []
    versions = Counter[str]()
    try:
        for number in range(KILLS):
            await asyncio.to_thread(gateway.start)
            await asyncio.to_thread(assert_valid, gateway)
            versions[await asyncio.to_thread(in_force, gateway)] += 1
            lives.append(Life(gateway, number, chance.randint(40, LATEST_RATING)))
            await lives[-1].run(10_000)
            assert lives[-1].count >= (lives[-1].fatal or 0)
        await asyncio.to_thread(gateway.start)
        await asyncio.to_thread(assert_valid, gateway)
        retrained = await asyncio.to_thread(gateway.send, "POST", "/v1/retrain")
        assert retrained.status == 200
        await asyncio.to_thread(assert_valid, gateway)
        assert await asyncio.to_thread(in_force, gateway) != "shipped"
        records = {each["request_id"]: each for each in gateway.records()}
        check_files(gateway.home)
    finally:
        gateway.kill()

    for life in lives:
        for request_id, ratings in life.sent.items():
            stored = [said["rating"] for said in records[request_id]["feedback"]]
            assert len(life.acknowledged[request_id]) <= len(stored) <= len(ratings)
            assert stored == ratings[: len(stored)]
    acknowledged = sum(life.count for life in lives)
    assert "Traceback" not in gateway.log
    print(  # noqa: T201
        f"{KILLS} kills, {acknowledged} ratings acknowledged, all of them kept; versions in force"
        f" after the starts: {dict(versions)}"
    )
