"""Usage in a stream that passes through: wherever the upstream says it, its client is told once."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from tests.gateway import Gateway

from pointsman.providers.scripted import Script

HEAD = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "weak-model"}
FIGURES = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14, "cost": 0}
SO_FAR = {"prompt_tokens": 11, "completion_tokens": 1, "total_tokens": 12}
ASKED = {"include_usage": True}


def chunk(text: str | None = None, **more: object) -> dict[str, object]:
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": None}
    return {**HEAD, "choices": [choice if text else {**choice, "finish_reason": "stop"}], **more}


NEVER = [chunk("Hi"), chunk()]
ALONE = {**HEAD, "choices": [], "usage": FIGURES}
PLACES = {
    "at the finish": [chunk("Hi"), chunk(usage=FIGURES)],
    "at the finish and alone": [chunk("Hi"), chunk(usage=FIGURES), ALONE],
    "on each chunk": [chunk("Hi", usage=SO_FAR), chunk(usage=FIGURES)],
    "on each chunk and alone": [chunk("Hi", usage=SO_FAR), chunk(usage=FIGURES), ALONE],
    "alone, twice": [chunk("Hi"), {**ALONE, "usage": SO_FAR}, chunk(), ALONE],
    "without choices": [*NEVER, {**HEAD, "usage": FIGURES}],
}


async def streamed(
    gateway: Gateway, upstream: Sequence[dict[str, object]], **options: object
) -> list[dict[str, Any]]:
    """The chunks that a client gets of an upstream's."""
    events = [f"data: {json.dumps(each)}\n\n" for each in upstream]
    body = "".join(events) + "data: [DONE]\n\n"
    gateway.tell("weak", Script(body=body.encode(), content_type="text/event-stream"))
    reply = await gateway.chat(model="weak", stream=True, **options)
    said = [line[6:] for line in reply.text.splitlines() if line.startswith("data: ")]
    assert said.pop() == "[DONE]"
    return [json.loads(each) for each in said]


@pytest.mark.parametrize("upstream", PLACES.values(), ids=PLACES)
async def test_a_client_that_asked_is_told_once_at_the_end(
    gateway: Gateway, upstream: list[dict[str, object]]
) -> None:
    chunks = await streamed(gateway, upstream, stream_options=ASKED)

    assert [each for each in chunks if each.get("usage")] == [chunks[-1]]
    assert chunks[-1] == {**HEAD, "choices": [], "usage": FIGURES}
    assert [each["choices"][0]["finish_reason"] for each in chunks[:-1]] == [None, "stop"]


@pytest.mark.parametrize("upstream", [*PLACES.values(), NEVER], ids=[*PLACES, "never"])
async def test_a_client_that_did_not_ask_is_told_nothing(
    gateway: Gateway, upstream: list[dict[str, object]]
) -> None:
    chunks = await streamed(gateway, upstream)

    assert chunks == NEVER


async def test_where_the_upstream_does_not_say_the_client_gets_our_count(gateway: Gateway) -> None:
    for upstream in (NEVER, [chunk("Hi", usage={}), chunk(usage={"total_tokens": -1})]):
        *others, last = await streamed(gateway, upstream, stream_options=ASKED)

        assert not any(each.get("usage") for each in others)
        assert {name: last[name] for name in HEAD} == HEAD
        assert last["choices"] == []
        assert last["usage"]["estimated"] is True
        assert last["usage"]["prompt_tokens"] > 0
        assert last["usage"]["completion_tokens"] == 1


async def test_who_asks_for_usage_throughout_gets_what_comes(gateway: Gateway) -> None:
    upstream = PLACES["on each chunk and alone"]
    options = {**ASKED, "continuous_usage_stats": True}

    assert await streamed(gateway, upstream, stream_options=options) == upstream
