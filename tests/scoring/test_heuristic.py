# ruff: noqa: RUF001 (prompts in many scripts)
from __future__ import annotations

import pytest

from pointsman.scoring import HeuristicScorer
from pointsman.types import Score, Turn

DESIGN = "Design a distributed event streaming platform"
PARTS = {"token_count", "complex_keywords", "simple_keywords", "structure", "reasoning_cues"}


def ask(scorer: HeuristicScorer, prompt: str) -> Score:
    return scorer.score([Turn("user", prompt)])


def test_it_says_who_scored_and_why(scorer: HeuristicScorer):
    score = ask(scorer, DESIGN)
    assert (score.scorer, score.version) == ("heuristic", "1")
    assert set(score.parts) == PARTS
    assert score.value == pytest.approx(sum(score.parts.values()))
    assert set(score.dimensions) == {
        "reasoning_depth",
        "domain_specificity",
        "output_sensitivity",
    }


def test_a_score_below_zero_is_clipped_and_says_so(scorer: HeuristicScorer):
    score = ask(scorer, "What is Python?")
    assert score.value == 0
    assert score.parts["clip"] > 0
    assert sum(score.parts.values()) == pytest.approx(0)


def test_all_signals_together_are_clipped_at_100(scorer: HeuristicScorer):
    question = "Compare the trade-offs step by step: why? However, what if it fails? Then?\n"
    table = "\n| a | b |\n|---|---|\n| 1 | 2 |\n" + "```\ncode\n```\n" * 2
    score = ask(scorer, DESIGN + ". " + question + table + "word " * 6_000)
    assert score.value == 100
    assert score.parts["clip"] < 0


def test_no_turns_no_score(scorer: HeuristicScorer):
    assert scorer.score([]).value == 0


@pytest.mark.parametrize("role", ["system", "developer", "tool", "assistant"])
def test_only_what_the_user_said_counts(scorer: HeuristicScorer, role: str):
    question = Turn("user", "Who wrote Hamlet?")
    alone = scorer.score([question])
    assert scorer.score([Turn(role, DESIGN), question]) == alone
    assert scorer.score([question, Turn(role, DESIGN)]) == alone


@pytest.mark.parametrize(
    "onwards",
    [
        "yes, go on", "Continue", "ok", "Yes please!", "ja, weiter", "Ja bitte", "oui, continue",
        "sí, continúa", "sim, pode continuar", "हाँ, जारी रखें", "继续", "好的，请继续", "да, продолжай",
        "はい、続けてください", "네, 계속해 주세요", "👍", "2.", "Continue with the next section, please",
    ],
)  # fmt: skip
def test_a_short_yes_inherits_what_it_continues(scorer: HeuristicScorer, onwards: str):
    turns = [Turn("user", DESIGN), Turn("assistant", "Shall I go on?"), Turn("user", onwards)]
    assert scorer.score(turns) == ask(scorer, DESIGN)


def test_it_looks_back_two_turns_and_no_further(scorer: HeuristicScorer):
    turns = [Turn("user", DESIGN), Turn("user", "ok"), Turn("user", "go on")]
    assert scorer.score(turns) == ask(scorer, DESIGN)
    assert scorer.score([*turns, Turn("user", "more")]).value < 25


@pytest.mark.parametrize(
    "question",
    [
        "What is Python?", "Thanks!", "Who wrote Hamlet?", "Right, who was Shakespeare?",
        "12 * 30 = ?", "Yes, but what is Python?", "Was ist Python?", "谢谢",
    ],
)  # fmt: skip
def test_an_ordinary_question_does_not_inherit(scorer: HeuristicScorer, question: str):
    turns = [Turn("user", DESIGN), Turn("assistant", "Here it is."), Turn("user", question)]
    assert scorer.score(turns) == ask(scorer, question)


def test_cues_in_code_are_not_orders(scorer: HeuristicScorer):
    code = "design(); implement(distributed, consensus)  # compare, prove, trade-offs"
    score = ask(scorer, f"Format this:\n```go\n{code}\n```")
    assert score.parts["complex_keywords"] == 0
    assert score.parts["reasoning_cues"] == 0
    assert score.parts["structure"] > 0
    assert score.domain == "coding"
    assert ask(scorer, f"Format `{code}`").parts["complex_keywords"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "```\ncode\n```",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        '{"name": "a", "size": 3}',
        "- a\n- b\n- c",
        r"$\frac{1}{2}$",
        "Is it? Or not?",
    ],
)
def test_structure_counts(scorer: HeuristicScorer, text: str):
    assert 0 < ask(scorer, text).parts["structure"] <= 25
    assert ask(scorer, "Plain words.").parts["structure"] == 0


def test_what_is_to_be_translated_or_summarised_gives_no_orders(scorer: HeuristicScorer):
    article = f"{DESIGN}. Compare the trade-offs. However, prove it. " * 50
    for order in ("Summarize: ", "Please summarise this article.\n\n", "Traduis en anglais : «"):
        score = ask(scorer, order + article)
        assert score.parts["complex_keywords"] == 0
        assert score.parts["simple_keywords"] == -15


def test_length_levels_off(scorer: HeuristicScorer):
    lengths = [ask(scorer, "word " * n).parts["token_count"] for n in (10, 400, 4_000, 200_000)]
    assert lengths == sorted(lengths)
    assert lengths[0] < 1
    assert lengths[-1] == 25


def test_a_long_text_is_read_at_both_ends(scorer: HeuristicScorer):
    filler = "Lorem ipsum dolor sit amet. " * 2_000
    for prompt in (f"{DESIGN}. {filler}", f"{filler} {DESIGN}"):
        assert ask(scorer, prompt).parts["complex_keywords"] == 50


def test_a_language_without_a_list_stands_in_the_middle(scorer: HeuristicScorer):
    russian = ask(scorer, "Расскажи мне о своей любимой книге")
    assert russian.parts["complex_keywords"] == 25
    assert ask(scorer, "Tell me about your favourite book").parts["complex_keywords"] == 0


def test_exact_output_is_told_from_small_talk(scorer: HeuristicScorer):
    strict = ask(scorer, "Extract the fields as valid JSON, exactly in this schema")
    loose = ask(scorer, "Tell me something nice about rain")
    assert strict.dimensions["output_sensitivity"] > loose.dimensions["output_sensitivity"]
