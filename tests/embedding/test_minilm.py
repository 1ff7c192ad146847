"""MiniLM in its thread: what it says without weights, under load and at its end, and its vectors."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path

import pytest
from tests.support.embedders import cosine, minilm_weights, numbers

from pointsman.embedding import MiniLM
from pointsman.embedding.reader import NETWORK
from pointsman.errors import CacheUnavailable

TOKENIZER = json.dumps({"model": {"vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "word": 3}}})
ASKED = "How do I sort a list in Python?"
REPHRASED = "What's the way to sort a Python list?"
OTHER = "Who painted the Mona Lisa?"


async def test_without_weights_it_says_how_to_get_them(tmp_path: Path) -> None:
    minilm = MiniLM(tmp_path, waiting=1)

    for call in (minilm.load(), minilm.embed("a"), minilm.embed("b"), minilm.align("a", "b")):
        with pytest.raises(CacheUnavailable, match="pointsman models pull minilm"):
            await call
    await minilm.close()


async def test_without_onnxruntime_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tokenizer.json").write_text(TOKENIZER)
    (tmp_path / NETWORK).write_bytes(b"never read")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as where it is not installed
    minilm = MiniLM(tmp_path)

    with pytest.raises(CacheUnavailable, match=r"pip install 'pointsman\[semantic\]'"):
        await minilm.embed("a")
    await minilm.close()


@pytest.mark.parametrize(
    ("tokenizer", "model"),
    [
        (TOKENIZER, b"no model"),
        ("no JSON", b"never read"),
        ('{"model": {"vocab": {"word": 1}}}', b"never read"),
    ],
)
async def test_damaged_weights_are_said_so(tmp_path: Path, tokenizer: str, model: bytes) -> None:
    (tmp_path / "tokenizer.json").write_text(tokenizer)
    (tmp_path / NETWORK).write_bytes(model)
    minilm = MiniLM(tmp_path)

    with pytest.raises(CacheUnavailable, match=r"can't be read \(.*models rm minilm"):
        await minilm.embed("a")
    await minilm.close()


async def test_where_no_call_may_wait_none_is_answered(tmp_path: Path) -> None:
    minilm = MiniLM(tmp_path, waiting=0)

    assert await minilm.embed("a") is None
    assert await minilm.align("a", "b") is None
    await minilm.close()


async def test_closing_twice_is_closing_once(tmp_path: Path) -> None:
    minilm = MiniLM(tmp_path)
    await minilm.close()
    await minilm.close()

    for _ in range(2):
        with pytest.raises(CacheUnavailable, match="closed"):
            await minilm.embed("a")


async def test_who_waits_when_it_is_closed_is_told(tmp_path: Path) -> None:
    minilm = MiniLM(tmp_path)
    waiting = [asyncio.create_task(minilm.embed("a")) for _ in range(10)]
    await asyncio.sleep(0)

    await minilm.close()

    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(each) for each in told} == {CacheUnavailable}


@pytest.mark.full
async def test_weights_that_come_later_are_found(tmp_path: Path) -> None:
    minilm = MiniLM(tmp_path / "minilm")
    with pytest.raises(CacheUnavailable):
        await minilm.load()

    shutil.copytree(minilm_weights(), tmp_path / "minilm")

    assert await minilm.embed("a") is not None
    await minilm.close()


@pytest.mark.full
async def test_vectors_are_nearly_those_of_the_model_in_floats() -> None:
    minilm = MiniLM(minilm_weights())

    asked, rephrased, other = [await minilm.embed(text) for text in (ASKED, REPHRASED, OTHER)]

    # As the `tokenizers` library has the pieces, and the published file the vectors.
    assert asked is not None
    assert numbers(asked)[:4] == pytest.approx([0.00969, 0.05523, 0.03371, -0.01416], abs=5e-3)
    assert cosine(asked, rephrased) == pytest.approx(0.9652, abs=0.01)
    assert cosine(asked, other) == pytest.approx(0.0122, abs=0.01)
    await minilm.close()


@pytest.mark.full
async def test_what_is_kept_changes_nothing() -> None:
    keeping, forgetful = MiniLM(minilm_weights()), MiniLM(minilm_weights(), kept_bytes=0)

    for _ in range(2):
        assert await keeping.embed(ASKED) == await forgetful.embed(ASKED)
        assert await keeping.align(ASKED, OTHER) == await forgetful.align(ASKED, OTHER)
    await keeping.close()
    await forgetful.close()


@pytest.mark.full
async def test_a_word_that_another_text_lacks_fits_worse() -> None:
    minilm = MiniLM(minilm_weights())

    aligned = await minilm.align("Install it on Linux", "Install it on Windows")

    assert aligned is not None
    fits = dict(aligned.a)
    assert min(fits, key=lambda piece: fits[piece]) == "linux"
    await minilm.close()


@pytest.mark.full
async def test_a_text_with_unknown_words_is_not_embedded() -> None:
    minilm = MiniLM(minilm_weights())

    assert await minilm.embed("What does 啪 mean?") is None
    assert await minilm.align("What does 啪 mean?", "What does 人 mean?") is None
    await minilm.close()


@pytest.mark.full
async def test_texts_up_to_the_window_are_embedded() -> None:
    minilm = MiniLM(minilm_weights())

    assert await minilm.embed("word " * 254) is not None
    assert await minilm.embed("word " * 255) is None
    assert await minilm.embed("") is not None
    assert await minilm.align("", "word") is not None
    await minilm.close()


@pytest.mark.full
async def test_more_calls_than_may_wait_are_not_answered() -> None:
    minilm = MiniLM(minilm_weights(), waiting=3)

    # The weights are loaded meanwhile, so that none is done before the last has come.
    answers = await asyncio.gather(*(minilm.embed(f"number {n}") for n in range(10)))

    assert [answer is None for answer in answers] == [False] * 3 + [True] * 7
    assert await minilm.embed("and now?") is not None
    await minilm.close()
