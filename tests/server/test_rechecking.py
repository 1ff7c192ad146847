"""Semantic hits are checked against fresh answers; a route that errs too often has none any more."""

import httpx2
import pytest
from tests.gateway import Gateway, StartGateway, two_tiers

from pointsman.config import CacheSettings
from pointsman.embedding.scripted import ScriptedEmbedder
from pointsman.errors import ConfigError
from pointsman.providers.scripted import Script

ASKED = ["What is a cat?", "Tell me what a cat is, please"]
SAME = ["A small animal that purrs.", "An animal, small, and it purrs."]
GROUPS = [ASKED, SAME]


async def checked(start: StartGateway, **more: object) -> Gateway:
    cache = {"semantic": "on", "uncalibrated": True, "min_similarity": 0.9, "recheck": 1.0, **more}
    return await start(two_tiers(cache=CacheSettings(**cache)), embedder=ScriptedEmbedder(GROUPS))


async def ask(gateway: Gateway, text: str, **more: object) -> httpx2.Response:
    reply = await gateway.chat(text, model="weak", **more)
    await gateway.app.caching.keeper.close()
    return reply


async def looked_at(gateway: Gateway) -> list[bool]:
    """Wait for the checks under way; which of all hits were false."""
    rechecking = gateway.app.caching.rechecking
    assert rechecking is not None
    await rechecking.finished()
    return [check.false for check in await gateway.app.checks.checks()]


async def test_a_hit_that_says_the_same_as_a_fresh_answer_is_right(start: StartGateway):
    gateway = await checked(start)
    weak = gateway.tell("weak", *(Script(reply=text) for text in SAME))
    await ask(gateway, ASKED[0])
    hit = await ask(gateway, ASKED[1])
    assert hit.headers["x-pointsman-cache"].startswith("semantic")
    assert await looked_at(gateway) == [False]
    assert len(weak.log) == 2
    assert (await ask(gateway, ASKED[1])).headers["x-pointsman-cache"].startswith("semantic")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_hit_that_says_something_else_is_false_and_forgotten(
    start: StartGateway, *, stream: bool
):
    gateway = await checked(start)
    gateway.tell("weak", Script(reply=SAME[0]), Script(reply="The opposite of a dog."))
    await ask(gateway, ASKED[0])
    hit = await ask(gateway, ASKED[1], stream=stream)
    assert hit.headers["x-pointsman-cache"].startswith("semantic")
    assert await looked_at(gateway) == [True]
    again = await ask(gateway, ASKED[0])
    assert again.headers["x-pointsman-cache"] == "miss"


async def test_asking_again_is_in_the_books_under_a_request_of_its_own(start: StartGateway):
    gateway = await checked(start)
    gateway.tell("weak", *(Script(reply=text) for text in SAME))
    await ask(gateway, ASKED[0])
    hit = await ask(gateway, ASKED[1])
    await looked_at(gateway)
    entries = await gateway.app.books.list(limit=10)
    again = [entry for entry in entries if entry.client_request_id == hit.headers["x-request-id"]]
    assert [entry.outcome for entry in again] == ["completed"]
    assert again[0].lookup.state == "bypass"


async def test_a_fresh_answer_that_fails_checks_nothing(start: StartGateway):
    gateway = await checked(start)
    gateway.tell("weak", Script(reply=SAME[0]), Script(status=400))
    await ask(gateway, ASKED[0])
    await ask(gateway, ASKED[1])
    assert await looked_at(gateway) == []


async def test_shadow_mode_checks_what_it_would_have_given(start: StartGateway):
    gateway = await checked(start, semantic="shadow", recheck=0)
    gateway.tell("weak", Script(reply=SAME[0]), Script(reply="The opposite of a dog."))
    await ask(gateway, ASKED[0])
    await ask(gateway, ASKED[1])
    assert await looked_at(gateway) == [True]


@pytest.mark.parametrize(
    ("verdict", "false"), [('{"same": true}', [False]), ('{"same": false}', [True]), ("eh", [])]
)
async def test_a_judge_may_compare(start: StartGateway, verdict: str, false: list[bool]):
    settings = two_tiers(
        cache=CacheSettings(
            semantic="on",
            uncalibrated=True,
            min_similarity=0.9,
            recheck=1.0,
            compare="judge",
        ),
        routing={"judge": {"deployment": "strong"}},
    )
    gateway = await start(settings, embedder=ScriptedEmbedder(GROUPS))
    gateway.tell("weak", *(Script(reply=text) for text in SAME))
    strong = gateway.tell("strong", Script(reply=verdict))
    await ask(gateway, ASKED[0])
    await ask(gateway, ASKED[1])
    assert await looked_at(gateway) == false
    assert len(strong.log) == 1


async def test_a_route_that_errs_too_often_is_switched_off(start: StartGateway):
    gateway = await checked(start)
    states = []
    for number in range(60):
        gateway.tell("weak", Script(reply=SAME[0]), Script(reply=f"Something else: {number}."))
        await ask(gateway, ASKED[0])
        hit = await ask(gateway, ASKED[1])
        states.append(hit.headers["x-pointsman-cache"].partition(";")[0])
        await looked_at(gateway)
        if states[-1] == "miss":
            break
        await gateway.client.delete("/v1/cache?all=true")
    assert states[-1] == "miss"
    assert len(states) > 20
    record = await gateway.record(hit)
    assert record["lookup"]["reason"] == "switched off"
    stats = (await gateway.client.get("/v1/analytics/cache-stats")).json()
    assert [(route["route"], route["on"]) for route in stats["routes"]] == [("weak", False)]


async def test_a_judge_must_be_named(start: StartGateway):
    with pytest.raises(ConfigError, match="name a deployment"):
        await checked(start, compare="judge")
