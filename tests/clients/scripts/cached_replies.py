"""The openai and anthropic clients get a reply again out of the cache, streamed and not."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping

import pytest
from anthropic import Anthropic
from openai import OpenAI

#: The last of what was given out goes into the cache just after its client has it.
PATIENCE_S = 10.0

#: The reply's headers, and what it says.
Answered = tuple[Mapping[str, str], object]


@pytest.fixture
def client(url: str, key: str):
    with OpenAI(
        base_url=f"{url}/v1", api_key=key, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
def claude(url: str, key: str):
    with Anthropic(
        base_url=url, api_key=key, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
def asked():
    """A question that nobody asked before."""
    text = f"Say hello in one short sentence. My number is {uuid.uuid4().hex[:8]}."
    return {"model": "auto", "messages": [{"role": "user", "content": text}]}


def state(headers) -> str:
    return headers["x-pointsman-cache"].partition(";")[0]


def until_cached(ask):
    """Ask until the answer comes out of the cache."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        headers, answer = ask()
        if state(headers) == "exact":
            return answer
        assert time.monotonic() < deadline, "it never came into the cache"


class TestAnyModel:
    def test_openai_whole(self, client: OpenAI, asked):
        def ask() -> Answered:
            raw = client.chat.completions.with_raw_response.create(max_tokens=300, **asked)
            return raw.headers, raw.parse()

        headers, first = ask()
        again = until_cached(ask)

        assert state(headers) == "miss"
        assert again.choices == first.choices
        assert again.usage == first.usage
        assert again.model == first.model
        assert again.id != first.id

    @pytest.mark.parametrize("first_streamed", [True, False])
    def test_openai_streamed(self, client: OpenAI, asked, *, first_streamed: bool):
        def ask_whole() -> Answered:
            raw = client.chat.completions.with_raw_response.create(max_tokens=300, **asked)
            return raw.headers, raw.parse().choices[0].message.content

        def ask_streamed() -> Answered:
            raw = client.chat.completions.with_raw_response.create(
                max_tokens=300, stream=True, stream_options={"include_usage": True}, **asked
            )
            chunks = list(raw.parse())
            roles = [c.choices[0].delta.role for c in chunks if c.choices]
            assert roles[0] == "assistant"
            assert chunks[-1].usage is not None
            assert chunks[-2].choices[0].finish_reason == "stop"
            said = [c.choices[0].delta.content or "" for c in chunks if c.choices]
            return raw.headers, "".join(said)

        one, other = (ask_streamed, ask_whole) if first_streamed else (ask_whole, ask_streamed)
        headers, first = one()
        assert state(headers) == "miss"
        assert until_cached(other) == first
        assert until_cached(one) == first

    @pytest.mark.parametrize("first_streamed", [True, False])
    def test_anthropic(self, claude: Anthropic, asked, *, first_streamed: bool):
        def ask_whole() -> Answered:
            raw = claude.messages.with_raw_response.create(max_tokens=300, **asked)
            return raw.headers, raw.parse()

        def ask_streamed() -> Answered:
            with claude.messages.stream(max_tokens=300, **asked) as stream:
                message = stream.get_final_message()
                return stream.response.headers, message

        one, other = (ask_streamed, ask_whole) if first_streamed else (ask_whole, ask_streamed)
        headers, first = one()
        assert state(headers) == "miss"
        for ask in (other, one):
            again = until_cached(ask)
            assert [(b.type, b.text) for b in again.content] == [
                (b.type, b.text) for b in first.content
            ]
            assert again.stop_reason == first.stop_reason == "end_turn"
            assert again.usage.output_tokens == first.usage.output_tokens
            assert again.model == first.model

    def test_openai_responses(self, client: OpenAI, asked):
        text = asked["messages"][0]["content"]

        def ask() -> Answered:
            raw = client.responses.with_raw_response.create(
                model="auto", input=text, max_output_tokens=300
            )
            return raw.headers, raw.parse()

        headers, first = ask()
        again = until_cached(ask)
        assert state(headers) == "miss"
        assert again.output_text == first.output_text
        assert again.status == first.status == "completed"

        streamed = client.responses.create(
            model="auto", input=text, max_output_tokens=300, stream=True
        )
        done = [event for event in streamed if event.type == "response.completed"]
        assert done[0].response.output_text == first.output_text
