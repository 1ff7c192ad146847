"""Deployments of one tier share its load."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.gateway import FRESH, Gateway, StartGateway
from tests.support.served import eventually

from pointsman.config import ModelSettings, Settings
from pointsman.providers.scripted import Script


async def gateway_over(start: StartGateway, **weights: float) -> Gateway:
    """Deployments of the lowest tier, by name and weight."""
    models = {
        name: ModelSettings(provider="scripted", model=name, weight=weight)
        for name, weight in weights.items()
    }
    return await start(Settings(home=Path("nowhere"), cache=FRESH, models=models))


async def served(gateway: Gateway, times: int, **more: object) -> Counter[str]:
    replies = [await gateway.chat(**more) for _ in range(times)]
    return Counter(reply.headers["x-pointsman-model"] for reply in replies)


@asynccontextmanager
async def busy(gateway: Gateway, deployment: str) -> AsyncIterator[None]:
    """One request that does not end."""
    gateway.tell(deployment, Script(stall_after_chunks=0))
    provider = gateway.tell(deployment)
    endless = asyncio.create_task(gateway.chat(model=deployment))
    await eventually(
        lambda: provider.log and provider.log[-1].outcome == "stalled", f"{deployment} is busy"
    )
    try:
        yield
    finally:
        endless.cancel()
        await asyncio.wait([endless])


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ({"a": 3, "b": 1}, {"a": 225, "b": 75}),
        ({"a": 1, "b": 1, "c": 1}, {"a": 100, "b": 100, "c": 100}),
        ({"a": 0.5, "b": 0.25}, {"a": 200, "b": 100}),
    ],
)
async def test_the_load_is_shared_by_weight(
    start: StartGateway, weights: dict[str, float], shares: dict[str, int]
) -> None:
    gateway = await gateway_over(start, **weights)

    got = await served(gateway, 300)

    assert all(abs(got.get(name, 0) - share) <= 3 for name, share in shares.items())


async def test_no_run_of_requests_goes_to_one_alone(start: StartGateway) -> None:
    gateway = await gateway_over(start, a=3, b=1)

    for _ in range(10):
        assert await served(gateway, 4) == {"a": 3, "b": 1}


async def test_many_at_once_are_spread(start: StartGateway) -> None:
    gateway = await gateway_over(start, a=1, b=1)

    replies = await asyncio.gather(*(gateway.chat() for _ in range(50)))

    shares = Counter(reply.headers["x-pointsman-model"] for reply in replies)
    assert abs(shares["a"] - shares["b"]) <= 10


async def test_who_is_busy_gets_fewer(start: StartGateway) -> None:
    gateway = await gateway_over(start, a=1, b=1)

    async with busy(gateway, "a"):
        assert await served(gateway, 10) == {"b": 10}


async def test_without_weight_it_is_for_when_no_other_is_left(start: StartGateway) -> None:
    gateway = await gateway_over(start, spare=0, main=1)
    assert await served(gateway, 10) == {"main": 10}

    async with busy(gateway, "main"):
        assert await served(gateway, 3) == {"main": 3}

    gateway.tell("main", *[Script(status=500)] * 3)
    assert (await served(gateway, 3))["spare"] >= 1


async def test_a_session_stays_where_it_is(start: StartGateway) -> None:
    gateway = await gateway_over(start, a=1, b=1)
    session = {"x-session-id": "s1"}

    first = await served(gateway, 1, headers=session)
    await served(gateway, 3)
    again = await served(gateway, 10, headers=session)

    assert set(again) == set(first)


async def test_another_tier_has_its_own_share(start: StartGateway) -> None:
    gateway = await start(
        Settings(
            home=Path("nowhere"),
            models={
                "a": ModelSettings(provider="scripted", model="a"),
                "b": ModelSettings(provider="scripted", model="b", tier="complex"),
            },
        )
    )

    assert await served(gateway, 10, model="simple") == {"a": 10}


async def test_within_a_tier_the_cheaper_one_serves_and_equals_share(start: StartGateway) -> None:
    def priced(output: int) -> ModelSettings:
        price = {"input": 1, "output": output}
        return ModelSettings(provider="scripted", model="m", location="cloud", price=price)

    models = {"dear": priced(9), "one": priced(2), "other": priced(2)}
    gateway = await start(Settings(home=Path("nowhere"), cache=FRESH, models=models))

    assert await served(gateway, 10) == {"one": 5, "other": 5}


async def test_a_strong_model_of_ones_own_serves_what_a_small_one_would_cost(
    start: StartGateway,
) -> None:
    small = ModelSettings(
        provider="scripted",
        model="small",
        tier="simple",
        location="cloud",
        price={"input": 1, "output": 1},
    )
    own = ModelSettings(provider="scripted", model="own", tier="complex")
    gateway = await start(
        Settings(home=Path("nowhere"), cache=FRESH, models={"small": small, "own": own})
    )

    reply = await gateway.chat("What is Python?")

    assert reply.headers["x-pointsman-model"] == "own"
    assert "own costs less than small" in reply.headers["x-pointsman-reason"]
    assert await served(gateway, 3, model="simple") == {"small": 3}


async def test_a_share_of_the_traffic_goes_up(start: StartGateway) -> None:
    routing = {"scorer": "heuristic", "escalate": {"share": 0.2}}
    models = {
        "small": ModelSettings(provider="scripted", model="small", tier="simple"),
        "strong": ModelSettings(provider="scripted", model="strong", tier="complex"),
    }
    gateway = await start(
        Settings(home=Path("nowhere"), cache=FRESH, models=models, routing=routing)
    )

    got = await served(gateway, 200)  # all the same question

    assert abs(got["strong"] - 40) <= 10
