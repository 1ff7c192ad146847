# ruff: noqa: RUF001 (texts in many scripts)
"""Texts as word pieces: by a small vocabulary, and by MiniLM's as the `tokenizers` library does."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.embedders import minilm_weights

from pointsman.embedding.wordpiece import WordPieces

SMALL = [
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "un",
    "##instal",
    "##l",
    "##s",
    "cafe",
    "5",
    ".",
    "$",
    "东",
    "σ",
]
PIECES = WordPieces({piece: number for number, piece in enumerate(SMALL)})


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        (" \t\n\u00a0\u2028", []),
        ("uninstalls", ["un", "##instal", "##l", "##s"]),
        ("Un INSTALLS", ["un", "[UNK]"]),  # no word begins with what only goes on with one
        ("Café CAFE\u0301", ["cafe", "cafe"]),
        ("$5.5", ["$", "5", ".", "5"]),
        ("5东东5", ["5", "东", "东", "5"]),
        ("c\x00a\u200bf\ufffde\x1f", ["cafe"]),
        ("Σ", ["σ"]),  # and not the letter's form at the end of a word
        ("[CLS]", ["[UNK]", "[UNK]", "[UNK]"]),
        ("un" + "s" * 98, ["un"] + ["##s"] * 98),
        ("un" + "s" * 99, ["[UNK]"]),
        ("\ud800un", ["un"]),
    ],
)
def test_splits(text: str, pieces: list[str]) -> None:
    assert PIECES.split(text) == pieces


def test_pieces_are_numbered_between_the_marks() -> None:
    assert PIECES.numbered(["cafe", "[UNK]"]) == [1, 7, 0, 2]


def test_a_vocabulary_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no \[CLS\], \[SEP\]"):
        WordPieces({"[UNK]": 0})


@given(st.text())
def test_any_text_is_split_into_pieces_of_the_vocabulary(text: str) -> None:
    assert set(PIECES.split(text)) <= set(SMALL)


@given(st.lists(st.sampled_from(["uninstall", "cafe", "5", ".", "$5", "东"])))
def test_pieces_make_up_the_text(words: list[str]) -> None:
    pieces = PIECES.split(" ".join(words))

    assert "".join(piece.removeprefix("##") for piece in pieces) == "".join(words)


@pytest.fixture(scope="module")
def minilm() -> WordPieces:
    tokenizer = json.loads((minilm_weights() / "tokenizer.json").read_bytes())
    return WordPieces(tokenizer["model"]["vocab"])


@pytest.mark.full
@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("How do I un-install Python3.11?", "how do i un - install python ##3 . 11 ?"),
        ("Crème brûlée FÜR ÉLISE", "cr ##eme br ##ule ##e fur elise"),
        ("ÀÁÂ İstanbul ΣΊΣΥΦΟΣ", "aaa istanbul σ ##ι ##σ ##υ ##φ ##ο ##σ"),
        ("东京 is 東京都", "[UNK] 京 is 東 京 都"),
        ("한국어 नमस्ते", "ᄒ ##ᅡ ##ᆫ ##ᄀ ##ᅮ ##ᆨ ##ᄋ ##ᅥ न ##म ##स ##त"),
        ("don't!! (e.g. $5.00 €5)", "don ' t ! ! ( e . g . $ 5 . 00 € ##5 )"),
        ("zero\u200bwidth\u3000space", "zero ##wi ##dt ##h space"),
        ("🙂 ok 🙂", "[UNK] ok [UNK]"),
        ("①²½ ﬁne", "[UNK] ﬁ ##ne"),
        ("Привет, мир", "п ##р ##и ##в ##е ##т , м ##и ##р"),
        ("foo_bar->baz[0] += `x`", "foo _ bar - > ba ##z [ 0 ] + = ` x `"),
    ],
)
def test_splits_as_the_tokenizers_library(minilm: WordPieces, text: str, pieces: str) -> None:
    assert minilm.split(text) == pieces.split()
