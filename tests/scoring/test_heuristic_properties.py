from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.data import read_lexicons
from pointsman.scoring import HeuristicScorer, Lexicon
from pointsman.types import Score, Turn

SCORER = HeuristicScorer(Lexicon.parse(read_lexicons()))
WORDS = [
    "Design", "a", "distributed", "system", ",", "please", ".", "What", "is", "Python", "?", "Compare",
    "the", "trade-offs", ":", "why", "implement", "it", "however", "first", "then", "translate",
    "summarize", "contract", "GDPR", "dosage", "loan", "Entwirf", "verteilte", "explique", "diseña",
    "设计一个", "分布式", "系统", "समझाइए", "```", "|", "---", "{", "}", '"', "Расскажи", "yes",
    "continue", "haiku", "42", "straße", "größer", "¿qué", "e\u0301", "İstanbul", "\u2028",
]  # fmt: skip
prompts = st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join))


def ask(prompt: str) -> Score:
    return SCORER.score([Turn("user", prompt)])


@given(prompts)
def test_any_text_has_a_score_that_its_parts_add_up_to(prompt: str):
    score = ask(prompt)
    assert 0 <= score.value <= 100
    assert sum(score.parts.values()) == pytest.approx(score.value, abs=1e-6)
    assert all(0 <= value <= 1 for value in score.dimensions.values())
    assert score == ask(prompt)


@given(prompts, st.sampled_from(["  ", "\t", " \n", "\n"]))
def test_white_space_within_a_paragraph_does_not_matter(prompt: str, space: str):
    words = prompt.replace("|", "").split()
    one, other = ask(" ".join(words)), ask(space + space.join(words) + space)
    assert abs(one.value - other.value) < 1
    assert one.topics == other.topics


@given(st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join))
def test_case_does_not_matter(prompt: str):
    scores = [ask(prompt), ask(prompt.upper()), ask(prompt.lower()), ask(prompt.title())]
    assert max(score.value for score in scores) - min(score.value for score in scores) < 1


@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=40).map(" ".join),
    st.sampled_from(
        ["please", "thanks", "Thank you very much!", "bitte", "merci", "谢谢", "धन्यवाद"]
    ),
)
def test_politeness_does_not_matter(prompt: str, word: str):
    assert abs(ask(prompt).value - ask(f"{prompt}. {word}").value) < 2


@given(prompts, prompts)
@settings(max_examples=50)
def test_system_and_tool_turns_never_change_it(prompt: str, other: str):
    turns = [Turn("system", other), Turn("user", prompt), Turn("tool", other)]
    assert SCORER.score(turns) == ask(prompt)
