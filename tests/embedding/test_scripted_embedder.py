"""The embedder that is told what means the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.embedders import cosine

from pointsman.embedding import ScriptedEmbedder

GROUPS = [["reset my password", "I forgot my password", "how to log in again?"], ["bye", "see you"]]


async def test_texts_of_a_group_are_near_and_others_apart() -> None:
    embedder = ScriptedEmbedder(GROUPS)
    texts = [*GROUPS[0], *GROUPS[1], "unheard of"]
    vectors = {text: await embedder.embed(text) for text in texts}

    for group in GROUPS:
        for one in group:
            for other in texts:
                near = cosine(vectors[one], vectors[other])
                if one == other:
                    assert near == pytest.approx(1.0)
                elif other in group:
                    assert near == pytest.approx(0.97, abs=0.02)
                else:
                    assert abs(near) < 0.3
    assert embedder.asked == len(texts)


@given(st.text(), st.text())
async def test_different_texts_are_never_near(one: str, other: str) -> None:
    embedder = ScriptedEmbedder()

    near = cosine(await embedder.embed(one), await embedder.embed(other))

    assert near == pytest.approx(1.0) if one == other else near < 0.6


async def test_words_fit_where_the_other_text_has_them() -> None:
    aligned = await ScriptedEmbedder().align("Red wine, please", "please: white wine")

    assert aligned.a == (("red", 0.0), ("wine", 1.0), ("please", 1.0))
    assert aligned.b == (("please", 1.0), ("white", 0.0), ("wine", 1.0))
