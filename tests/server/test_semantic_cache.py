"""A prompt that means the same, through the public surface: who has whose reply, and why not."""

import asyncio

import pytest
from tests.gateway import Gateway, StartGateway, two_tiers
from tests.support.cached import ask, said, state

from pointsman.config import CacheSettings
from pointsman.embedding.scripted import ScriptedEmbedder
from pointsman.errors import CacheUnavailable
from pointsman.providers.scripted import Script

GROUPS = [
    ["What is a cat?", "Tell me what a cat is, please"],
    ["How do I enable dark mode?", "How do I disable dark mode?"],
]


async def similar(start: StartGateway, mode: str, **more: object) -> Gateway:
    settings = two_tiers(
        cache=CacheSettings(semantic=mode, uncalibrated=True, min_similarity=0.9, **more)
    )
    return await start(settings, embedder=ScriptedEmbedder(GROUPS))


async def test_a_prompt_that_means_the_same_has_the_same_reply(start: StartGateway):
    gateway = await similar(start, "on", recheck=0)
    weak = gateway.tell("weak", Script(reply="An animal."))
    first = await ask(gateway, GROUPS[0][0])
    second = await ask(gateway, GROUPS[0][1])
    assert (state(first), state(second)) == ("miss", "semantic")
    assert "similarity=0.9" in second.headers["x-pointsman-cache"]
    assert said(second) == said(first)
    assert len(weak.log) == 1
    record = await gateway.record(second)
    assert record["lookup"]["similarity"] > 0.9
    assert "means the same" in record["reason"]


async def test_enable_and_disable_are_near_and_not_the_same(start: StartGateway):
    gateway = await similar(start, "on")
    weak = gateway.tell("weak", Script(reply="Press the button."))
    await ask(gateway, GROUPS[1][0])
    second = await ask(gateway, GROUPS[1][1])
    assert state(second) == "miss"
    assert (await gateway.record(second))["lookup"]["reason"] == "guard: antonym"
    assert len(weak.log) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"temperature": 1.5},
        {"logprobs": True},
        {
            "messages": [
                {"role": "system", "content": "Speak like a cat."},
                {"role": "user", "content": GROUPS[0][1]},
            ]
        },
        {"headers": {"x-pointsman-cache": "exact"}},
        {"headers": {"x-pointsman-cache": "min-similarity=0.999"}},
        {"headers": {"x-pointsman-cache": "max-age=0"}},
    ],
)
async def test_only_alone_is_it_the_same(start: StartGateway, change: dict[str, object]):
    gateway = await similar(start, "on")
    first = {name: value for name, value in change.items() if name not in {"messages", "headers"}}
    await ask(gateway, GROUPS[0][0], **first)
    await asyncio.sleep(0)
    if "max-age" in str(change):
        return
    assert state(await ask(gateway, GROUPS[0][1], **change)) == "miss"


@pytest.mark.parametrize(
    ("mode", "wish", "second"),
    [
        ("off", "semantic", "miss"),
        ("asked", "", "miss"),
        ("asked", "semantic", "semantic"),
        ("shadow", "semantic", "miss"),
        ("on", "", "semantic"),
    ],
)
async def test_by_choice(start: StartGateway, mode: str, wish: str, second: str):
    gateway = await similar(start, mode, recheck=0)
    headers = {"x-pointsman-cache": wish} if wish else {}
    await ask(gateway, GROUPS[0][0], headers=headers)
    assert state(await ask(gateway, GROUPS[0][1], headers=headers)) == second


async def test_shadow_mode_writes_down_what_would_have_been(start: StartGateway):
    gateway = await similar(start, "shadow")
    gateway.tell("weak", Script(reply="An animal."), Script(reply="An animal, as I said."))
    await ask(gateway, GROUPS[0][0])
    second = await ask(gateway, GROUPS[0][1])
    assert said(second)["content"] == "An animal, as I said."
    lookup = (await gateway.record(second))["lookup"]
    assert (lookup["state"], lookup["shadow"]) == ("miss", True)
    assert lookup["similarity"] > 0.9


class _Down:
    """An embedder whose weights are missing."""

    name = "scripted"
    window = 256

    async def embed(self, _text: str) -> None:
        raise CacheUnavailable("no weights")

    async def align(self, _a: str, _b: str) -> None:
        raise CacheUnavailable("no weights")


async def test_without_its_embedder_the_exact_tier_goes_on(start: StartGateway):
    settings = two_tiers(cache=CacheSettings(semantic="on", uncalibrated=True, min_similarity=0.9))
    gateway = await start(settings, embedder=_Down())
    states = [state(await ask(gateway, "What is a cat?")) for _ in range(3)]
    assert states == ["miss", "exact", "exact"]


async def test_a_long_prompt_of_nothing_holds_nobody_up(start: StartGateway):
    gateway = await similar(start, "on")
    prompt = "\n" * 20_000 + "What is a cat?"
    reply = await ask(gateway, prompt)
    assert (await gateway.record(reply))["lookup"]["reason"] == "long"
