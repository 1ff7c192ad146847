"""What every embedder does: `ports.Embedder`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from tests.support.embedders import ScriptedAsk, cosine, minilm_weights

from pointsman.embedding import MiniLM, ScriptedEmbedder, UpstreamEmbedder
from pointsman.ports import Embedder

ASKED = "How do I sort a list in Python?"
REPHRASED = "In Python, how do I sort a list?"
OTHER = "Who painted the Mona Lisa?"


@pytest.fixture(params=[pytest.param("minilm", marks=pytest.mark.full), "upstream", "scripted"])
async def embedder(request: pytest.FixtureRequest) -> AsyncIterator[Embedder]:
    """Each embedder in turn."""
    if request.param == "scripted":
        yield ScriptedEmbedder([[ASKED, REPHRASED]])
    elif request.param == "upstream":
        yield UpstreamEmbedder(ScriptedAsk(), deployment="up", model="embedder", window=256)
    else:
        minilm = MiniLM(minilm_weights())
        yield minilm
        await minilm.close()


async def test_vectors_have_length_1_and_bear_the_embedders_name(embedder: Embedder) -> None:
    one, other = await embedder.embed(ASKED), await embedder.embed(OTHER)

    assert one is not None
    assert other is not None
    assert cosine(one, one) == pytest.approx(1.0, abs=1e-5)
    assert {one.embedder, other.embedder} == {embedder.name}
    assert one.size == other.size


async def test_a_text_has_one_vector_whatever_else_is_asked(embedder: Embedder) -> None:
    alone = await embedder.embed(ASKED)

    await embedder.align(OTHER, ASKED)
    among = await asyncio.gather(*map(embedder.embed, (OTHER, ASKED, REPHRASED * 3)))

    assert among[1] == alone


async def test_what_is_rephrased_is_nearer_than_what_is_not(embedder: Embedder) -> None:
    asked, rephrased, other = [await embedder.embed(text) for text in (ASKED, REPHRASED, OTHER)]

    assert cosine(asked, rephrased) > 0.9
    assert cosine(asked, other) < 0.7


async def test_texts_longer_than_the_window_are_not_embedded(embedder: Embedder) -> None:
    assert await embedder.embed("word " * (embedder.window + 1)) is None
    assert await embedder.embed("word " * (embedder.window // 2)) is not None
    assert await embedder.embed("word" * 1_000_000) is None


async def test_pieces_are_aligned_both_ways_or_not_at_all(embedder: Embedder) -> None:
    there = await embedder.align(ASKED, REPHRASED)
    back = await embedder.align(REPHRASED, ASKED)
    same = await embedder.align(OTHER, OTHER)

    if there is None:
        assert (back, same) == (None, None)
        return
    assert back is not None
    assert same is not None
    assert [piece for piece, _ in there.a][:6] == ["how", "do", "i", "sort", "a", "list"]
    assert [piece for piece, _ in there.b] == [piece for piece, _ in back.a]
    assert [fit for _, fit in there.b] == pytest.approx([fit for _, fit in back.a], abs=1e-5)
    assert [fit for _, fit in same.a] == pytest.approx([1.0] * len(same.a), abs=1e-5)


async def test_any_thread_and_event_loop_may_ask(embedder: Embedder) -> None:
    expected = await embedder.embed(ASKED)
    found = []

    def ask() -> None:
        found.extend(asyncio.run(_embedded(embedder, ASKED)) for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    here = [await embedder.embed(ASKED) for _ in range(5)]
    for thread in threads:
        await asyncio.to_thread(thread.join)

    assert [*found, *here] == [expected] * 25


async def test_who_stops_waiting_disturbs_nobody(embedder: Embedder) -> None:
    calls = [asyncio.create_task(_embedded(embedder, f"{OTHER} {n}")) for n in range(10)]
    await asyncio.sleep(0)
    for call in calls[::2]:
        call.cancel()

    answers = await asyncio.gather(*calls, return_exceptions=True)

    for n in range(1, 10, 2):
        assert answers[n] == await embedder.embed(f"{OTHER} {n}")


async def _embedded(embedder: Embedder, text: str) -> object:
    return await embedder.embed(text)
