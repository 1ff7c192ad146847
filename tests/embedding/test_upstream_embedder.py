"""Embeddings of a deployment, here a scripted one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.support.embedders import ScriptedAsk, cosine, numbers

from pointsman.embedding import UpstreamEmbedder
from pointsman.errors import CacheUnavailable, UpstreamTimeout
from pointsman.providers.scripted import Script


def embedder_of(answer: object) -> UpstreamEmbedder:
    async def ask(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return UpstreamEmbedder(ask, deployment="up", model="large", window=8)


async def test_any_length_becomes_1() -> None:
    embedder = embedder_of([[3.0, 0.0, -4.0]])

    vector = await embedder.embed("text")

    assert vector is not None
    assert numbers(vector) == pytest.approx((0.6, 0.0, -0.8))
    assert vector.embedder == embedder.name == "up/large"
    assert cosine(vector, vector) == pytest.approx(1.0)


async def test_what_does_not_fit_the_window_is_not_asked() -> None:
    ask = ScriptedAsk()
    embedder = UpstreamEmbedder(ask, deployment="up", model="m", window=2)

    assert await embedder.embed("12345678") is not None
    assert await embedder.embed("123456789") is None
    assert len(ask.provider.log) == 1


@pytest.mark.parametrize(
    "answer",
    [
        UpstreamTimeout("nothing came within 5 s"),
        ConnectionResetError("reset"),
        [],
        [[1.0], [1.0]],
        [[]],
        [[0.0, 0.0]],
        [[float("nan"), 1.0]],
        [[float("inf"), 1.0]],
    ],
)
async def test_what_is_no_vector_makes_the_cache_unavailable(answer: object) -> None:
    with pytest.raises(CacheUnavailable, match="the embedder up/large failed: "):
        await embedder_of(answer).embed("text")


async def test_an_upstream_that_is_gone_makes_the_cache_unavailable() -> None:
    ask = ScriptedAsk(Script(unreachable=True))
    embedder = UpstreamEmbedder(ask, deployment="up", model="m", window=100)

    with pytest.raises(CacheUnavailable):
        await embedder.embed("text")
