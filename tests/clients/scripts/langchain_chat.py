"""LangChain's models: OpenAI's chat and responses, and Anthropic's messages."""

from __future__ import annotations

import anthropic
import openai
import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

KINDS = ["chat", "responses", "messages"]
GREETING = "Hello! This is a scripted reply; no model was asked."
WEATHER = HumanMessage("What is the weather in Paris?")


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


@tool
def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"21 degrees in {city}"


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest, url: str, key: str) -> BaseChatModel:
    return a_model(request.param, "auto", url, key)


def a_model(kind: str, name: str, url: str, key: str) -> BaseChatModel:
    """The model `name` in one of LangChain's guises."""
    if kind == "messages":
        return ChatAnthropic(model=name, base_url=url, api_key=key, max_retries=0, max_tokens=256)
    return ChatOpenAI(
        model=name,
        base_url=f"{url}/v1",
        api_key=key,
        max_retries=0,
        stream_usage=True,
        use_responses_api=kind == "responses",
    )


class TestScriptedModel:
    def test_it_answers(self, model: BaseChatModel):
        message = model.invoke("Hi there")

        assert message.text == GREETING
        assert message.usage_metadata["input_tokens"] > 0
        assert message.usage_metadata["output_tokens"] > 0

    def test_a_stream_adds_up(self, model: BaseChatModel):
        first, *others = model.stream("Hi there")
        whole = sum(others, start=first)

        assert whole.text == GREETING
        again = model.invoke("Hi there").usage_metadata  # out of the cache
        for count in ("input_tokens", "output_tokens", "total_tokens"):
            assert whole.usage_metadata[count] == again[count]

    async def test_it_answers_asynchronously(self, model: BaseChatModel):
        assert (await model.ainvoke("Hi there")).text == GREETING
        assert "".join([chunk.text async for chunk in model.astream("Hi there")]) == GREETING

    @pytest.mark.parametrize("streamed", [False, True])
    def test_a_tool_is_called_and_its_result_is_used(self, model: BaseChatModel, *, streamed: bool):
        able = model.bind_tools([get_weather])

        called = summed(able, [WEATHER]) if streamed else able.invoke([WEATHER])

        [call] = called.tool_calls
        result = get_weather.invoke(call)
        assert isinstance(result, ToolMessage)
        answer = able.invoke([WEATHER, called, result])
        assert "The tool get_weather returned: 21 degrees" in answer.text

    def test_output_is_structured(self, model: BaseChatModel):
        person = model.with_structured_output(Person).invoke("Who?")

        assert isinstance(person, Person)

    @pytest.mark.parametrize("kind", KINDS)
    def test_an_unknown_model_is_not_found(self, kind: str, url: str, key: str):
        with pytest.raises((openai.NotFoundError, anthropic.NotFoundError)):
            a_model(kind, "none", url, key).invoke("Hi")

    def test_texts_are_embedded(self, url: str, key: str):
        # Its token counter would fetch a vocabulary, which is not there without a network.
        embedder = OpenAIEmbeddings(
            model="embedder", base_url=f"{url}/v1", api_key=key, check_embedding_ctx_length=False
        )

        one, two = embedder.embed_documents(["Paris", "Berlin"])

        assert embedder.embed_query("Paris") == one != two


def summed(model: BaseChatModel, messages: list[HumanMessage]) -> AIMessage:
    """A streamed message, put together."""
    first, *others = model.stream(messages)
    return sum(others, start=first)
