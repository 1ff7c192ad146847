"""What was kept when rules, keys and deployments were others is given out by those of now."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx2
import pytest
from tests.gateway import Gateway, StartGateway, two_tiers
from tests.support.cached import kept, said, state
from tests.support.served import eventually

from pointsman.app import App
from pointsman.clock import ManualClock
from pointsman.config import CacheSettings
from pointsman.config.cache import RouteCacheSettings
from pointsman.providers.scripted import Script
from pointsman.types import Check

CACHE = CacheSettings()
CAT = "What is a cat?"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
async def cached(start: StartGateway) -> Gateway:
    return await start(cache=CACHE)


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def timed(clock: ManualClock) -> AsyncIterator[Gateway]:
    app = App(two_tiers(cache=CACHE), environment={}, clock=clock)
    await app.start(in_memory=True)
    transport = httpx2.ASGITransport(app=app.asgi())
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield Gateway(app, client)
    await app.close()


async def asked(gateway: Gateway, **more: object) -> httpx2.Response:
    reply = await gateway.chat(CAT, **more)
    await kept(gateway)
    return reply


async def test_a_key_gets_no_reply_of_a_model_that_it_may_not_use_any_more(cached: Gateway):
    async def post(path: str, wish: object, **headers: str) -> dict[str, str]:
        return (await cached.client.post(path, json=wish, headers=headers)).json()

    admin = (await post("/v1/keys", {"role": "admin", "everywhere": True}))["key"]
    made = await post("/v1/keys", {"models": ["weak", "strong"]}, **{"x-api-key": admin})
    key = {"x-api-key": made["key"]}
    assert state(await asked(cached, model="strong", headers=key)) == "miss"
    assert state(await asked(cached, model="strong", headers=key)) == "exact"

    await post(f"/v1/keys/{made['id']}", {"models": ["weak"]}, **{"x-api-key": admin})

    refused = await asked(cached, model="strong", headers=key)
    assert refused.status_code == 403
    said = refused.json()["error"]["message"]
    assert said == "no deployment can take this request (strong: this key may not use it)"


async def test_a_deployment_that_is_for_others_now_or_of_another_tier_gives_nothing(
    cached: Gateway,
):
    models = cached.app.settings.models
    elsewhere = {"organisations": frozenset({"bank"})}
    for change in (elsewhere, {"tier": "simple"}):
        assert state(await asked(cached, model="complex")) == "miss"
        assert state(await asked(cached, model="complex")) == "exact"
        changed = {**models, "strong": models["strong"].model_copy(update=change)}
        await cached.app.renew(cached.app.settings.model_copy(update={"models": changed}))

        assert state(await asked(cached, model="complex")) != "exact"
        await cached.app.renew(cached.app.settings.model_copy(update={"models": models}))
        await cached.client.delete("/v1/cache?all=true")


async def test_a_shorter_life_is_that_of_what_is_kept_already_too(
    timed: Gateway, clock: ManualClock
):
    await asked(timed, model="weak")
    clock.advance(60)
    assert state(await asked(timed, model="weak")) == "exact"

    cache = CACHE.model_copy(update={"ttl_s": 60})
    await timed.app.renew(timed.app.settings.model_copy(update={"cache": cache}))

    assert state(await asked(timed, model="weak")) == "miss"


async def test_a_reload_binds_routes_anew(start: StartGateway):
    semantic = CacheSettings(semantic="on", uncalibrated=True, min_similarity=0.9, recheck=0)
    route = RouteCacheSettings(max_false_hits=0.01)
    gateway = await start(cache=semantic)
    cache = gateway.app.pipeline.cache
    for each in ("weak", "auto"):
        cache.truth.note(Check("r", NOON, "default", each, "cr_1", 0.95, 0.95, False, "judge"))
    read = gateway.app.settings.model_copy(
        update={"cache": semantic.model_copy(update={"routes": {"weak": route}})}
    )

    renewed = await gateway.app.renew(read)

    assert (renewed.changed, renewed.waiting) == (("cache",), ())
    bounds = {each.route: each.bound for each in cache.truth.routes(NOON)}
    assert bounds == {"weak": 0.01, "auto": semantic.max_false_hits}


async def test_what_is_forgotten_while_it_is_on_its_way_is_not_kept(cached: Gateway):
    first, second = Script(reply="Old.", first_byte_delay_s=0.05), Script(reply="New.")
    weak = cached.tell("weak", first, second)
    asking = asyncio.create_task(cached.chat(CAT, model="weak"))
    await eventually(lambda: weak.log, "the upstream was asked")

    assert (await cached.client.delete("/v1/cache?all=true")).json() == {"removed": 0}

    assert said(await asking)["content"] == "Old."
    await kept(cached)
    again = await asked(cached, model="weak")
    assert (state(again), said(again)["content"]) == ("miss", "New.")


async def test_who_calls_a_fresh_reply_bad_gets_another(cached: Gateway):
    cached.tell("weak", Script(reply="A dog."), Script(reply="A cat."))
    fresh = await asked(cached, model="weak")
    body = {"request_id": fresh.headers["x-request-id"], "rating": -1}
    assert (await cached.client.post("/v1/feedback", json=body)).status_code == 201

    again = await asked(cached, model="weak")

    assert (state(again), said(again)["content"]) == ("miss", "A cat.")
    assert state(await asked(cached, model="weak")) == "exact"


async def test_who_shared_an_answer_and_calls_it_bad_gets_another(cached: Gateway):
    first, second = Script(reply="A dog.", first_byte_delay_s=0.05), Script(reply="A cat.")
    weak = cached.tell("weak", first, second)
    leading = asyncio.create_task(cached.chat(CAT, model="weak"))
    await eventually(lambda: weak.log, "the upstream was asked")
    shared = await cached.chat(CAT, model="weak")
    assert said(await leading) == said(shared)
    assert len(weak.log) == 1
    body = {"request_id": shared.headers["x-request-id"], "rating": -1}
    assert (await cached.client.post("/v1/feedback", json=body)).status_code == 201

    again = await asked(cached, model="weak")

    assert (state(again), said(again)["content"]) == ("miss", "A cat.")


async def test_who_stands_in_for_what_is_not_there_is_kept_until_it_is(start: StartGateway):
    hard = "Design a distributed ledger, prove that it is safe, and compare three alternatives."
    both = two_tiers().models
    gateway = await start(two_tiers(cache=CACHE, models={"weak": both["weak"]}))

    async def again() -> list[str]:
        replies = [await gateway.chat(hard, model="auto")]
        await kept(gateway)
        return [state(each) for each in (*replies, await gateway.chat(hard, model="auto"))]

    assert await again() == ["miss", "exact"]
    settings = gateway.app.settings
    await gateway.app.renew(settings.model_copy(update={"models": both}))
    gateway.tell("strong", *[Script(status=503)] * 8)
    assert await again() == ["miss", "miss"]
    assert "below its tier" in gateway.app.pipeline.cache.refused
