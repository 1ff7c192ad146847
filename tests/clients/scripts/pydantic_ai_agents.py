"""Agents of Pydantic AI, over OpenAI's chat and responses."""

from __future__ import annotations

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.output import NativeOutput, ToolOutput
from pydantic_ai.providers.openai import OpenAIProvider

KINDS = {"chat": OpenAIChatModel, "responses": OpenAIResponsesModel}
GREETING = "Hello! This is a scripted reply; no model was asked."


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


@pytest.fixture
def provider(url: str, key: str) -> OpenAIProvider:
    return OpenAIProvider(base_url=f"{url}/v1", api_key=key)


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest, provider: OpenAIProvider) -> Model:
    return KINDS[request.param]("auto", provider=provider)


class TestScriptedModel:
    async def test_an_agent_answers(self, model: Model):
        result = await Agent(model).run("Hi there")

        assert result.output == GREETING
        assert result.usage.input_tokens > 0
        assert result.usage.output_tokens > 0

    async def test_an_agent_streams(self, model: Model):
        async with Agent(model).run_stream("Hi there") as result:
            texts = [text async for text in result.stream_text(delta=True, debounce_by=None)]

        assert len(texts) > 1
        assert "".join(texts) == GREETING

    @pytest.mark.parametrize("streamed", [False, True])
    async def test_a_tool_is_called_and_its_result_is_used(self, model: Model, *, streamed: bool):
        agent = Agent(model)
        cities = []

        @agent.tool_plain
        def get_weather(city: str) -> str:
            """Tell the weather in a city."""
            cities.append(city)
            return "21 degrees"

        if streamed:
            async with agent.run_stream("What is the weather in Paris?") as result:
                answer = await result.get_output()
        else:
            answer = (await agent.run("What is the weather in Paris?")).output

        assert len(cities) == 1
        assert "The tool get_weather returned: 21 degrees" in answer

    @pytest.mark.parametrize("kind", [ToolOutput, NativeOutput])
    async def test_output_is_structured(self, model: Model, kind: type):
        result = await Agent(model, output_type=kind(Person)).run("Who?")

        assert isinstance(result.output, Person)

    @pytest.mark.parametrize("kind", KINDS)
    async def test_an_unknown_model_is_not_found(self, kind: str, provider: OpenAIProvider):
        agent = Agent(KINDS[kind]("none", provider=provider))

        with pytest.raises(ModelHTTPError) as refusal:
            await agent.run("Hi")

        assert refusal.value.status_code == 404
        assert refusal.value.body["code"] == "model_not_found"
