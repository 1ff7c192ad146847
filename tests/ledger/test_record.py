"""What an upstream says of its own reply, in the books: cost, model, cache, what it was not told."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import httpx2
import pytest
from tests.gateway import Gateway
from tests.support.upstreams import Recorder

from pointsman.app import App
from pointsman.config import ModelSettings, PriceSettings, Settings

PRICE = PriceSettings(input=4, output=20, cached=1, written=5)
USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 100,
    "total_tokens": 1100,
    "prompt_tokens_details": {"cached_tokens": 300, "cache_write_tokens": 500},
    "cost": 0.00123,
}


@pytest.fixture
def upstream() -> Iterator[Recorder]:
    with Recorder() as made:
        yield made


def answers(upstream: Recorder, usage: object = USAGE, model: str = "some/model") -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}}
    upstream.reply = json.dumps(
        {"model": model, "choices": [{**choice, "finish_reason": "stop"}], "usage": usage}
    ).encode()


@asynccontextmanager
async def over(upstream: Recorder, **model: object) -> AsyncIterator[Gateway]:
    """A gateway with one deployment, at that upstream."""
    facts = {"model": "some/model", "base_url": upstream.base_url, "location": "cloud", **model}
    settings = Settings(home=Path("nowhere"), models={"only": ModelSettings(**facts)})
    app = App(settings, environment={})
    await app.start(in_memory=True)
    transport = httpx2.ASGITransport(app=app.asgi())
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield Gateway(app, client)
    await app.close()


async def test_what_openrouter_says_it_cost_is_what_it_cost(upstream: Recorder) -> None:
    answers(upstream)
    async with over(upstream, provider="openrouter") as gateway:
        reply = await gateway.chat()
        record = await gateway.record(reply)

    assert reply.headers["x-pointsman-cost"] == "0.00123"
    assert Decimal(str(record["cost"])) == Decimal("0.00123")
    assert Decimal(str(record["usage"]["stated_cost"])) == Decimal("0.00123")


@pytest.mark.parametrize(
    "model",
    [
        {"provider": "openai-compatible", "price": PRICE},  # anybody may say so
        {"provider": "openrouter", "price": PRICE},  # what the configuration says comes first
    ],
)
async def test_else_its_tokens_are_priced(upstream: Recorder, model: dict[str, object]) -> None:
    answers(upstream)
    async with over(upstream, **model) as gateway:
        reply = await gateway.chat()
        record = await gateway.record(reply)

    # 200 fresh at $4, 300 read at $1, 500 written at $5, 100 out at $20 per million.
    assert reply.headers["x-pointsman-cost"] == "0.0056"
    assert (record["usage"]["cached_tokens"], record["usage"]["written_tokens"]) == (300, 500)


@pytest.mark.parametrize("cost", [-1, "NaN", 1e12, True, None, {}, "much"])
async def test_an_absurd_cost_is_no_cost_and_the_tokens_count(
    upstream: Recorder, cost: object
) -> None:
    answers(upstream, {**USAGE, "cost": cost})
    async with over(upstream, provider="openrouter") as gateway:
        record = await gateway.record(await gateway.chat())

    assert record["usage"]["stated_cost"] is None
    assert record["usage"]["input_tokens"] == 1000
    assert record["cost"] is None  # genai-prices does not know the model


async def test_who_served_it_and_what_it_was_not_told(upstream: Recorder) -> None:
    answers(upstream, model="some/other")
    async with over(
        upstream, provider="openai-compatible", drop_params=frozenset({"seed"})
    ) as gateway:
        reply = await gateway.chat(seed=7)
        record = await gateway.record(reply)

    assert reply.headers["x-pointsman-left-out"] == "seed"
    [attempt] = record["attempts"]
    assert (attempt["served_model"], attempt["left_out"]) == ("some/other", ["seed"])
