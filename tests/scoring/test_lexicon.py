# ruff: noqa: RUF001 (prompts in many scripts)
from __future__ import annotations

import tomllib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.data import read_lexicons
from pointsman.errors import ConfigError
from pointsman.scoring import Lexicon
from pointsman.scoring.lexicon import flattened, fold, lines_of, tokenise

SHIPPED = read_lexicons()


def found(lexicon: Lexicon, text: str) -> list[str]:
    return [" ".join(cue.words) for cue, _ in lexicon.read(fold(text)).hits]


def only(cues: str) -> Lexicon:
    return Lexicon.parse({"test": cues})


def test_a_word_is_found_whole_and_in_any_case():
    lexicon = only('[complex]\nbuild = ["prove"]')
    assert found(lexicon, "PROVE it") == ["prove"]
    assert found(lexicon, "improve, proven, approve") == []


def test_accents_are_optional():
    lexicon = only('[complex]\ndesign = ["diseña"]')
    assert found(lexicon, "Diseña / disena") == ["disena", "disena"]


def test_a_star_stands_for_any_ending():
    lexicon = only('[expert]\ncoding = ["verteilt*", "tolérant* aux pannes"]')
    assert found(lexicon, "verteiltes System") == ["verteilt*"]
    assert found(lexicon, "tolérante aux pannes") == ["tolerant* aux pannes"]
    assert found(lexicon, "tolérante aux fautes") == []


def test_the_longest_cue_wins_and_uses_up_its_words():
    lexicon = only(
        '[domains]\ncoding = ["smart contract"]\n[hints]\nlegal = ["contract", "contract law"]'
    )
    assert found(lexicon, "a smart contract, a contract, contract law") == [
        "smart contract",
        "contract",
        "contract law",
    ]


def test_hyphens_and_apostrophes_part_words():
    lexicon = only('[reasoning]\nweigh = ["trade-offs"]\n[simple]\ndefinition = ["what\'s"]')
    assert found(lexicon, "What’s the trade offs, or trade-offs?") == [
        "what s",
        "trade offs",
        "trade offs",
    ]


def test_chinese_is_found_inside_a_run():
    lexicon = only('[expert]\ncoding = ["分布式"]')
    assert found(lexicon, "请设计分布式系统") == ["分 布 式"]


def test_devanagari_words_keep_their_vowel_signs_and_lose_their_nukta():
    lexicon = only('[complex]\ndesign = ["डिज़ाइन कर*"]')
    assert found(lexicon, "सिस्टम डिजाइन करें।") == ["डिजाइन कर*"]


@pytest.mark.parametrize(
    "text", ["Design it", "Well. Design it", "please design it", "(design", "graphic: design a"]
)
def test_an_order_counts_where_orders_stand(text: str):
    lexicon = only('lead_ins = ["please"]\ndeterminers = ["a"]\n[complex]\ndesign = ["^design"]')
    assert found(lexicon, text) == ["design"]
    assert found(lexicon, "graphic design, a design a") == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[complex", "not TOML"),
        ("[complicated]\nbuild = ['x']", "no list is called 'complicated'"),
        ("[complex]\nbuilt = ['x']", "complex has no list 'built'"),
        ("[complex]\nbuild = 'x'", "not a list of strings"),
        ("fillers = [1]", "not a list of strings"),
        ("[complex]\nbuild = ['ab*']", "too short"),
        ("fillers = ['?']", "too short"),
    ],
)
def test_a_mistake_in_a_list_is_named(text: str, complaint: str):
    with pytest.raises(ConfigError, match=complaint):
        only(text)


def test_the_promised_languages_are_shipped():
    assert {"en", "de", "fr", "es", "pt", "hi", "zh"} <= set(SHIPPED)


@pytest.mark.parametrize("language", sorted(SHIPPED))
def test_every_shipped_cue_is_found_where_it_stands(lexicon: Lexicon, language: str):
    sections = tomllib.loads(SHIPPED[language])
    for section, lists in sections.items():
        if not isinstance(lists, dict):
            continue
        for name, phrases in lists.items():
            for phrase in phrases:
                text = phrase.replace("^", "").replace("*", "")
                tags = {tag for cue, _ in lexicon.read(fold(text)).hits for tag in cue.tags}
                assert tags, f"{section}.{name}: {phrase} is hidden"


@given(st.text(st.characters(codec="ascii")))
def test_ascii_is_cut_alone_as_it_is_beside_other_letters(text: str):
    assert tokenise(f"{fold(text)} \u00e9") == [*tokenise(fold(text)), "\u00e9"]


@given(st.text("a\u201cb\u201d \u2018\u2019\u2013\u2014\u2022\xa0\u2026.,"))
def test_printed_text_is_cut_as_typed_text(text: str):
    beside = tokenise(unicodedata.normalize("NFKD", text))  # as any other letters are cut

    assert tokenise(fold(text)) == ['"' if mark == "\u201c" else mark for mark in beside]


BLANKS = "\n\n  \t\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u2003\u2028\u2029\u3000"


@given(st.text(st.one_of(st.sampled_from(BLANKS), st.characters())))
def test_every_run_of_blanks_is_one(text: str):
    assert flattened(text) == " ".join(text.split())
    assert (lines_of(text) or [""]) == ([" ".join(x.split()) for x in text.splitlines()] or [""])
