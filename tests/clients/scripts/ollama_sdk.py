"""ollama-python."""

from __future__ import annotations

import json

import httpx
import ollama
import pytest

CAPITAL = [{"role": "user", "content": "What is the capital of France?"}]
WEATHER = [{"role": "user", "content": "What is the weather in Paris?"}]
BRIEFLY = {"num_predict": 24, "temperature": 0, "seed": 7}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}


@pytest.fixture(scope="module")
def headers(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.fixture
def client(url: str, headers: dict[str, str]):
    with ollama.Client(host=url, headers=headers) as client:
        yield client


@pytest.fixture
async def async_client(url: str, headers: dict[str, str]):
    async with ollama.AsyncClient(host=url, headers=headers) as client:
        yield client


class TestAnyModel:
    def test_a_chat(self, client: ollama.Client):
        reply = client.chat("auto", CAPITAL, options=BRIEFLY)

        assert reply.message.role == "assistant"
        assert reply.message.content
        assert reply.done
        assert reply.done_reason in {"stop", "length"}
        assert reply.created_at
        assert_counted(reply)

    def test_a_streamed_chat_says_the_same(self, client: ollama.Client):
        whole = client.chat("auto", CAPITAL, options=BRIEFLY)

        parts = list(client.chat("auto", CAPITAL, options=BRIEFLY, stream=True))

        assert "".join(part.message.content for part in parts) == whole.message.content
        assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
        assert {part.message.role for part in parts} == {"assistant"}
        assert parts[-1].done_reason == whole.done_reason
        assert_counted(parts[-1])

    async def test_the_asynchronous_client(self, async_client: ollama.AsyncClient):
        whole = await async_client.chat("auto", CAPITAL, options=BRIEFLY)
        stream = await async_client.chat("auto", CAPITAL, options=BRIEFLY, stream=True)
        texts = [part.message.content async for part in stream]

        assert "".join(texts) == whole.message.content

    def test_a_text_is_generated(self, client: ollama.Client):
        whole = client.generate("auto", "The capital of France is", options=BRIEFLY)

        parts = list(
            client.generate("auto", "The capital of France is", options=BRIEFLY, stream=True)
        )

        assert whole.response
        assert whole.done
        assert_counted(whole)
        assert "".join(part.response for part in parts) == whole.response
        assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
        assert_counted(parts[-1])

    def test_a_limit_of_tokens_is_kept_to(self, client: ollama.Client):
        reply = client.chat("auto", CAPITAL, options={"num_predict": 2})

        assert reply.done_reason == "length"
        assert reply.eval_count <= 2

    def test_models_are_listed_and_described(self, client: ollama.Client):
        assert "auto" in [model.model for model in client.list().models]

        shown = client.show("auto")

        assert "completion" in shown.capabilities
        assert shown.modelinfo is not None
        assert shown.details is not None

    def test_what_runs_is_listed(self, client: ollama.Client):
        assert all(model.model and model.expires_at for model in client.ps().models)

    def test_the_version_is_told(self, url: str, headers: dict[str, str]):
        answer = httpx.get(f"{url}/api/version", headers=headers)

        assert answer.status_code == 200
        assert answer.json()["version"]

    def test_an_unknown_model_is_not_found(self, client: ollama.Client):
        refused = [
            lambda: client.chat("none", CAPITAL),
            lambda: list(client.chat("none", CAPITAL, stream=True)),
            lambda: client.generate("none", "Hi"),
            lambda: client.show("none"),
            lambda: client.embed("none", "Hi"),
        ]
        for ask in refused:
            with pytest.raises(ollama.ResponseError) as refusal:
                ask()
            assert refusal.value.status_code == 404
            assert isinstance(refusal.value.error, str)
            assert "none" in refusal.value.error

    def test_a_wrong_key_is_refused(self, url: str):
        with (
            ollama.Client(host=url, headers={"authorization": "Bearer another"}) as stranger,
            pytest.raises(ollama.ResponseError) as refusal,
        ):
            stranger.chat("auto", CAPITAL)

        assert refusal.value.status_code == 401
        assert isinstance(refusal.value.error, str)


class TestScriptedModel:
    def test_a_tool_is_called_and_its_result_is_used(self, client: ollama.Client):
        called = client.chat("auto", WEATHER, tools=[get_weather])

        [call] = called.message.tool_calls
        assert call.function.name == "get_weather"
        assert list(call.function.arguments) == ["city"]

        answer = client.chat("auto", answered(called.message), tools=[get_weather])

        assert "The tool get_weather returned: 21 degrees" in answer.message.content

    def test_a_tool_is_called_in_a_stream(self, client: ollama.Client):
        parts = list(client.chat("auto", WEATHER, tools=[get_weather], stream=True))

        [call] = [call for part in parts for call in part.message.tool_calls or ()]
        assert call.function.name == "get_weather"
        assert list(call.function.arguments) == ["city"]
        assert parts[-1].done

    def test_a_schema_is_kept_to(self, client: ollama.Client):
        chatted = client.chat("auto", [{"role": "user", "content": "Who?"}], format=PERSON)
        generated = client.generate("auto", "Who?", format=PERSON)

        for text in (chatted.message.content, generated.response):
            person = json.loads(text)
            assert isinstance(person["name"], str)
            assert isinstance(person["age"], int)

    def test_texts_are_embedded(self, client: ollama.Client):
        one = client.embed("embedder", "Paris")
        two = client.embed("embedder", ["Paris", "Berlin"])

        assert one.embeddings[0] == two.embeddings[0] != two.embeddings[1]
        assert one.prompt_eval_count > 0


def get_weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: its name

    Returns:
        what it is like

    """
    return f"21 degrees in {city}"


def answered(calling: ollama.Message) -> list[dict[str, object] | ollama.Message]:
    """The conversation after the tool that was called has given its result."""
    result = {"role": "tool", "tool_name": "get_weather", "content": "21 degrees"}
    return [*WEATHER, calling, result]


def assert_counted(reply: ollama.ChatResponse | ollama.GenerateResponse) -> None:
    """The counts of a reply's end."""
    assert reply.prompt_eval_count > 0
    assert reply.eval_count > 0
    assert reply.total_duration is not None
