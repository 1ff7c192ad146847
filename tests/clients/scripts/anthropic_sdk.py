"""anthropic-python, strict about every type it gets."""

from __future__ import annotations

import json

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic, beta_tool

CAPITAL = [{"role": "user", "content": "What is the capital of France?"}]
WEATHER = [{"role": "user", "content": "What is the weather in Paris?"}]
GET_WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
ASKED = {"model": "auto", "max_tokens": 24, "messages": CAPITAL}
OFFERED = {"model": "auto", "max_tokens": 256, "messages": WEATHER, "tools": [GET_WEATHER]}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
def client(url: str, key: str):
    with Anthropic(
        base_url=url, api_key=key, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
async def async_client(url: str, key: str):
    async with AsyncAnthropic(
        base_url=url, api_key=key, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


class TestAnyModel:
    def test_a_message(self, client: Anthropic):
        message = client.messages.create(**ASKED)

        assert (message.type, message.role) == ("message", "assistant")
        assert [block.type for block in message.content] == ["text"]
        assert message.content[0].text
        assert message.stop_reason in {"end_turn", "max_tokens"}
        assert message.usage.input_tokens > 0
        assert message.usage.output_tokens > 0
        assert message._request_id

    def test_a_stream_puts_together_a_message(self, client: Anthropic):
        with client.messages.stream(**ASKED) as stream:
            text = "".join(stream.text_stream)
            message = stream.get_final_message()

        assert text
        assert text == message.content[0].text
        assert message.stop_reason in {"end_turn", "max_tokens"}
        assert message.usage.input_tokens > 0
        assert message.usage.output_tokens > 0

    def test_a_streams_events_are_in_order(self, client: Anthropic):
        events = [event.type for event in client.messages.create(stream=True, **ASKED)]

        inner = [event for event in events[3:-2] if event != "content_block_delta"]
        assert events[:3] == ["message_start", "content_block_start", "content_block_delta"]
        assert inner == ["content_block_stop"]
        assert events[-2:] == ["message_delta", "message_stop"]

    async def test_the_asynchronous_client(self, async_client: AsyncAnthropic):
        message = await async_client.messages.create(**ASKED)
        async with async_client.messages.stream(**ASKED) as stream:
            streamed = await stream.get_final_message()

        assert message.content[0].text
        assert streamed.content[0].text

    def test_a_limit_of_tokens_is_kept_to(self, client: Anthropic):
        message = client.messages.create(**{**ASKED, "max_tokens": 2})

        assert message.stop_reason == "max_tokens"
        assert message.usage.output_tokens <= 2

    def test_tokens_are_counted_before_they_are_paid(self, client: Anthropic):
        counted = client.messages.count_tokens(model="auto", messages=CAPITAL)
        more = client.messages.count_tokens(
            model="auto", messages=CAPITAL, system="Answer in verse.", tools=[GET_WEATHER]
        )

        assert 0 < counted.input_tokens < more.input_tokens

    def test_models_are_listed_in_anthropics_shape(self, client: Anthropic):
        models = list(client.models.list(limit=20))

        assert "auto" in [model.id for model in models]
        assert {model.type for model in models} == {"model"}
        assert all(model.display_name for model in models)
        assert client.models.retrieve("auto").id == "auto"

    async def test_models_are_listed_asynchronously(self, async_client: AsyncAnthropic):
        assert "auto" in [model.id async for model in async_client.models.list()]

    def test_an_unknown_model_is_not_found(self, client: Anthropic):
        unknown = {**ASKED, "model": "claude-none"}
        refused = [
            lambda: client.messages.create(**unknown),
            lambda: client.messages.create(stream=True, **unknown),
            lambda: client.messages.count_tokens(model="claude-none", messages=CAPITAL),
            lambda: client.models.retrieve("claude-none"),
        ]
        for ask in refused:
            with pytest.raises(anthropic.NotFoundError) as refusal:
                ask()
            assert refusal.value.body["type"] == "error"
            assert refusal.value.body["error"]["type"] == "not_found_error"
            assert refusal.value.body["request_id"] == refusal.value.request_id
            assert refusal.value.request_id

    def test_what_is_wrong_is_named(self, client: Anthropic):
        unlimited = {name: value for name, value in ASKED.items() if name != "max_tokens"}

        with pytest.raises(anthropic.BadRequestError, match="max_tokens") as refusal:
            client.post("/v1/messages", body=unlimited, cast_to=object)

        assert refusal.value.body["error"]["type"] == "invalid_request_error"

    def test_a_wrong_key_is_refused(self, url: str):
        with (
            Anthropic(base_url=url, api_key="another", max_retries=0) as stranger,
            pytest.raises(anthropic.AuthenticationError) as refusal,
        ):
            stranger.messages.create(**ASKED)

        assert refusal.value.body["error"]["type"] == "authentication_error"


class TestScriptedModel:
    def test_a_tool_is_called_and_its_result_is_used(self, client: Anthropic):
        called = client.messages.create(**OFFERED)

        use = called.content[-1]
        assert called.stop_reason == "tool_use"
        assert (use.type, use.name, list(use.input)) == ("tool_use", "get_weather", ["city"])

        answer = client.messages.create(**{**OFFERED, "messages": answered(called.content)})

        assert answer.stop_reason == "end_turn"
        assert "The tool get_weather returned: 21 degrees" in answer.content[0].text

    def test_a_tool_is_called_in_a_stream(self, client: Anthropic):
        with client.messages.stream(**OFFERED) as stream:
            fragments = [event.partial_json for event in stream if event.type == "input_json"]
            called = stream.get_final_message()

        use = called.content[-1]
        assert called.stop_reason == "tool_use"
        assert (use.type, use.name, list(use.input)) == ("tool_use", "get_weather", ["city"])
        assert json.loads("".join(fragments)) == use.input

        with client.messages.stream(
            **{**OFFERED, "messages": answered(called.content)}
        ) as answering:
            assert "get_weather returned: 21 degrees" in answering.get_final_text()

    async def test_a_tool_is_called_asynchronously(self, async_client: AsyncAnthropic):
        async with async_client.messages.stream(**OFFERED) as stream:
            called = await stream.get_final_message()
        answer = await async_client.messages.create(
            **{**OFFERED, "messages": answered(called.content)}
        )

        assert "get_weather returned: 21 degrees" in answer.content[0].text

    def test_the_tool_runner_runs_its_course(self, client: Anthropic):
        @beta_tool
        def get_weather(city: str) -> str:
            """The weather in a city."""
            return f"21 degrees in {city}"

        runner = client.beta.messages.tool_runner(
            model="auto", max_tokens=256, messages=WEATHER, tools=[get_weather]
        )

        assert "get_weather returned: 21 degrees" in runner.until_done().content[0].text

    @pytest.mark.parametrize(
        ("choice", "stop_reason"),
        [
            ({"type": "any"}, "tool_use"),
            ({"type": "tool", "name": "get_weather"}, "tool_use"),
            ({"type": "none"}, "end_turn"),
        ],
    )
    def test_a_choice_of_tools_is_respected(
        self, client: Anthropic, choice: dict[str, str], stop_reason: str
    ):
        message = client.messages.create(tool_choice=choice, **OFFERED)

        assert message.stop_reason == stop_reason

    def test_blocks_images_and_stop_sequences_arrive(self, client: Anthropic):
        image = {"type": "base64", "media_type": "image/png", "data": PIXEL}
        message = client.messages.create(
            model="auto",
            max_tokens=64,
            system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Describe it."},
                        {"type": "image", "source": image},
                    ],
                }
            ],
            stop_sequences=["1 image"],
        )

        assert message.content[0].text.startswith('I have read "Describe it."')
        assert message.content[0].text.endswith("It came with ")


def answered(content: list[anthropic.types.ContentBlock]) -> list[dict[str, object]]:
    """The conversation after the tool that `content` calls has given its result."""
    result = {"type": "tool_result", "tool_use_id": content[-1].id, "content": "21 degrees"}
    return [
        *WEATHER,
        {"role": "assistant", "content": content},
        {"role": "user", "content": [result]},
    ]
