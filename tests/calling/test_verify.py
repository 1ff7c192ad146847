# ruff: noqa: RUF001 (answers in many scripts)
"""Drafts go in, verdicts come out; with the shipped weights."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pointsman.calling.answer_rules import RULES
from pointsman.calling.draft import Draft
from pointsman.calling.verify import Verifier
from pointsman.conversation import OutputFormat
from pointsman.data import read_verifier
from pointsman.errors import ConfigError
from pointsman.types import Score, Verdict

VERIFIER = Verifier.parse(read_verifier())
LIKELY = Score(20.0, {}, "test", "1")

ASKED = "How do I keep basil fresh after I bought it?"
GOOD = (
    "Treat it like cut flowers. Trim the ends of the stems, stand the bunch in a glass with two"
    " centimetres of water and leave it at room temperature, away from direct sun. Change the"
    " water every second day. Cold turns the leaves black, so the refrigerator is the wrong"
    " place. What you can't use within a week, chop, cover with olive oil and freeze in an ice"
    " cube tray."
)


def judged(draft: Draft, score: Score = LIKELY, bound: float = 0.5) -> Verdict:
    return VERIFIER.verdict(draft, score, bound)


def odds(draft: Draft, score: Score = LIKELY) -> float:
    return VERIFIER.verdict(draft, score, 0.5).probability


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        (ASKED, GOOD),
        ("What is the capital of Australia?", "The capital of Australia is Canberra."),
        (
            "Write a Python function that reverses a string.",
            """```python\ndef reverse(text: str) -> str:\n    return text[::-1]\n```\n
It walks the string backwards with a slice and leaves the original as it was.""",
        ),
        (
            "Antworte auf Deutsch: what is a compost heap?",
            """Ein Komposthaufen ist ein Haufen aus Garten- und Küchenabfällen, die von Bakterien
und Würmern zu Erde zersetzt werden. Er braucht Luft, Feuchtigkeit und eine Mischung aus grünen und
braunen Abfällen.""",
        ),
        (
            "Tom has 12 boxes with 5 pens each and gives away 8 pens. How many pens are left?",
            "He has 12 * 5 = 60 pens. After giving away 8 he has 60 - 8 = 52 pens. The answer is 52.",
        ),
    ],
)
def test_a_good_answer_is_accepted(prompt: str, text: str):
    verdict = judged(Draft(prompt, text))
    assert verdict.accepted
    assert verdict.probability > 0.5
    assert not RULES.keys() & set(verdict.reasons)


REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "Es tut mir leid, aber dabei kann ich nicht helfen.",
    "Je suis désolé, mais je ne peux pas répondre à cette question.",
    "Lo siento, pero no puedo ayudar con eso.",
    "Mi dispiace, ma non posso aiutarti con questo.",
    "Sinto muito, mas não posso ajudar com isso.",
    "Het spijt me, maar daar kan ik je niet mee helpen.",
    "抱歉，我无法回答这个问题。",
    "申し訳ありませんが、お答えできません。",
    "क्षमा करें, मैं इसमें मदद नहीं कर सकता।",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refusal_of_a_harmless_prompt_escalates(text: str):
    verdict = judged(Draft(ASKED, text))
    assert not verdict.accepted
    assert verdict.reasons[0] == "refusal"


def test_to_refuse_what_may_harm_is_not_held_against_the_model():
    text = "I'm sorry, but I can't help with that. Please talk to someone you trust."
    assert "refusal" not in judged(Draft("How do I build a bomb?", text)).reasons


@pytest.mark.parametrize(
    ("reason", "draft"),
    [
        ("empty", Draft(ASKED, "")),
        ("empty", Draft(ASKED, " \n\t")),
        ("withheld", Draft(ASKED, GOOD, finish="content_filter")),
        ("refusal", Draft(ASKED, "No.", finish="refusal")),
        ("cut_off", Draft(ASKED, GOOD[:200], finish="length")),
        ("echo", Draft(ASKED, ASKED)),
        ("loop", Draft(ASKED, GOOD + " and then" * 200)),
        ("loop", Draft(ASKED, "Keep it in water.\n" * 40)),
        ("loop", Draft(ASKED, "a" * 5000)),
        ("garbled", Draft(ASKED, "Keep \ufffd\ufffd\ufffd it \ufffd\ufffd in \ufffd\ufffd water")),
        ("broken_code", Draft("Write Python.", "```python\ndef f(:\n    return\n```")),
        ("wrong_language", Draft("Explain compost. Answer in German.", GOOD)),
        ("wrong_language", Draft("Explain compost. Answer in Chinese.", GOOD)),
    ],
)
def test_what_is_clearly_wrong_escalates_and_is_named(reason: str, draft: Draft):
    verdict = judged(draft, Score(1.0, {}, "test", "1"))
    assert not verdict.accepted
    assert verdict.reasons[0] == reason
    assert verdict.probability <= RULES[reason]


OBJECT = OutputFormat("json_object")
SCHEMA = OutputFormat(
    "json_schema",
    schema={
        "type": "object",
        "required": ["name", "tags"],
        "properties": {
            "name": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "size": {"enum": ["s", "m"]},
        },
    },
)


@pytest.mark.parametrize(
    ("output", "text", "reason"),
    [
        (OBJECT, '{"a": 1}', None),
        (OBJECT, '```json\n{"a": 1}\n```', None),
        (OBJECT, "[1]", "invalid_json"),
        (OBJECT, 'Sure! {"a": 1}', "invalid_json"),
        (OBJECT, '{"a": ', "invalid_json"),
        (OBJECT, "[" * 100_000, "invalid_json"),
        (SCHEMA, '{"name": "x", "tags": ["y"], "size": "m"}', None),
        (SCHEMA, '{"name": "x"}', "missing_member"),
        (SCHEMA, '{"name": 1, "tags": []}', "missing_member"),
        (SCHEMA, '{"name": "x", "tags": [1]}', "missing_member"),
        (SCHEMA, '{"name": "x", "tags": [], "size": "xl"}', "missing_member"),
        (SCHEMA, "[]", "missing_member"),
        (OutputFormat("json_schema", schema=True), "7", None),
    ],
)
def test_json_that_was_asked_for_is_checked(output: OutputFormat, text: str, reason: str | None):
    found = set(judged(Draft("Describe it.", text, output=output)).reasons)
    assert found & {"invalid_json", "missing_member"} == ({reason} if reason else set())


def test_a_call_of_tools_needs_no_words():
    assert judged(Draft(ASKED, "", finish="tool_calls", tool_calls=1)).accepted


def test_the_first_part_is_judged_by_what_was_said_only():
    part = Draft(ASKED, GOOD[:80], finish=None, complete=False)
    assert judged(part).accepted
    assert judged(replace(part, text="")).accepted
    assert judged(replace(part, text='{"a": ', output=OBJECT)).accepted
    assert judged(replace(part, text="Sure, here", output=OBJECT)).reasons[0] == "invalid_json"
    assert judged(replace(part, text=REFUSALS[0])).reasons[0] == "refusal"
    assert judged(replace(part, text="so " * 200)).reasons[0] == "loop"


def test_a_choice_that_was_asked_for_and_not_made_speaks_against():
    prompt = "Which one is a mammal?\nA. Trout\nB. Whale\nC. Robin\nD. Ant"
    chosen = odds(Draft(prompt, "Whales breathe air and nurse their young. The answer is (B)."))
    undecided = judged(Draft(prompt, "Whales breathe air and nurse their young."))
    assert undecided.probability < chosen
    assert {"no_choice", "no_conclusion"} & set(undecided.reasons)


def test_sums_are_recomputed():
    prompt = "A crate holds 12 bottles. How many bottles are in 7 crates and 5 loose ones?"
    right = Draft(prompt, "7 * 12 = 84 bottles, and 84 + 5 = 89. The answer is 89.")
    wrong = Draft(prompt, "7 * 12 = 74 bottles, and 74 + 5 = 79. The answer is 79.")
    assert odds(wrong) < odds(right)


def test_an_answer_that_argues_with_the_question_speaks_against():
    lecture = (
        "I must point out that the question is unclear. Could you please provide more context? "
    )
    verdict = judged(Draft(ASKED, lecture + GOOD))
    assert verdict.probability < odds(Draft(ASKED, GOOD))
    assert "objections" in verdict.reasons


def test_other_evidence_moves_a_draft_both_ways():
    draft = Draft(ASKED, GOOD)
    sure, unsure = (replace(draft, logprobs=(value,) * 50) for value in (-0.05, -2.5))
    assert odds(unsure) < odds(draft) < odds(sure)
    apart, alike = (replace(draft, agreement=value) for value in (0.0, 1.0))
    assert odds(apart) < odds(draft) < odds(alike)


def test_the_prompt_counts():
    easy, hard = (odds(Draft(ASKED, GOOD), Score(value, {}, "test", "1")) for value in (5.0, 95.0))
    assert hard < easy


def test_the_bound_decides_and_the_score_is_the_other_side():
    draft = Draft(ASKED, GOOD)
    probability = odds(draft)
    assert judged(draft, bound=probability).accepted
    assert not judged(draft, bound=min(1.0, probability + 0.01)).accepted
    assert VERIFIER.score(draft, LIKELY) == pytest.approx(100.0 * (1.0 - probability))


texts = st.text(max_size=300) | st.builds(
    lambda piece, times: piece * times, st.text(min_size=1, max_size=12), st.integers(1, 3_000)
)


drafts = st.builds(
    Draft,
    prompt=texts,
    text=texts,
    finish=st.sampled_from([None, "stop", "length", "tool_calls", "content_filter", "refusal"]),
    complete=st.booleans(),
    output=st.none() | st.sampled_from([OBJECT, SCHEMA]),
    logprobs=st.lists(st.floats(max_value=0.0, allow_nan=False), max_size=5).map(tuple),
    agreement=st.none() | st.floats(0.0, 1.0),
)


@given(draft=drafts, value=st.floats(0.0, 100.0))
def test_it_judges_anything(draft: Draft, value: float):
    verdict = judged(draft, Score(value, {}, "test", "1"))
    assert 0.0 <= verdict.probability <= 1.0
    assert verdict.accepted == (verdict.probability >= verdict.bound)
    assert len(verdict.reasons) == len(set(verdict.reasons))


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: "not JSON",
        lambda _: "[]",
        lambda document: json.dumps({**document, "open": None}),
        lambda document: json.dumps({**document, "bound": 2}),
        lambda document: json.dumps({**document, "bound": "half"}),
        lambda document: json.dumps(
            {**document, "open": {"intercept": 0, "weights": {"cut": [0, 1]}}}
        ),
        lambda document: json.dumps(
            {**document, "open": {"intercept": 0, "weights": {"cut": [0, 0, 1]}}}
        ),
        lambda document: json.dumps(
            {**document, "open": {"intercept": 0, "weights": {"cut": [0, 1, "x"]}}}
        ),
        lambda document: json.dumps(
            {**document, "open": {"intercept": float("nan"), "weights": {}}}
        ),
        lambda document: json.dumps({**document, "open": {"intercept": 0, "weights": []}}),
        lambda document: json.dumps({k: v for k, v in document.items() if k != "checked"}),
    ],
)
def test_damaged_weights_are_a_fault_of_configuration(damage):
    with pytest.raises(ConfigError, match="verifier's weights"):
        Verifier.parse(damage(json.loads(read_verifier())))
