"""Whether one prompt's reply serves another, as the shipped weights say it."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.cache.pair import NAMES, features
from pointsman.cache.verifier import PairVerifier
from pointsman.data import read_pairs
from pointsman.embedding.reader import NAME
from pointsman.errors import ConfigError
from pointsman.types import Alignment

VERIFIER = PairVerifier.parse(read_pairs())

SAME = ("How do I descale my kettle?", "How can I descale a kettle?")
COSINES = st.floats(-1.0, 1.0)


def aligned(a: str, b: str) -> Alignment:
    """As an embedder would: what both have fits wholly, all else half."""
    one, two = (re.findall(r"\w+|[^\w\s]", text.lower()) for text in (a, b))
    return Alignment(
        tuple((word, 1.0 if word in two else 0.5) for word in one),
        tuple((word, 1.0 if word in one else 0.5) for word in two),
    )


def probability(a: str, b: str, similarity: float) -> float:
    return VERIFIER.probability(a, b, similarity, aligned(a, b))


def test_the_weights_are_for_the_embedder_that_ships():
    assert VERIFIER.embedder == NAME
    assert 0.5 < VERIFIER.floor < VERIFIER.threshold < 1.0


@pytest.mark.parametrize(
    ("a", "b", "similarity"),
    [
        (*SAME, 0.98),
        ("What are some good names for a parrot?", "What are good names for parrots?", 0.99),
        ("Why do my ears pop in a lift?", "Why do ears pop when you are in a lift?", 0.96),
        ("What's the best way to store garlic?", "How should I store garlic?", 0.96),
    ],
)
def test_a_paraphrase_is_served(a: str, b: str, similarity: float):
    assert probability(a, b, similarity) >= VERIFIER.threshold


@pytest.mark.parametrize(
    ("a", "b", "similarity"),
    [
        ("How do I descale my kettle?", "How do I descale my coffee machine?", 0.81),
        ("How do I descale my kettle?", "Why does my kettle need to be descaled?", 0.88),
        ("Name a parrot", "Name three books about how parrots learn to speak", 0.72),
        ("What's the best way to store garlic?", "What's the best way to plant garlic?", 0.86),
    ],
)
def test_another_question_is_not(a: str, b: str, similarity: float):
    assert probability(a, b, similarity) < VERIFIER.threshold


def test_without_an_alignment_nothing_is_served():
    assert VERIFIER.probability(*SAME, 0.99, None) == 0.0


@given(COSINES, COSINES)
def test_a_nearer_pair_is_never_less_likely_to_serve(one: float, two: float):
    far, near = sorted((one, two))

    assert probability(*SAME, far) <= probability(*SAME, near)


@given(st.text(), st.text(), COSINES)
def test_which_prompt_was_first_makes_no_difference(a: str, b: str, similarity: float):
    forth, back = aligned(a, b), aligned(b, a)

    said = VERIFIER.probability(a, b, similarity, forth)

    assert said == VERIFIER.probability(b, a, similarity, back)
    assert 0.0 < said < 1.0


def test_what_is_seen_of_a_pair():
    a, b = "How do I freeze fresh bread?", "Can fresh rolls be frozen? I have eight."

    found = features(a, b, 0.8, aligned(a, b))

    assert tuple(found) == NAMES
    assert found["similarity"] == 0.8
    assert found["lead"] == 0.5  # "freeze"; the other's "fresh" is met
    assert found["alone"] == 2.0  # freeze, bread; the other has four of its own
    assert found["auxiliaries"] == 3.0  # do; can, have
    assert found["sentences"] == 1.0
    assert 0.0 < found["spelling"] < 1.0


def test_pieces_make_up_words():
    whole = Alignment((("kettle", 0.9),), (("kettle", 0.9),))
    parts = Alignment((("ket", 1.0), ("##tle", 0.8)), (("the", 0.1), ("kettle", 0.9)))

    assert features("kettle", "kettle", 1.0, parts)["lead"] == pytest.approx(
        features("kettle", "kettle", 1.0, whole)["lead"]
    )


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("threshold", 1.5),
        ("floor", None),
        ("intercept", "much"),
        ("intercept", float("nan")),
        ("features", ["similarity", "charm"]),
        ("features", {}),
        ("features", {name: {"bounds": [0.5], "odds": [1.0]} for name in NAMES}),
        ("features", {name: {"bounds": [0.5, 0.4], "odds": [1.0, 2.0, 3.0]} for name in NAMES}),
        ("features", {name: {"bounds": "half", "odds": [1.0]} for name in NAMES}),
    ],
)
def test_weights_that_make_no_sense_are_refused(member: str, value: object):
    weights = json.loads(read_pairs()) | {member: value}

    with pytest.raises(ConfigError, match="weights for pairs"):
        PairVerifier.parse(json.dumps(weights))


@pytest.mark.parametrize("text", ["", "[]", "{}", "trees"])
def test_what_is_no_weights_file_is_refused(text: str):
    with pytest.raises(ConfigError, match="weights for pairs"):
        PairVerifier.parse(text)
