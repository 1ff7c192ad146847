"""What the cache holds, over HTTP: listed, read, forgotten, counted, and complained of."""

import json

import httpx2
import pytest
from tests.gateway import Gateway, StartGateway, two_tiers

from pointsman.config import CacheSettings
from pointsman.embedding.scripted import ScriptedEmbedder
from pointsman.providers.scripted import Script

CAT, CATS = "Describe a cat to a child please", "Please describe a cat to some child"
TREE = "What is a tree made of mostly?"
STATS = "/v1/analytics/cache-stats"


@pytest.fixture
async def gateway(start: StartGateway) -> Gateway:
    """A gateway whose embedder knows that two of the prompts mean the same."""
    cache = CacheSettings(semantic="on", uncalibrated=True, min_similarity=0.9, recheck=0)
    return await start(two_tiers(cache=cache), embedder=ScriptedEmbedder([(CAT, CATS)]))


async def ask(gateway: Gateway, text: str, model: str = "weak", tags: str = "") -> httpx2.Response:
    """Ask, and wait until the answer is kept."""
    headers = {"x-pointsman-cache-tags": tags} if tags else {}
    reply = await gateway.chat(text, model=model, headers=headers)
    await gateway.app.caching.keeper.close()
    return reply


async def rate(gateway: Gateway, reply: httpx2.Response, rating: float) -> None:
    """Say what was thought of it."""
    body = {"request_id": reply.headers["x-request-id"], "rating": rating}
    assert (await gateway.client.post("/v1/feedback", json=body)).status_code == 201


async def held(gateway: Gateway, query: str = "") -> list[dict[str, object]]:
    reply = await gateway.client.get(f"/v1/cache{query}")
    assert reply.status_code == 200
    assert reply.json()["count"] >= len(reply.json()["data"])
    return reply.json()["data"]


def state(reply: httpx2.Response) -> str:
    return reply.headers["x-pointsman-cache"].partition(";")[0]


async def test_the_list_has_everything_but_the_words(gateway: Gateway):
    gateway.tell("weak", Script(reply="An animal with whiskers."))
    first = await ask(gateway, CAT, tags="animals, demo")
    await ask(gateway, CAT)

    listing = await gateway.client.get("/v1/cache")
    (one,) = listing.json()["data"]

    assert listing.json()["count"] == 1
    assert listing.json()["size"] == one["bytes"] > 1000
    assert one["id"].startswith("cr_")
    assert one["request_id"] == first.headers["x-request-id"]
    assert (one["organisation"], one["route"]) == ("default", "weak")
    assert (one["deployment"], one["tier"]) == ("weak", "simple")
    assert (one["hits"], one["cost"], one["semantic"]) == (1, 0, True)
    assert one["tags"] == ["animals", "demo"]
    assert one["stored"] < one["expires"]
    assert one["age_s"] >= 0
    assert "whiskers" not in listing.text
    assert "child" not in listing.text


async def test_filters_and_a_limit(gateway: Gateway):
    await ask(gateway, CAT, tags="animals")
    await ask(gateway, TREE, model="strong", tags="plants")

    assert [each["tags"] for each in await held(gateway)] == [["plants"], ["animals"]]
    assert [each["tags"] for each in await held(gateway, "?limit=1")] == [["plants"]]
    for query in ("?tag=plants", "?model=strong", "?deployment=strong", "?route=strong"):
        assert [each["tags"] for each in await held(gateway, query)] == [["plants"]]
    both = await gateway.client.get("/v1/cache?deployment=strong&model=weak")
    assert (both.status_code, both.json()["error"]["param"]) == (400, "model")
    for query in ("?tag=stones", "?organisation=acme", "?scope=k1", "?route=strong&tag=animals"):
        assert await held(gateway, query) == []


async def test_page_by_page(gateway: Gateway):
    for tag in ("one", "two", "three"):
        await ask(gateway, f"{TREE} {tag}", tags=tag)

    async def page(**query: object) -> dict[str, object]:
        return (await gateway.client.get("/v1/cache", params={"limit": 2, **query})).json()

    first = await page()
    second = await page(cursor=first["next"])
    older = await page(before=first["data"][0]["stored"])

    assert [each["tags"] for each in first["data"]] == [["three"], ["two"]]
    assert [each["tags"] for each in second["data"]] == [["one"]]
    assert (first["count"], second["count"], second["next"]) == (3, 3, None)
    assert [each["tags"] for each in older["data"]] == [["two"], ["one"]]
    assert older["next"] is None


@pytest.mark.parametrize(
    "query",
    ["?limit=0", "?limit=x", "?tag=", "?organization=local", "?tag=a&tag=b", "?cursor=x", "?before=then",
     "?cursor=MjAyNi0xMS0yMVQxMDowMDowMCswMDowMCBh&before=2026-11-21"],
)  # fmt: skip
async def test_a_query_that_means_nothing_is_refused(gateway: Gateway, query: str):
    reply = await gateway.client.get(f"/v1/cache{query}")

    assert reply.status_code == 400
    assert reply.json()["error"]["param"] in query


async def test_one_reply_with_its_words(gateway: Gateway):
    gateway.tell("weak", Script(reply="An animal with whiskers."))
    await ask(gateway, CAT)
    (one,) = await held(gateway)

    shown = (await gateway.client.get(f"/v1/cache/{one['id']}")).json()

    assert shown["text"] == "An animal with whiskers."
    assert shown["turn"] == CAT
    assert {**shown, "age_s": one["age_s"]} == {**one, "text": shown["text"], "turn": CAT}


async def test_a_turn_is_kept_for_the_semantic_tier_alone(start: StartGateway):
    gateway = await start(two_tiers(cache=CacheSettings()))
    await ask(gateway, CAT)
    (one,) = await held(gateway)

    shown = (await gateway.client.get(f"/v1/cache/{one['id']}")).json()

    assert (one["semantic"], shown["turn"]) == (False, None)


async def test_one_is_forgotten(gateway: Gateway):
    await ask(gateway, CAT)
    hit = await ask(gateway, CAT)
    reply_id = hit.headers["x-pointsman-cache"].rpartition("id=")[2]

    removed = await gateway.client.delete(f"/v1/cache/{reply_id}")
    again = await ask(gateway, CATS)

    assert (removed.status_code, removed.json()) == (200, {"removed": 1})
    assert (state(hit), state(again)) == ("exact", "miss")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_what_is_not_there_is_a_404(gateway: Gateway, method: str):
    reply = await gateway.client.request(method, "/v1/cache/cr_nowhere")

    assert reply.status_code == 404
    assert "cr_nowhere" in reply.json()["error"]["message"]


async def test_many_are_forgotten_by_what_they_are(gateway: Gateway):
    await ask(gateway, CAT, tags="animals")
    await ask(gateway, TREE, tags="plants")

    removed = await gateway.client.delete("/v1/cache?tag=plants&route=weak")

    assert removed.json() == {"removed": 1}
    assert [each["tags"] for each in await held(gateway)] == [["animals"]]
    assert (await gateway.client.delete("/v1/cache?all=true")).json() == {"removed": 1}
    assert await held(gateway) == []


@pytest.mark.parametrize(
    "query", ["", "?all=false", "?tag=", "?organization=local", "?tag=a&tag=b", "?limit=5"]
)
async def test_everything_is_forgotten_only_when_that_is_said(gateway: Gateway, query: str):
    await ask(gateway, CAT)

    refused = await gateway.client.delete(f"/v1/cache{query}")

    assert refused.status_code == 400
    assert "all" in refused.json()["error"]["message"] or "tag" in refused.text
    assert len(await held(gateway)) == 1


async def test_who_forgets_entries_forgets_the_replies(gateway: Gateway):
    await ask(gateway, CAT)

    before = {"before": "2020-01-01T00:00:00Z"}
    assert (await gateway.client.delete("/v1/entries", params=before)).status_code == 200
    assert len(await held(gateway)) == 1
    assert (await gateway.client.delete("/v1/entries?all=true")).status_code == 200
    assert await held(gateway) == []


async def test_figures_are_not_narrowed_by_what_they_do_not_know(gateway: Gateway):
    for path in (f"{STATS}?organisation=acme", "/v1/keys?organisation=a", "/v1/experiments?x=1"):
        reply = await gateway.client.get(path)
        assert (reply.status_code, "there is no parameter" in reply.text) == (400, True)


async def test_only_who_has_the_key_may_look(start: StartGateway):
    gateway = await start(api_key="s3cret")

    for method, path in (("GET", "/v1/cache"), ("DELETE", "/v1/cache?all=true"), ("GET", STATS)):
        assert (await gateway.client.request(method, path)).status_code == 401


async def test_the_figures_of_an_unused_cache(gateway: Gateway):
    assert (await gateway.client.get(STATS)).json() == {
        "requests": {"exact": 0, "semantic": 0, "miss": 0, "bypass": 0},
        "hit_rate": {"overall": None, "exact": None, "semantic": None},
        "saved": 0,
        "replies": 0,
        "bytes": 0,
        "not_kept": {},
        "routes": [],
    }


async def test_the_figures_of_a_used_one(gateway: Gateway):
    gateway.tell("strong", Script(reply="An animal."))
    for text in (CAT, CAT, CATS, TREE):
        await ask(gateway, text, model="strong")
    await gateway.chat(CAT, model="strong", headers={"x-pointsman-cache": "off; no-store"})
    await gateway.app.caching.keeper.close()

    figures = (await gateway.client.get(STATS)).json()
    totals = (await gateway.client.get("/v1/report")).json()["by_cache"]

    assert figures["requests"] == {"exact": 1, "semantic": 1, "miss": 2, "bypass": 1}
    assert figures["hit_rate"] == {"overall": 0.5, "exact": 0.25, "semantic": 0.25}
    by_hits = sum(line["saved"] for line in totals if line["name"] in {"exact", "semantic"})
    assert figures["saved"] == pytest.approx(by_hits)
    assert figures["saved"] > 0
    assert figures["replies"] == 2
    assert figures["bytes"] == (await gateway.client.get("/v1/cache")).json()["size"]
    later = (await gateway.client.get(f"{STATS}?since=2999-01-01T00:00:00Z")).json()
    assert sum(later["requests"].values()) == 0


async def test_what_was_not_kept_is_counted_by_why(gateway: Gateway):
    cut_off = {"role": "assistant", "content": "A cat is"}
    choice = {"index": 0, "message": cut_off, "finish_reason": "length"}
    whole = {"id": "c", "object": "chat.completion", "model": "m", "choices": [choice]}
    gateway.tell("weak", Script(body=json.dumps(whole).encode()))
    await ask(gateway, CAT)

    assert (await gateway.client.get(STATS)).json()["not_kept"] == {"length": 1}


async def test_a_bad_reply_is_not_given_again(gateway: Gateway):
    gateway.tell("weak", Script(reply="A dog."), Script(reply="A cat."))
    await ask(gateway, CAT)
    await rate(gateway, await ask(gateway, CAT), -0.5)

    again = await ask(gateway, CAT)

    assert state(again) == "miss"
    assert again.json()["choices"][0]["message"]["content"] == "A cat."
    assert (await gateway.client.get(STATS)).json()["routes"] == []


async def test_a_bad_reply_to_a_similar_prompt_counts_as_well(gateway: Gateway):
    await ask(gateway, CAT)
    hit = await ask(gateway, CATS)
    await rate(gateway, hit, -1)

    (route,) = (await gateway.client.get(STATS)).json()["routes"]

    assert state(hit) == "semantic"
    assert state(await ask(gateway, CATS)) == "miss"
    assert (route["route"], route["complaints"], route["on"]) == ("weak", 1, True)
    assert (route["checks"], route["rate"]) == (0, None)
    assert {"false", "low", "high", "bound", "threshold"} <= set(route)


async def test_a_route_begins_anew(gateway: Gateway):
    await ask(gateway, CAT)
    await rate(gateway, await ask(gateway, CATS), -1)

    forgotten = await gateway.client.delete(f"{STATS}/weak")

    assert (forgotten.status_code, forgotten.json()) == (200, {"removed": 1})
    assert (await gateway.client.get(STATS)).json()["routes"] == []
    assert (await gateway.client.delete(f"{STATS}/weak")).status_code == 404


@pytest.mark.parametrize("rating", [0, 0.5, 1])
async def test_what_is_not_called_bad_stays(gateway: Gateway, rating: float):
    await ask(gateway, CAT)
    await rate(gateway, await ask(gateway, CATS), rating)

    assert state(await ask(gateway, CATS)) == "semantic"


async def test_the_same_complaint_twice_is_one(gateway: Gateway):
    await ask(gateway, CAT)
    hit = await ask(gateway, CATS)
    for _ in range(3):
        await rate(gateway, hit, -1)

    (route,) = (await gateway.client.get(STATS)).json()["routes"]

    assert route["complaints"] == 1
