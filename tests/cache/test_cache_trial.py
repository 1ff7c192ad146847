"""What becomes of a prompt where the reply to another is cached, and that it is what requests get."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway import StartGateway, two_tiers

from pointsman.assembly import rules
from pointsman.cache.semantic import Semantic
from pointsman.cache.trial import Trial, Tried
from pointsman.cache.words import hashes
from pointsman.config import CacheSettings
from pointsman.embedding import Remembering, ScriptedEmbedder
from pointsman.storage.cache_memory import MemoryCache
from pointsman.types import Alignment

CAT, CATS = "Describe a cat to a child please", "Please describe a cat to some child"
THREE, FOUR = "How much are 3 apples at the shop?", "How much are 4 apples at the shop?"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
TEXTS = st.sampled_from(
    [
        CAT,
        CATS,
        "Describe 3 cats to a child please",
        "Describe a dog to a child please",
        "What is the weather like?",
        "ok",
        "How do trees drink?",
    ]
)


class Sure:
    """A verifier that says the same of all."""

    version = "1"

    def __init__(self, probability: float) -> None:
        self._probability = probability
        self.asked = 0

    def probability(self, a: str, b: str, similarity: float, alignment: Alignment | None) -> float:
        del a, b, similarity, alignment
        self.asked += 1
        return self._probability


def trial(*groups: tuple[str, ...], verifier: Sure | None = None, floor: float = 0.7) -> Trial:
    store = MemoryCache()
    semantic = Semantic(
        index=store,
        embedder=ScriptedEmbedder(groups, window=12),
        guard=rules.guard(),
        verifier=verifier,
        floor=floor,
    )
    return Trial(semantic, store, threshold=0.9, now=NOW)


async def test_what_means_the_same_is_a_hit():
    tried = await trial((CAT, CATS), verifier=Sure(0.93)).tried(CAT, CATS)

    assert tried.similarity == pytest.approx(0.97, abs=0.02)
    assert (tried.guard, tried.p, tried.hit) == (None, 0.93, True)


async def test_what_the_verifier_doubts_is_none():
    tried = await trial((CAT, CATS), verifier=Sure(0.89)).tried(CAT, CATS)

    assert (tried.guard, tried.p, tried.hit) == (None, 0.89, False)


async def test_the_guard_goes_first():
    verifier = Sure(1.0)
    tried = await trial((THREE, FOUR), verifier=verifier).tried(THREE, FOUR)

    assert (tried.guard, tried.p, tried.hit) == ("number", None, False)
    assert verifier.asked == 0


async def test_below_the_floor_nobody_is_asked():
    verifier = Sure(1.0)
    tried = await trial(verifier=verifier).tried(THREE, "How much are pears at the shop?")

    assert tried.similarity == pytest.approx(0, abs=0.3)
    assert (tried.guard, tried.p, tried.hit) == (None, None, False)
    assert verifier.asked == 0


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        ("What is the weather like in Rome?", "How is the weather in Rome?", "time"),
        ("```x = 1``` explain this to me", "explain this: ```x = 1```", "code"),
        ("ok", "okay", "short"),
    ],
)
async def test_what_is_not_for_this_tier_says_why_and_still_has_a_similarity(
    a: str, b: str, why: str
):
    for one, other in ((a, b), (b, a)):
        tried = await trial((a, b), verifier=Sure(1.0)).tried(one, other)

        assert tried.similarity is not None
        assert (tried.guard, tried.p, tried.hit) == (why, None, False)


async def test_without_a_word_in_common_it_is_not_embedded_for():
    a, b = "Describe felines", "Cats, what are those?"
    assert not hashes(a) & hashes(b)

    tried = await trial((a, b), verifier=Sure(1.0)).tried(a, b)

    assert tried.similarity is not None
    assert tried.similarity > 0.9
    assert (tried.guard, tried.p, tried.hit) == (None, None, False)


async def test_what_is_longer_than_the_window_has_no_similarity():
    long = "describe " * 13

    assert await trial(verifier=Sure(1.0)).tried(CAT, long) == Tried(None, None, None, hit=False)
    assert await trial(verifier=Sure(1.0)).tried(long, CAT) == Tried(None, None, None, hit=False)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (CAT, CATS),
        (THREE, FOUR),
        (CAT, THREE),
        ("Tell me what the weather is like", "Tell me how the weather is"),
        ("Describe felines", "Cats, what are those?"),
        ("Describe felines to me", "Felines, what are those?"),
    ],
)
async def test_a_request_gets_what_the_trial_says(start: StartGateway, a: str, b: str):
    cache = CacheSettings(semantic="on", uncalibrated=True, min_similarity=0.9, recheck=0)
    gateway = await start(two_tiers(cache=cache), embedder=ScriptedEmbedder([(a, b)]))
    opened = gateway.app.pipeline.cache
    assert opened.semantic is not None
    tried = await Trial(opened.semantic, opened.store, threshold=0.9, now=NOW).tried(a, b)

    await gateway.chat(a, model="weak")
    await gateway.app.caching.keeper.close()
    reply = await gateway.chat(b, model="weak")

    assert reply.headers["x-pointsman-cache"].startswith("semantic" if tried.hit else "miss")
    lookup = (await gateway.record(reply))["lookup"]
    assert lookup["probability"] == (tried.p if tried.hit else None)
    assert tried.guard is None or tried.guard in lookup["reason"]


@given(pairs=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
async def test_pairs_do_not_see_each_other(pairs: list[tuple[str, str]]):
    groups = ((CAT, CATS, "Describe 3 cats to a child please"),)
    one = trial(*groups, verifier=Sure(0.95))

    for a, b in pairs:
        assert await one.tried(a, b) == await trial(*groups, verifier=Sure(0.95)).tried(a, b)


async def test_remembering_asks_once():
    scripted = ScriptedEmbedder([(CAT, CATS)])
    remembering = Remembering(scripted, most=2)

    vectors = [
        await remembering.embed(text) for text in (CAT, CATS, CAT, CATS, "A tree", CATS, CAT)
    ]

    assert scripted.asked == 4  # the tree took the cat's place
    assert vectors[0] == vectors[2] == vectors[6]
    assert (remembering.name, remembering.window) == (scripted.name, scripted.window)
    assert await remembering.align(CAT, CATS) == await scripted.align(CAT, CATS)
