"""openai-python beyond chat: responses, completions and embeddings, strict about every type."""

from __future__ import annotations

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

GREETING = "Hello! This is a scripted reply; no model was asked."
WEATHER = "What is the weather in Paris?"
GET_WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


@pytest.fixture
def client(url: str, key: str):
    with OpenAI(
        base_url=f"{url}/v1", api_key=key, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
async def async_client(url: str, key: str):
    async with AsyncOpenAI(
        base_url=f"{url}/v1", api_key=key, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
def lenient(url: str, key: str):
    """Embeddings come packed where nobody asks otherwise, which the strict types know nothing of."""
    with OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client:
        yield client


class TestAnyModel:
    def test_a_response(self, client: OpenAI):
        response = client.responses.create(
            model="auto", input="What is the capital of France?", max_output_tokens=24
        )

        assert response.output_text
        assert response.status in {"completed", "incomplete"}
        assert response.usage.input_tokens > 0
        assert response.usage.output_tokens > 0

    def test_a_text_is_completed(self, client: OpenAI, url: str, key: str):
        asked = {"model": "auto", "prompt": "The capital of France is", "max_tokens": 8}
        whole = client.completions.create(temperature=0, seed=7, **asked)
        # Its own type has no room for the null that OpenAI sends before a stream's end.
        with OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as lenient:
            chunks = list(lenient.completions.create(temperature=0, seed=7, stream=True, **asked))

        texts = [choice.text for chunk in chunks for choice in chunk.choices]
        assert whole.choices[0].text
        assert "".join(texts) == whole.choices[0].text
        assert whole.usage.completion_tokens <= 8

    def test_an_unknown_model_is_not_found(self, client: OpenAI):
        refused = [
            lambda: client.responses.create(model="none", input="Hi"),
            lambda: client.responses.create(model="none", input="Hi", stream=True),
            lambda: client.completions.create(model="none", prompt="Hi"),
            lambda: client.embeddings.create(model="none", input="Hi"),
        ]
        for ask in refused:
            with pytest.raises(openai.NotFoundError) as refusal:
                ask()
            assert refusal.value.code == "model_not_found"


class TestScriptedModel:
    def test_a_stream_puts_together_a_response(self, client: OpenAI):
        with client.responses.stream(model="auto", input="Hi there") as stream:
            events = list(stream)
            response = stream.get_final_response()

        assert response.output_text == GREETING
        assert response.usage.output_tokens > 0
        assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
        assert events[-1].type == "response.completed"
        numbers = [event.sequence_number for event in events if hasattr(event, "sequence_number")]
        assert numbers == sorted(set(numbers))

    async def test_the_asynchronous_client(self, async_client: AsyncOpenAI):
        response = await async_client.responses.create(model="auto", input="Hi there")
        async with async_client.responses.stream(model="auto", input="Hi there") as stream:
            streamed = await stream.get_final_response()

        assert response.output_text == streamed.output_text == GREETING

    @pytest.mark.parametrize("streamed", [False, True])
    def test_a_tool_is_called_and_its_result_is_used(self, client: OpenAI, *, streamed: bool):
        asked = {"model": "auto", "tools": [GET_WEATHER]}
        if streamed:
            with client.responses.stream(input=WEATHER, **asked) as stream:
                called = stream.get_final_response()
        else:
            called = client.responses.create(input=WEATHER, **asked)

        call = called.output[-1]
        assert (call.type, call.name) == ("function_call", "get_weather")
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees"}
        answer = client.responses.create(
            input=[{"role": "user", "content": WEATHER}, *called.output, result], **asked
        )
        assert "The tool get_weather returned: 21 degrees" in answer.output_text

    def test_output_is_structured(self, client: OpenAI):
        response = client.responses.parse(model="auto", input="Who?", text_format=Person)

        assert isinstance(response.output_parsed, Person)

    def test_texts_are_embedded_in_both_encodings(self, client: OpenAI, lenient: OpenAI):
        asked = {"model": "embedder", "input": ["Paris", "Berlin"]}
        packed = lenient.embeddings.create(**asked)
        plain = client.embeddings.create(encoding_format="float", **asked)

        assert [each.index for each in packed.data] == [0, 1]
        assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding)
        assert packed.usage.prompt_tokens > 0

    def test_tokens_are_embedded(self, lenient: OpenAI):
        made = lenient.embeddings.create(model="embedder", input=[[40, 716], [2874]])

        assert len(made.data) == 2
