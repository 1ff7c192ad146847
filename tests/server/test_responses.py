"""`/v1/responses`, and replies that are continued."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from tests.gateway import Gateway, StartGateway, two_tiers

from pointsman.clock import ManualClock
from pointsman.config import ModelSettings, ServerSettings
from pointsman.providers.scripted import Script
from pointsman.server.kept import MOST, MOST_BYTES, KeptReplies
from pointsman.types import Principal

PATH = "/v1/responses"


async def ask(gateway: Gateway, said: object = "What is Python?", **more: object):
    headers = more.pop("headers", {})
    body = {"model": "weak", "input": said, **more}
    return await gateway.client.post(PATH, json=body, headers=headers)


def events(text: str) -> list[dict[str, object]]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


def whole(reply) -> dict[str, object]:
    """The response object of a reply, streamed or not."""
    assert reply.status_code == 200
    if reply.headers["content-type"].startswith("application/json"):
        return reply.json()
    last = events(reply.text)[-1]
    assert last["type"] == "response.completed"
    return last["response"]


def told(gateway: Gateway) -> list[tuple[str, str]]:
    """Roles and words that the model was given last."""
    request = json.loads(gateway.tell("weak").log[-1].request)
    return [(each["role"], each["content"]) for each in request["messages"]]


async def test_a_whole_reply(gateway: Gateway) -> None:
    gateway.tell("weak", Script(reply="A language."))

    reply = await ask(gateway, model="auto")

    response = reply.json()
    assert reply.status_code == 200
    assert (response["object"], response["status"]) == ("response", "completed")
    assert response["model"] == "weak-model"
    assert response["id"].startswith("resp_")
    item = response["output"][0]
    assert (item["type"], item["role"]) == ("message", "assistant")
    assert item["content"][0]["text"] == "A language."
    assert response["usage"]["total_tokens"] > 0
    assert reply.headers["x-pointsman-model"] == "weak"


async def test_a_stream(gateway: Gateway) -> None:
    gateway.tell("weak", Script(reply="A language of its own."))

    reply = await ask(gateway, model="auto", stream=True)

    sent = events(reply.text)
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert [each["sequence_number"] for each in sent] == list(range(len(sent)))
    assert [sent[0]["type"], sent[-1]["type"]] == ["response.created", "response.completed"]
    words = [each["delta"] for each in sent if each["type"] == "response.output_text.delta"]
    assert "".join(words) == "A language of its own."
    assert sent[0]["response"]["id"] == sent[-1]["response"]["id"]
    record = await gateway.record(reply)
    assert record["usage"]["output_tokens"] == whole(reply)["usage"]["output_tokens"]


async def test_a_stream_that_breaks_ends_as_failed(gateway: Gateway) -> None:
    gateway.tell("weak", Script(cut_at_byte=700))

    reply = await ask(gateway, stream=True)

    last = events(reply.text)[-1]
    assert last["type"] == "response.failed"
    continued = await ask(gateway, previous_response_id=last["response"]["id"])
    assert continued.status_code == 400


@pytest.mark.parametrize("stream", [False, True])
async def test_a_reply_is_continued_and_so_is_its_continuation(
    gateway: Gateway, *, stream: bool
) -> None:
    gateway.tell("weak", Script(reply="A language."), Script(reply="Guido."), Script(reply="1991."))

    first = whole(await ask(gateway, stream=stream))
    second = whole(await ask(gateway, "By whom?", previous_response_id=first["id"], stream=stream))
    last = [{"role": "user", "content": "When?"}]
    third = whole(await ask(gateway, last, previous_response_id=second["id"], stream=stream))

    assert len({first["id"], second["id"], third["id"]}) == 3
    assert told(gateway) == [
        ("user", "What is Python?"),
        ("assistant", "A language."),
        ("user", "By whom?"),
        ("assistant", "Guido."),
        ("user", "When?"),
    ]


async def ask_through(
    gateway: Gateway, watch: Callable[[httpx2.AsyncClient, bytes], Awaitable[None]]
) -> tuple[httpx2.AsyncClient, httpx2.Response]:
    """A streamed reply, each piece of which `watch` sees before it is on its way."""
    app = gateway.app.asgi()
    client = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://localhost"
    )

    async def watched(scope, receive, send) -> None:
        async def sending(message) -> None:
            await watch(client, message.get("body", b""))
            await send(message)

        await app(scope, receive, sending)

    transport = httpx2.ASGITransport(app=watched)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as through:
        body = {"model": "weak", "input": "What is Python?", "stream": True}
        return client, await through.post(PATH, json=body)


async def test_it_can_be_continued_as_soon_as_its_end_is_seen(gateway: Gateway) -> None:
    """Codex leaves when it has the last event, and does not wait for the end of the stream."""
    continued = []

    async def watch(client: httpx2.AsyncClient, piece: bytes) -> None:
        if b"event: response.completed" in piece:
            last = events(piece.decode())[-1]["response"]["id"]
            body = {"model": "weak", "input": "By whom?", "previous_response_id": last}
            continued.append(await client.post(PATH, json=body))

    client, _ = await ask_through(gateway, watch)
    await client.aclose()

    assert [reply.status_code for reply in continued] == [200]


async def test_it_is_kept_where_its_last_events_come_in_one_piece(gateway: Gateway) -> None:
    """They do for a client that reads slowly."""
    weak = gateway.tell("weak", Script(reply="A language of many words, all of them its own."))
    pieces = []

    async def watch(_: httpx2.AsyncClient, piece: bytes) -> None:
        pieces.append(piece)
        while weak.log[-1].outcome != "completed":  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0)

    client, reply = await ask_through(gateway, watch)
    body = {"model": "weak", "input": "hi", "previous_response_id": whole(reply)["id"]}
    continued = await client.post(PATH, json=body)
    await client.aclose()

    assert max(piece.count(b"event: ") for piece in pieces) > 5
    assert continued.status_code == 200


async def test_one_reply_may_be_continued_twice(gateway: Gateway) -> None:
    first = whole(await ask(gateway, "One"))

    for question in ("Two", "Three"):
        await ask(gateway, question, previous_response_id=first["id"])

        assert [words for role, words in told(gateway) if role == "user"] == ["One", question]


async def test_instructions_do_not_carry_over(gateway: Gateway) -> None:
    first = whole(await ask(gateway, "One", instructions="Be brief."))

    await ask(gateway, "Two", previous_response_id=first["id"], instructions="Be kind.")

    assert told(gateway)[0] == ("system", "Be kind.")
    assert "Be brief." not in str(told(gateway))


async def test_a_tool_call_is_answered_by_what_follows_it(gateway: Gateway) -> None:
    tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
    weak = gateway.tell("weak", Script(tool_call=("get_weather", {"city": "Paris"})))

    first = whole(await ask(gateway, "Weather?", tools=[tool]))
    call = next(item for item in first["output"] if item["type"] == "function_call")
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "rain"}
    second = await ask(gateway, [result], previous_response_id=first["id"], tools=[tool])

    assert second.status_code == 200
    seen = json.loads(weak.log[-1].request)["messages"]
    assert [each["role"] for each in seen] == ["user", "assistant", "tool"]
    assert seen[1]["tool_calls"][0]["id"] == seen[2]["tool_call_id"] == call["call_id"]


@pytest.mark.parametrize("stream", [False, True])
async def test_items_may_be_referred_to(gateway: Gateway, *, stream: bool) -> None:
    """As the AI SDK does: it sends the ids of what was said in place of the words."""
    gateway.tell("weak", Script(reply="A language."))
    first = whole(await ask(gateway, stream=stream))
    reference = {"type": "item_reference", "id": first["output"][0]["id"]}

    bare = {"id": reference["id"]}
    for each in (reference, bare):
        said = [
            {"role": "user", "content": "What is Python?"},
            each,
            {"role": "user", "content": "By whom?"},
        ]
        second = await ask(gateway, said)

        assert second.status_code == 200
        assert told(gateway)[1] == ("assistant", "A language.")


async def test_an_item_that_is_not_kept_is_an_error_and_not_left_out(gateway: Gateway) -> None:
    weak = gateway.tell("weak")
    said = [{"role": "user", "content": "hi"}, {"type": "item_reference", "id": "msg_x_0"}]

    reply = await ask(gateway, said)

    assert reply.status_code == 400
    assert "item_reference" in reply.json()["error"]["message"]
    assert weak.log == []


async def test_an_unknown_reply_is_told_how_to_go_on_without_it(gateway: Gateway) -> None:
    weak = gateway.tell("weak")

    reply = await ask(gateway, previous_response_id="resp_nope")

    error = reply.json()["error"]
    assert reply.status_code == 400
    assert (error["param"], error["code"]) == (
        "previous_response_id",
        "previous_response_not_found",
    )
    assert "`input`" in error["message"]
    assert weak.log == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("store", ["false", " false "])
async def test_what_is_not_to_be_stored_is_not_kept(
    gateway: Gateway, store: str, *, stream: bool
) -> None:
    body = '{"model": "weak", "input": "hi", "store":%s, "stream": %s}'
    sent = body % (store, json.dumps(stream))

    first = whole(await gateway.client.post(PATH, content=sent))

    assert first["store"] is False
    again = await ask(gateway, previous_response_id=first["id"])
    assert again.status_code == 400


async def test_it_is_kept_for_a_while_only(timed: Gateway, clock: ManualClock) -> None:
    first = whole(await ask(timed))

    clock.advance(3600)
    continued = await ask(timed, previous_response_id=first["id"])
    clock.advance(1)
    forgotten = await ask(timed, previous_response_id=first["id"])

    assert (continued.status_code, forgotten.status_code) == (200, 400)


async def test_nothing_is_kept_where_the_operator_says_so(start: StartGateway) -> None:
    gateway = await start(server=ServerSettings(response_retention_s=0))

    first = whole(await ask(gateway))
    reply = await ask(gateway, previous_response_id=first["id"])

    assert reply.status_code == 400
    assert "not at all" in reply.json()["error"]["message"]


async def test_a_refused_request_is_not_kept(gateway: Gateway) -> None:
    gateway.tell("weak", Script(status=422))

    refused = await ask(gateway)

    assert refused.status_code == 422
    assert refused.json()["error"]["message"]


NO_ID = '{"object": "response", "status": "completed", "output": []}'
NO_OUTPUT = '{"id": "resp_1", "object": "response", "status": "completed", "output": null}'


@pytest.mark.parametrize(("odd", "stream"), [(NO_ID, False), (NO_ID, True), (NO_OUTPUT, True)])
async def test_an_upstreams_own_reply_that_is_not_understood_is_given_and_not_kept(
    start: StartGateway, odd: str, *, stream: bool
) -> None:
    theirs = ModelSettings(provider="scripted", model="m", tier="simple", formats=("responses",))
    gateway = await start(two_tiers(models={"theirs": theirs}))
    told = [
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"x"}',
        b'event: response.completed\ndata: {"type":"response.completed","response":%s}'
        % odd.encode(),
        b"",
    ]
    body, kind = (b"\n\n".join(told), "text/event-stream") if stream else (odd.encode(), None)
    gateway.tell("theirs", Script(body=body, content_type=kind))

    reply = await ask(gateway, model="theirs", stream=stream)

    assert reply.status_code == 200
    assert reply.content == body
    continued = await ask(gateway, model="theirs", previous_response_id="resp_1")
    assert continued.status_code == 400


async def test_a_reply_is_there_for_who_asked_only() -> None:
    kept = KeptReplies(ManualClock(), retention_s=60)
    alice, bob = Principal("acme", "alice"), Principal("acme", "bob")

    await kept.keep("resp_1", alice, b"said")

    assert await kept.find("resp_1", alice) == b"said"
    assert await kept.find("resp_1", bob) is None
    assert await kept.find("resp_1", Principal("other", "alice")) is None


async def test_the_oldest_go_where_there_are_too_many_or_too_much() -> None:
    kept = KeptReplies(ManualClock(), retention_s=60)
    someone = Principal()

    for i in range(MOST + 1):
        await kept.keep(f"resp_{i}", someone, b"said")
    assert await kept.find("resp_0", someone) is None
    assert await kept.find("resp_1", someone) is not None

    await kept.keep("resp_large", someone, bytes(MOST_BYTES - 8))
    assert await kept.find("resp_large", someone) is not None
    assert await kept.find(f"resp_{MOST}", someone) is not None
    assert await kept.find(f"resp_{MOST - 2}", someone) is None

    await kept.keep("resp_too_large", someone, bytes(MOST_BYTES + 1))
    assert await kept.find("resp_too_large", someone) is None
    assert await kept.find("resp_large", someone) is not None


async def test_what_is_too_old_does_not_wait_in_memory_to_be_asked_for() -> None:
    clock = ManualClock()
    kept = KeptReplies(clock, retention_s=60)
    said = bytes(1000)
    references = sys.getrefcount(said)
    await kept.keep("resp_old", Principal(), said)
    assert sys.getrefcount(said) > references
    clock.advance(61)

    await kept.keep("resp_new", Principal(), b"said now")

    assert sys.getrefcount(said) == references
    assert await kept.find("resp_new", Principal()) == b"said now"
