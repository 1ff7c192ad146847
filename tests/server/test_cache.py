"""The same request twice, through the public surface: what is answered out of the cache, to whom."""

import asyncio
import json

import httpx2
import pytest
from msgspec.structs import replace
from tests.gateway import Gateway, StartGateway, two_tiers
from tests.support.cached import ask, kept, said, state

from pointsman.app import App
from pointsman.clock import ManualClock
from pointsman.config import CacheSettings
from pointsman.providers.scripted import Script
from pointsman.types import Selection

DEFAULT = CacheSettings()
TRUNCATED = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "A cat is"},
                "finish_reason": "length",
            }
        ],
    }
).encode()


@pytest.fixture
async def cached(start: StartGateway) -> Gateway:
    """A gateway as it comes: the exact tier is on."""
    return await start(cache=DEFAULT)


async def test_the_same_request_is_answered_once(cached: Gateway):
    weak = cached.tell("weak", Script(reply="A cat is an animal."))
    first = await cached.chat("What is a cat?", model="weak")
    await kept(cached)
    second = await cached.chat("What is a cat?", model="weak")

    assert (state(first), state(second)) == ("miss", "exact")
    assert said(first) == said(second)
    assert second.json()["usage"] == first.json()["usage"]
    assert second.json()["id"] != first.json()["id"]
    assert second.headers["x-pointsman-cache"].startswith("exact; age=0; id=cr_")
    assert len(weak.log) == 1


async def test_a_reply_that_holds_a_secret_is_not_kept(cached: Gateway):
    secret = Script(reply="The key is sk-proj-8Jq2LmXv0RtYw7NzKc5PbHd3, keep it.")
    weak = cached.tell("weak", secret, secret)
    for _ in range(2):
        assert state(await cached.chat("What is the key?", model="weak")) == "miss"
        await kept(cached)

    assert len(weak.log) == 2
    stats = (await cached.client.get("/v1/analytics/cache-stats")).json()
    assert stats["not_kept"] == {"secret": 2}


async def test_a_hit_is_in_the_books_and_costs_nothing(cached: Gateway):
    cached.tell("strong", Script(reply="A cat is an animal."))
    first = await cached.chat("What is a cat?", model="strong")
    await kept(cached)
    second = await cached.chat("What is a cat?", model="strong")

    was, is_now = await cached.record(first), await cached.record(second)
    assert was["cost"] > 0
    assert (is_now["cost"], is_now["outcome"], is_now["cache"]) == (0, "completed", "exact")
    assert is_now["saved"] == is_now["baseline_cost"] == was["baseline_cost"]
    assert is_now["deployment"] == "strong"
    assert is_now["attempts"] == []
    assert "the same request was answered" in is_now["reason"]
    assert second.headers["x-pointsman-cost"] == "0"
    assert "x-pointsman-score" in first.headers
    assert "x-pointsman-score" not in second.headers  # nothing was scored
    assert was["score"] is not None
    assert is_now["score"] is None


async def test_nor_do_the_figures_of_a_cached_answer_name_a_score(cached: Gateway):
    asked = {"prompt": "What is a cat?"}

    first = (await cached.client.post("/v1/complete", json=asked)).json()
    await kept(cached)
    again = (await cached.client.post("/v1/complete", json=asked)).json()

    assert (first["cache_hit"], again["cache_hit"]) == (False, True)
    assert first["score"] is not None
    assert again["score"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.1},
        {"model": "auto"},
        {"user": "bob"},
        {"messages": [{"role": "user", "content": "What is a cat? "}]},
        {
            "messages": [
                {"role": "system", "content": "x"},
                {"role": "user", "content": "What is a cat?"},
            ]
        },
        {"headers": {"x-force-route": "simple"}},
    ],
)
async def test_any_other_request_is_answered_anew(cached: Gateway, change: dict[str, object]):
    weak = cached.tell("weak", Script(reply="A cat is an animal."))
    await cached.chat("What is a cat?", model="weak")
    await kept(cached)
    other = await cached.chat("What is a cat?", **{"model": "weak", **change})
    assert state(other) == "miss"
    assert len(weak.log) == 2


@pytest.mark.parametrize("streamed", [(False, True), (True, False), (True, True)])
async def test_streamed_or_not_it_is_the_same_reply(cached: Gateway, streamed: tuple[bool, bool]):
    text = "A cat is a small animal that sleeps a lot.\n\nIt purrs. " * 9
    weak = cached.tell("weak", Script(reply=text))
    told = []
    for stream in streamed:
        more = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
        reply = await cached.chat("What is a cat?", model="weak", **more)
        await kept(cached)
        told.append((_words(reply) if stream else said(reply)["content"], state(reply)))
    assert told == [(text, "miss"), (text, "exact")]
    assert len(weak.log) == 1


def _words(reply: httpx2.Response) -> str:
    assert reply.text.endswith("data: [DONE]\n\n")
    chunks = [json.loads(line[6:]) for line in reply.text.split("\n\n")[:-2]]
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert chunks[-1]["usage"]["completion_tokens"] > 0
    assert len(chunks) > 10  # not all at once
    return "".join(
        choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]
    )


@pytest.mark.parametrize(
    "script",
    [
        Script(status=400),
        Script(reply="A cat is", body=TRUNCATED),
        Script(reply=""),
    ],
)
async def test_what_did_not_end_well_is_not_kept(cached: Gateway, script: Script):
    weak = cached.tell("weak", script)
    await cached.chat("What is a cat?", model="weak")
    await kept(cached)
    again = await cached.chat("What is a cat?", model="weak")
    assert state(again) == "miss"
    assert len(weak.log) == 2


async def test_a_prompt_with_a_secret_is_kept_nowhere(cached: Gateway):
    weak = cached.tell("weak", Script(reply="I see."))
    secret = "My key is sk-ant-api03-" + "a1B2" * 20 + "-AAAA, is it safe?"
    for _ in range(2):
        reply = await cached.chat(secret, model="weak")
        await kept(cached)
        assert state(reply) == "bypass"
    assert len(weak.log) == 2


@pytest.mark.parametrize(
    ("headers", "states"),
    [
        ({"x-pointsman-cache": "off"}, ["bypass", "bypass"]),
        ({"x-pointsman-cache": "no-store"}, ["miss", "miss"]),
        ({"cache-control": "no-store"}, ["bypass", "bypass"]),
        ({"x-pointsman-cache": "exact"}, ["miss", "exact"]),
    ],
)
async def test_a_caller_may_want_less(cached: Gateway, headers: dict[str, str], states: list[str]):
    got = []
    for _ in range(2):
        got.append(state(await cached.chat("What is a cat?", model="weak", headers=headers)))
        await kept(cached)
    assert got == states


async def test_a_wish_that_nobody_understands_is_a_400(cached: Gateway):
    reply = await cached.chat(headers={"x-pointsman-cache": "always"})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "x-pointsman-cache"


async def test_in_a_named_conversation_asking_again_asks_for_another(cached: Gateway):
    weak = cached.tell("weak", Script(reply="One."), Script(reply="Two."))
    session = {"x-session-id": "s1"}
    replies = []
    for headers in (session, session, {"x-session-id": "s2"}):
        replies.append(await cached.chat("A joke?", model="weak", headers=headers))
        await kept(cached)
    assert [state(reply) for reply in replies] == ["miss", "bypass", "exact"]
    assert [said(reply)["content"] for reply in replies] == ["One.", "Two.", "Two."]
    assert len(weak.log) == 2


async def test_at_temperature_0_there_is_no_other(cached: Gateway):
    session = {"x-session-id": "s1"}
    states = []
    for _ in range(2):
        reply = await cached.chat("A joke?", model="weak", headers=session, temperature=0)
        states.append(state(reply))
        await kept(cached)
    assert states == ["miss", "exact"]


async def test_a_reply_is_kept_for_a_while_only():
    clock = ManualClock()
    app = App(two_tiers(cache=CacheSettings(ttl_s=60)), environment={}, clock=clock)
    await app.start(in_memory=True)
    transport = httpx2.ASGITransport(app=app.asgi())
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        gateway, states = Gateway(app, client), []
        for wait, headers in (
            (0, {}),
            (59, {}),
            (0, {"x-pointsman-cache": "max-age=58"}),
            (61, {}),
        ):
            clock.advance(wait)
            states.append(state(await gateway.chat("A cat?", model="weak", headers=headers)))
            await kept(gateway)
    await app.close()
    assert states == ["miss", "exact", "miss", "miss"]


async def test_anthropics_format_has_its_own_replies(cached: Gateway):
    weak = cached.tell("weak", Script(reply="A cat is an animal."))
    body = {
        "model": "weak",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "What is a cat?"}],
    }
    first = await cached.client.post("/v1/messages", json=body)
    await kept(cached)
    second = await cached.client.post("/v1/messages", json=body)
    streamed = await cached.client.post("/v1/messages", json={**body, "stream": True})
    assert [state(each) for each in (first, second, streamed)] == ["miss", "exact", "exact"]
    assert second.json()["content"] == first.json()["content"]
    assert second.json()["stop_reason"] == "end_turn"
    assert "event: message_stop" in streamed.text
    assert len(weak.log) == 1


async def test_200_at_once_are_one_call(cached: Gateway):
    weak = cached.tell("weak", Script(reply="A cat is an animal.", first_byte_delay_s=0.05))
    replies = await asyncio.gather(
        *(cached.chat("What is a cat?", model="weak") for _ in range(200))
    )
    assert {reply.status_code for reply in replies} == {200}
    assert {said(reply)["content"] for reply in replies} == {"A cat is an animal."}
    assert len(weak.log) == 1
    assert sorted({state(reply) for reply in replies}) == ["exact", "miss"]
    ids = {reply.headers["x-request-id"] for reply in replies}
    assert len(ids) == 200
    records = [await cached.record(reply) for reply in replies]
    assert {record["outcome"] for record in records} == {"completed"}


async def test_200_streams_at_once_are_one_call(cached: Gateway):
    weak = cached.tell("weak", Script(reply="A cat is an animal. " * 20, first_byte_delay_s=0.05))
    replies = await asyncio.gather(
        *(cached.chat("What is a cat?", model="weak", stream=True) for _ in range(200))
    )
    assert len({reply.text for reply in replies}) == 1
    assert replies[0].text.endswith("data: [DONE]\n\n")
    assert len(weak.log) == 1


async def test_if_it_fails_all_see_the_error_and_nothing_is_kept(cached: Gateway):
    weak = cached.tell("weak", Script(status=400, first_byte_delay_s=0.05), Script(reply="Fine."))
    replies = await asyncio.gather(
        *(cached.chat("What is a cat?", model="weak") for _ in range(200))
    )
    assert {reply.status_code for reply in replies} == {400}
    assert len(weak.log) == 1
    records = [await cached.record(reply) for reply in replies]
    assert {record["outcome"] for record in records} == {"failed"}
    again = await cached.chat("What is a cat?", model="weak")
    assert (state(again), said(again)["content"]) == ("miss", "Fine.")


@pytest.mark.parametrize("reason", ["error", "insufficient_system_resource", "model_length"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_a_reply_that_ends_oddly_is_not_kept(cached: Gateway, reason: str, path: str):
    body = json.loads(TRUNCATED)
    body["choices"][0]["finish_reason"] = reason
    odd = Script(reply="", body=json.dumps(body).encode())
    cached.tell("weak", odd, odd)
    states = []
    for _ in range(2):
        asked = {"model": "weak", "messages": [{"role": "user", "content": "A cat?"}]}
        reply = await cached.client.post(path, json={**asked, "max_tokens": 9})
        await kept(cached)
        states.append(state(reply))
    assert states == ["miss", "miss"]


async def test_what_a_lower_tier_answered_instead_is_not_kept(start: StartGateway):
    gateway = await start(cache=DEFAULT, routing={"retries": 0})
    gateway.tell("strong", Script(status=500))
    first = await gateway.chat("What is a cat?", model="complex")
    await kept(gateway)
    second = await gateway.chat("What is a cat?", model="complex")
    assert first.headers["x-pointsman-model"] == "weak"
    assert (state(second), second.headers["x-pointsman-model"]) == ("miss", "strong")


async def test_a_reply_that_cannot_be_read_is_made_anew(cached: Gateway):
    await ask(cached, "What is a cat?")
    store = cached.app.pipeline.cache.store
    (held,) = (await store.list(Selection(), limit=1)).replies
    await store.put(replace(held, body=b"garbage"))
    states = [state(await ask(cached, "What is a cat?")) for _ in range(2)]
    assert states == ["miss", "exact"]


async def test_a_wish_is_never_loosened(cached: Gateway):
    await ask(cached, "What is a cat?")
    headers = {"cache-control": "max-age=0", "x-pointsman-cache": "max-age=3600"}
    clock_moved = await ask(cached, "What is a cat?", headers=headers)
    assert state(clock_moved) == "miss"


async def test_what_one_client_said_of_itself_is_not_told_to_another(start: StartGateway):
    gateway = await start(cache=CacheSettings(ignore=frozenset({"metadata"})))
    for name in ("ann", "bob"):
        reply = await gateway.client.post(
            "/v1/responses",
            json={"model": "weak", "input": "What is a cat?", "metadata": {"customer": name}},
        )
        await kept(gateway)
    assert state(reply) == "exact"
    assert reply.json()["metadata"] == {"customer": "bob"}
