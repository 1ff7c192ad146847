"""Canaries: every reply says for whom and in what surroundings it was made. No other ever sees it."""

import json
import random
from datetime import timedelta

import pytest
from msgspec.structs import replace

from pointsman.cache.content import Kept, encode
from pointsman.cache.identity import identify
from pointsman.cache.lookup import Cache
from pointsman.cache.rules import Rule, Rules
from pointsman.cache.semantic import Semantic
from pointsman.cache.truth import Truth
from pointsman.cache.versions import Versions
from pointsman.cache.words import hashes
from pointsman.clock import ManualClock
from pointsman.conversation import Choice, ModelReply, Text
from pointsman.embedding.scripted import ScriptedEmbedder
from pointsman.formats.registry import CLIENTS
from pointsman.storage.cache_memory import MemoryCache
from pointsman.telemetry.decisions import SilentObserver
from pointsman.types import CachedReply, Call, Near, Principal, Target, Usage

PROMPTS = [
    [f"{ask} {thing}?" for ask in ("What is", "Tell me, what is", "Explain what is")]
    for thing in ("a cat", "a boat", "the sea", "an oak", "a verb")
]
ORGANISATIONS = [f"organisation {i}" for i in range(25)]
KEYS = ["key_1", "key_2", "key_3"]
SYSTEMS = ["You are terse.", "You are terse!", "You are  terse.", ""]
HISTORIES = ["", "Hello", "Hello.", "hello"]
TOOLS = [None, {"type": "json_object"}]
TARGETS = [Target("auto", "auto"), Target("tier", "simple"), Target("deployment", "weak")]
EPOCHS = ["", "2"]


class NoGuard:
    """Objects to nothing: what keeps tenants apart must not hang on a guard."""

    def objection(self, _a: str, _b: str) -> None:
        return None


class World:
    """One store, and a stage for each epoch in force."""

    def __init__(self, *, shared: bool) -> None:
        self.clock = ManualClock()
        self.store = MemoryCache()
        embedder = ScriptedEmbedder([[text for group in PROMPTS for text in group]])
        self.embedder = embedder
        self.stages = {
            epoch: Cache(
                rules=Rules(default=Rule(semantic="on"), shared=shared, epoch=epoch),
                store=self.store,
                semantic=Semantic(
                    index=self.store, embedder=embedder, guard=NoGuard(), verifier=None, floor=0.5
                ),
                truth=Truth(bound=0.05, threshold=0.5),
                versions=Versions({"weak": "v1"}),
                clock=self.clock,
                observer=SilentObserver(),
            )
            for epoch in EPOCHS
        }

    def call(self, pick: random.Random) -> tuple[Call, Target, str, str]:
        """Somebody asks something: the call, its target, its epoch and its canary."""
        principal = Principal(pick.choice(ORGANISATIONS), pick.choice(KEYS))
        system, before, tools = pick.choice(SYSTEMS), pick.choice(HISTORIES), pick.choice(TOOLS)
        target, epoch = pick.choice(TARGETS), pick.choice(EPOCHS)
        temperature = pick.choice([None, 0.1, 0.2])
        messages = [{"role": "system", "content": system}]
        if before:
            messages += [
                {"role": "user", "content": before},
                {"role": "assistant", "content": "Hi"},
            ]
        turn = pick.choice(pick.choice(PROMPTS))
        body = {"model": target.name, "messages": [*messages, {"role": "user", "content": turn}]}
        body |= {"temperature": temperature} if temperature is not None else {}
        body |= {"response_format": tools} if tools else {}
        request = CLIENTS["chat"].parse(json.dumps(body).encode())
        call = Call("req", self.clock.now(), principal, request)
        whose = [principal.organisation, system, before, tools, target.name, epoch, temperature]
        if not self.stages[epoch].rules.shared:
            whose.append(principal.key)
        return call, target, epoch, json.dumps(whose)

    async def keep(self, call: Call, target: Target, epoch: str, canary: str, name: str) -> None:
        rules = self.stages[epoch].rules
        realm = rules.realm(call.principal)
        identity = identify(call, target, realm, embedder=self.embedder.name)
        reply = ModelReply("m", (Choice((Text(canary),), "stop"),), Usage(1, 1))
        await self.store.put(
            CachedReply(
                id=name,
                key=identity.key,
                organisation=call.principal.organisation,
                scope=realm.scope,
                route=target.name,
                deployment="weak",
                version="v1/",
                tier="simple",
                request_id="req",
                stored=self.clock.now(),
                expires=self.clock.now() + timedelta(days=1),
                body=encode(Kept.of(reply, "chat")),
                partition=identity.partition,
                turn=identity.turn,
                vector=await self.embedder.embed(identity.turn or ""),
                words=tuple(sorted(hashes(identity.turn or ""))),
            )
        )


async def foreign_replies(world: World, *, kept: int, probes: int, seed: int) -> tuple[int, int]:
    """Of so many probes: hits, and hits on what was made for somebody else."""
    pick = random.Random(seed)  # noqa: S311 - repeatable
    for number in range(kept):
        await world.keep(*world.call(pick), f"cr_{number}")
    hits = foreign = 0
    for _ in range(probes):
        call, target, epoch, canary = world.call(pick)
        found = await world.stages[epoch].look_up(call, target, None, None)
        if found.content is not None:
            hits += 1
            foreign += found.content.reply.choices[0].parts != (Text(canary),)
    return hits, foreign


@pytest.mark.parametrize("shared", [True, False])
async def test_no_canary_is_seen_by_another(*, shared: bool):
    hits, foreign = await foreign_replies(World(shared=shared), kept=3000, probes=2000, seed=1)
    assert foreign == 0
    assert hits > 20  # or nothing was tried


@pytest.mark.full
@pytest.mark.timeout(600)
async def test_no_canary_is_seen_by_another_in_100_000_probes():
    hits, foreign = await foreign_replies(World(shared=True), kept=12_000, probes=100_000, seed=2)
    assert foreign == 0
    assert hits > 10_000


async def test_what_a_store_gives_by_mistake_is_not_given_out():
    """A store that mixes keys and partitions up: each reply is looked at again."""
    world, pick = World(shared=True), random.Random(3)  # noqa: S311 - repeatable
    call, target, epoch, canary = world.call(pick)
    await world.keep(call, target, epoch, canary, "cr_1")
    stage = world.stages[epoch]
    assert (await stage.look_up(call, target, None, None)).is_hit
    mine = await world.store.get(
        identify(call, target, stage.rules.realm(call.principal)).key, world.clock.now()
    )
    assert mine is not None
    for wrong in (
        replace(mine, organisation="another"),
        replace(mine, scope="key_9"),
        replace(mine, key="0" * 64, partition="0" * 64),
        replace(mine, version="v2/"),
        replace(mine, expires=world.clock.now()),
    ):
        stage.store = stage.semantic.index = Mixed(wrong)
        assert not (await stage.look_up(call, target, None, None)).is_hit


class Mixed:
    """Gives the same reply whatever is asked for."""

    def __init__(self, reply: CachedReply) -> None:
        self._reply = reply

    async def get(self, *_: object) -> CachedReply:
        return self._reply

    async def plausible(self, *_: object) -> bool:
        return True

    async def nearest(self, *_: object, **__: object) -> list[Near]:
        return [Near(self._reply, 1.0)]
