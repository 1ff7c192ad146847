from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.data import read_learned, read_lexicons
from pointsman.errors import ConfigError
from pointsman.scoring import Lexicon
from pointsman.scoring.features import extract
from pointsman.scoring.learned import PARTS, LearnedScorer
from pointsman.scoring.surface import NAMES, measure
from pointsman.types import Score, Turn

LEXICON = Lexicon.parse(read_lexicons())
SCORER = LearnedScorer.parse(read_learned(), LEXICON)
DESIGN = "Design a distributed event streaming platform"
WORDS = [
    "Design", "a", "system", ",", "please", ".", "What", "is", "Python", "?", "how", "many", "each",
    "Compare", "if", "not", "12.5", "\n\n", "A. one\nB. two", "Answer:", "Answer:\nA\n\n", "```", "\ud800",
    "def f(x):", "设计", "Расскажи", "\x00", "yes", "e\u0301", "\u2028", "~~~", "B.", "A)",
]  # fmt: skip
prompts = st.one_of(
    st.text(st.characters()), st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join)
)


def ask(prompt: str) -> Score:
    return SCORER.score([Turn("user", prompt)])


@given(prompts)
def test_any_text_has_a_score_that_its_parts_add_up_to(prompt: str):
    score = ask(prompt)

    assert 0 <= score.value <= 100
    assert sum(score.parts.values()) == pytest.approx(score.value, abs=1e-6)
    assert score.value == pytest.approx(100 * (1 - score.suffices[0]), abs=0.01)
    assert list(score.suffices) == sorted(score.suffices)
    assert all(0 <= share <= 1 for share in score.suffices)
    assert score.reply_tokens is not None
    assert 16 <= score.reply_tokens <= 4096
    assert score == ask(prompt)


@given(prompts, prompts)
@settings(max_examples=50)
def test_only_what_the_user_said_counts(prompt: str, other: str):
    turns = [Turn("system", other), Turn("user", prompt), Turn("tool", other)]

    assert SCORER.score(turns) == ask(prompt)


@given(prompts, prompts)
@settings(max_examples=50)
def test_a_text_is_measured_alike_whatever_was_read_before(prompt: str, other: str):
    flat = " ".join(prompt.split())

    for text in [flat, other, f"{flat} {other}", f"{other} {flat}", f"{flat}{other}"]:
        assert measure(flat, known=extract(text, LEXICON)) == measure(flat)


def test_it_says_who_scored_and_why():
    score = ask(DESIGN)

    assert (score.scorer, score.version) == ("learned", "1")
    assert set(score.parts) == {"base", "orders", *PARTS}
    assert len(score.suffices) >= 3
    assert set(score.dimensions) == {
        "reasoning_depth",
        "domain_specificity",
        "output_sensitivity",
    }


def test_floors_are_read_from_the_whole_text():
    log = "\n".join(f"2024-05-31 10:00:0{at % 10} ERROR worker {at} failed" for at in range(200))

    assert ask(f"{log}\n\nIs this NDA clause enforceable in California?").topics == ("high_stakes",)


def test_no_turns_no_trouble():
    assert 0 <= SCORER.score([]).value <= 100


@pytest.mark.parametrize("onwards", ["yes, go on", "Continue", "ja, weiter", "继续", "👍"])
def test_a_short_yes_inherits_what_it_continues(onwards: str):
    turns = [Turn("user", DESIGN), Turn("assistant", "Shall I go on?"), Turn("user", onwards)]

    assert SCORER.score(turns) == ask(DESIGN)


def test_each_part_can_be_seen_to_count():
    plain = ask("Find the smallest number of boxes").parts
    harder = {
        "length": "Find the smallest number of boxes that holds every one of the red and blue balls",
        "quantities": "Find the smallest number of 12 boxes, 7 lids, 5 bags",
        "logic": "Find the smallest number of boxes if none is open but all would fit",
        "options": "Find the smallest number of boxes\nA. one\nB. two\nC. three",
        "wording": "Find us the smallest number of my boxes",
        "question": "Find how small the number of boxes is",
        "code": "Find the smallest number of boxes\n\n```\nfor box in boxes:\n  x(box)\n  y()\n z()\n```",
        "orders": "Prove the smallest number of boxes",
    }

    assert [part for part, text in harder.items() if ask(text).parts[part] <= plain[part]] == []


def test_solved_examples_do_not_count():
    solved = "What is 2 + 2?\nA. 3\nB. 4\nAnswer:\nB\n\n" * 20
    last = "Which of these planets has rings?\nA. Mars\nB. Saturn\nAnswer:"

    assert ask(solved + last).parts["length"] == ask(last).parts["length"]


def test_pasted_prose_does_not_count_as_asking():
    asked = "Summarise the article in three sentences."
    article = "The city council met on Tuesday. It talked about bridges for hours. " * 40

    assert ask(f"{asked}\n\n{article}").parts["length"] == ask(asked).parts["length"]


def test_the_length_that_is_asked_for_is_expected():
    assert ask("Write an essay of 900 words about ships").reply_tokens == 1200
    assert ask("Write a 1-word answer: who wrote Hamlet?").reply_tokens == 16
    assert ask("Schreibe 300 Wörter über Schiffe").reply_tokens == 400


def test_weights_are_read_back_as_they_were_written():
    again = LearnedScorer.parse(json.dumps(json.loads(read_learned())), LEXICON)

    assert again.score([Turn("user", DESIGN)]) == ask(DESIGN)
    assert set(again.thresholds) == {"medium", "complex", "two_tiers"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("features", {}),
        ("features", {name: {} for name in NAMES}),
        ("failing", []),
        ("failing", ["0.5"]),
        ("slope", None),
        ("orders", {"complex": 1.0}),
        ("thresholds", {"medium": True}),
        ("reply", "many"),
    ],
)
def test_damaged_weights_are_named(key: str, value: object):
    document = {**json.loads(read_learned()), key: value}

    with pytest.raises(ConfigError, match="learned weights are damaged"):
        LearnedScorer.parse(json.dumps(document), LEXICON)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "NaN", '{"version": "1"}'])
def test_what_is_no_weights_file_is_named(text: str):
    with pytest.raises(ConfigError, match="learned weights are damaged"):
        LearnedScorer.parse(text, LEXICON)
