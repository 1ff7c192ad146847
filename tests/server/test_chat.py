"""`/v1/chat/completions` from outside: what a client sends and what it gets."""

import asyncio
import json

import pytest
from tests.gateway import Gateway, StartGateway

from pointsman.config import RoutingSettings
from pointsman.providers.scripted import Script

HELLO = [{"role": "user", "content": "What is Python?"}]
SIMPLE = "What is Python?"
COMPLEX = (
    "Design a distributed cache system for a social media platform that handles "
    "10 million requests per second with high availability"
)


async def test_a_reply_with_all_its_headers(gateway: Gateway) -> None:
    reply = await gateway.chat(SIMPLE)

    assert reply.status_code == 200
    assert reply.json()["choices"][0]["message"]["content"]
    assert reply.json()["model"] == "weak-model"
    assert reply.headers["x-request-id"].startswith("req_")
    shown = {n: v for n, v in reply.headers.items() if n.startswith("x-pointsman-")}
    assert shown == {
        "x-pointsman-route": "local",
        "x-pointsman-model": "weak",
        "x-pointsman-tier": "simple",
        "x-pointsman-served-tier": "simple",
        "x-pointsman-score": shown["x-pointsman-score"],
        "x-pointsman-reason": shown["x-pointsman-reason"],
        "x-pointsman-cache": "bypass",
        "x-pointsman-attempts": "1",
        "x-pointsman-cost": "0",
        "x-pointsman-saved": shown["x-pointsman-saved"],
    }
    assert "-> simple" in shown["x-pointsman-reason"]
    assert float(shown["x-pointsman-saved"]) > 0


async def test_simple_goes_to_the_weak_and_complex_to_the_strong(gateway: Gateway) -> None:
    simple, complex_ = await gateway.chat(SIMPLE), await gateway.chat(COMPLEX)

    assert simple.headers["x-pointsman-model"] == "weak"
    assert complex_.headers["x-pointsman-model"] == "strong"
    assert float(complex_.headers["x-pointsman-cost"]) > 0
    assert float(complex_.headers["x-pointsman-saved"]) == 0


async def test_a_stream_carries_the_same_text_and_ends_with_done(gateway: Gateway) -> None:
    whole = (await gateway.chat(SIMPLE)).json()["choices"][0]["message"]["content"]

    streamed = await gateway.chat(SIMPLE, stream=True)

    events = [line[6:] for line in streamed.text.splitlines() if line.startswith("data: ")]
    chunks = [json.loads(event) for event in events[:-1]]
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert events[-1] == "[DONE]"
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks) == whole
    assert all("usage" not in chunk for chunk in chunks)
    assert "x-pointsman-cost" not in streamed.headers
    record = await gateway.record(streamed)
    assert record["outcome"] == "completed"
    assert record["usage"]["output_tokens"] > 0
    assert not record["usage"]["estimated"]


async def test_usage_comes_once_where_the_stream_was_asked_for_it(gateway: Gateway) -> None:
    streamed = await gateway.chat(SIMPLE, stream=True, stream_options={"include_usage": True})

    chunks = [
        json.loads(line[6:]) for line in streamed.text.splitlines() if line.startswith("data: {")
    ]
    usages = [chunk for chunk in chunks if chunk.get("usage")]
    assert len(usages) == 1
    assert usages[0]["choices"] == []


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("auto", "weak"),
        ("local", "weak"),
        ("cloud", "strong"),
        ("complex", "strong"),
        ("strong", "strong"),
    ],
)
async def test_the_model_member_routes(gateway: Gateway, asked: str, served: str) -> None:
    by_member = await gateway.chat(SIMPLE, model=asked)
    by_header = await gateway.chat(SIMPLE, headers={"x-force-route": asked})

    assert by_member.headers["x-pointsman-model"] == served
    assert by_header.headers["x-pointsman-model"] == served


async def test_a_failed_deployment_is_replaced_before_the_first_byte(gateway: Gateway) -> None:
    gateway.tell("weak", Script(unreachable=True))

    reply = await gateway.chat(SIMPLE)

    assert reply.status_code == 200
    assert reply.headers["x-pointsman-tier"] == "simple"
    assert reply.headers["x-pointsman-served-tier"] == "complex"
    assert reply.headers["x-pointsman-attempts"] == "2"
    assert "weak failed" in reply.headers["x-pointsman-reason"]
    assert "fell back to strong" in reply.headers["x-pointsman-reason"]
    record = await gateway.record(reply)
    assert [(a["deployment"], a["outcome"]) for a in record["attempts"]] == [
        ("weak", "failed"),
        ("strong", "completed"),
    ]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "fault",
    [
        Script(status=500),
        Script(status=429, retry_after="7"),
        Script(status=401),
        Script(status=404),
        Script(body=b"<html>hello</html>", content_type="text/html"),
        Script(body=b'{"choices": [', content_type="application/json"),
        Script(cut_at_byte=3),
    ],
    ids=lambda script: f"{script.status}-{script.body}-{script.cut_at_byte}",
)
async def test_every_fault_before_the_first_byte_falls_back(
    gateway: Gateway, fault: Script, *, stream: bool
) -> None:
    gateway.tell("weak", fault)

    reply = await gateway.chat(SIMPLE, stream=stream)

    assert reply.status_code == 200
    assert reply.headers["x-pointsman-model"] == "strong"


async def test_the_clients_own_fault_is_told_and_not_retried(gateway: Gateway) -> None:
    strong = gateway.tell("strong")
    gateway.tell("weak", Script(status=400))

    reply = await gateway.chat(SIMPLE)

    assert reply.status_code == 400
    assert reply.json()["error"]["message"]
    assert strong.log == []
    record = await gateway.record(reply)
    assert record["outcome"] == "failed"
    assert record["error"] == "upstream answered 400"
    assert [attempt["status"] for attempt in record["attempts"]] == [400]


async def test_a_status_in_the_place_of_a_code_is_none(gateway: Gateway) -> None:
    for stated, code in ((400, None), (40303, "40303"), ("invalid_value",) * 2):
        body = json.dumps({"error": {"message": "no", "type": "t", "code": stated}}).encode()
        gateway.tell("weak", Script(status=400, body=body))

        reply = await gateway.chat(SIMPLE, model="weak")

        error = {"message": "no", "type": "t", "param": None, "code": code}
        assert (reply.status_code, reply.json()["error"]) == (400, error)


async def test_nothing_available_is_503_with_a_time_to_come_back(start: StartGateway) -> None:
    gateway = await start(routing=RoutingSettings(retries=0))
    gateway.tell("weak", Script(unreachable=True))
    gateway.tell("strong", Script(status=500))

    reply = await gateway.chat(SIMPLE)

    assert reply.status_code == 503
    assert int(reply.headers["retry-after"]) >= 1
    assert "weak" in reply.json()["error"]["message"]
    assert (await gateway.record(reply))["outcome"] == "failed"


async def test_everybody_busy_is_429_with_the_shortest_wait(gateway: Gateway) -> None:
    gateway.tell("weak", Script(status=429, retry_after="30"))
    gateway.tell("strong", Script(status=429, retry_after="9"))

    reply = await gateway.chat(SIMPLE)

    assert reply.status_code == 429
    assert reply.headers["retry-after"] == "9"
    assert reply.json()["error"]["code"] == "rate_limit_exceeded"


async def test_a_deployment_that_keeps_failing_is_left_alone(gateway: Gateway) -> None:
    weak = gateway.tell("weak", *[Script(unreachable=True)] * 3)
    for _ in range(3):
        await gateway.chat(SIMPLE)

    reply = await gateway.chat(SIMPLE)

    assert len(weak.log) == 3
    assert reply.headers["x-pointsman-attempts"] == "1"
    record = await gateway.record(reply)
    assert record["dropped"] == [
        {"deployment": "weak", "gate": "breaker", "reason": record["dropped"][0]["reason"]}
    ]


@pytest.mark.parametrize("cut", [400, 700, 900])
async def test_a_stream_that_breaks_ends_with_an_error_and_no_done(
    gateway: Gateway, cut: int
) -> None:
    gateway.tell("weak", Script(cut_at_byte=cut))

    reply = await gateway.chat("What is Python? " * 5, stream=True, model="weak")

    events = [line for line in reply.text.splitlines() if line.startswith("data: ")]
    assert json.loads(events[-1][6:])["error"]["code"] == "upstream_error"
    assert "[DONE]" not in reply.text
    record = await gateway.record(reply)
    assert record["outcome"] == "failed"
    assert record["usage"]["estimated"]


async def test_a_comment_and_a_lone_done_are_no_answer(gateway: Gateway) -> None:
    comment = b': PROCESSING\n\ndata: {"error": {"message": "no"}}\n\n'
    for nothing in (comment, b"data: [DONE]\n\n"):
        gateway.tell("weak", Script(body=nothing, content_type="text/event-stream"))

        reply = await gateway.chat(SIMPLE, stream=True)

        assert reply.headers["x-pointsman-model"] == "strong"


async def test_a_stream_without_done_is_whole_where_the_model_had_finished(
    gateway: Gateway,
) -> None:
    gateway.tell("weak", Script(no_done=True))

    reply = await gateway.chat(SIMPLE, stream=True)

    assert reply.text.rstrip().endswith("data: [DONE]")
    assert (await gateway.record(reply))["outcome"] == "completed"


async def test_what_is_missing_is_counted_and_marked(gateway: Gateway) -> None:
    gateway.tell("weak", Script(no_usage=True))

    record = await gateway.record(await gateway.chat(SIMPLE))

    assert record["usage"]["estimated"]
    assert record["usage"]["output_tokens"] > 0


async def test_an_image_goes_only_where_images_are_seen(start: StartGateway) -> None:
    gateway = await start()
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    content = [{"type": "text", "text": "What is this?"}, image]

    reply = await gateway.client.post(
        "/v1/chat/completions",
        json={"model": "auto", "messages": [{"role": "user", "content": content}]},
    )

    assert reply.status_code == 200


async def test_a_stream_that_the_gateway_cuts_is_interrupted(gateway: Gateway) -> None:
    gateway.tell("weak", Script(stall_after_chunks=3))
    body = json.dumps({"model": "weak", "stream": True, "messages": HELLO}).encode()
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": [(b"host", b"localhost")],
    }
    requests: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    requests.put_nowait({"type": "http.request", "body": body})
    sent: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    answering = asyncio.ensure_future(
        gateway.app.asgi()({**scope, "query_string": b""}, requests.get, sent.put)
    )
    started, _ = await sent.get(), await sent.get()

    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)

    request_id = dict(started["headers"])[b"x-request-id"].decode()
    entry = await gateway.app.books.get(request_id)
    assert entry is not None
    assert entry.outcome == "interrupted"
