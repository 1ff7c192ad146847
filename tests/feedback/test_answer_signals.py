"""Replies go in, signals come out; measured with the shipped verifier."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.assembly import rules
from pointsman.calling.draft import Draft
from pointsman.conversation import Finish, OutputFormat
from pointsman.feedback.signals import TRUST, Measured, parts
from pointsman.feedback.usual import LEAST, Usual
from pointsman.stages.collecting import measured

BASIL = "How do I keep basil fresh after I bought it?"
GOOD = (
    "Treat it like cut flowers. Trim the ends of the stems, stand the bunch in a glass with two"
    " centimetres of water and leave it at room temperature, away from direct sun. Change the"
    " water every second day. Cold turns the leaves black, so the refrigerator is the wrong"
    " place. What you can't use within a week, chop, cover with olive oil and freeze in an ice"
    " cube tray."
)
CAPITAL = "What is the capital of Australia?"
WEATHER = "Return the weather as JSON with a temperature and a unit: 21 degrees Celsius, sunny."
WANTED = OutputFormat("json_object")
#: What is usual for a deployment that answers as `GOOD` does.
USUAL = {"odds": -0.13, "excess": 0.0, "hedges": 0.0, "covered": 0.3}


def told(prompt: str, text: str, finish: Finish = "stop", **more: object) -> dict[str, float]:
    """The signals of an answer whose deployment usually gives `USUAL` ones."""
    found = measured(Draft(prompt, text, finish=finish, **more), rules.verifier())
    if found is None:
        return {}
    return parts(found, {name: value - USUAL[name] for name, value in found.values.items()})


def test_a_good_answer_has_nothing_against_it() -> None:
    found = told(BASIL, GOOD)

    assert found.keys() == {"verdict", "keywords"}
    assert found["verdict"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("prompt", "text", "name"),
    [
        (BASIL, "I'm sorry, but I can't help with that request.", "refusal"),
        (BASIL, "I must point out that the question is unclear. Could you clarify it?", "refusal"),
        (BASIL, "Es tut mir leid, dabei kann ich Ihnen nicht helfen.", "refusal"),
        (BASIL, "", "broken"),
        (BASIL, "water the plant and then " * 40, "broken"),
        (
            CAPITAL,
            "It might be Sydney, or perhaps Canberra; possibly it depends, I guess.",
            "sure",
        ),
        (WEATHER, "It is 21 degrees and sunny.", "form"),
        (
            "Write a Python function that adds two numbers.",
            "```python\ndef add(a, b)\n    return a + b\n```",
            "form",
        ),
        ("List 5 rivers of Europe.", "1. Rhine\n2. Danube\n3. Loire", "form"),
        ("Explain gravity in one sentence.", "It pulls. It is weak. It reaches far.", "form"),
        ("Antworte auf Deutsch: what is a compost heap, and why would I have one in my garden?",
         ("A compost heap is a pile of organic waste that turns into soil over time. It is good for"
         " the garden and for the plants that you have in it."), "form"),
    ],
)  # fmt: skip
def test_what_speaks_against_an_answer(prompt: str, text: str, name: str) -> None:
    assert told(prompt, text)[name] < 0.5


def test_a_refusal_of_what_is_harmful_says_nothing() -> None:
    assert told("How do I build a bomb?", "I can't help with that.") == {}


def test_an_answer_that_the_model_was_cut_off_in() -> None:
    assert told(BASIL, "Treat it like cut flowers. Trim", "length")["cut_off"] == 0.0


def test_json_that_is_as_it_should_be_and_json_that_is_not() -> None:
    fine = told(WEATHER, '{"temperature": 21, "unit": "C"}', output=WANTED)
    prose = told(WEATHER, "Here you are: 21 C", output=WANTED)

    assert fine["form"] == 1.0
    assert prose["form"] == 0.0


def test_an_answer_that_is_far_too_short_or_long() -> None:
    essay = "Write an essay about the causes of the First World War, with an outline of each phase."

    assert told(essay, "It was a war between many nations.")["length"] < 0.5
    assert "length" not in told(BASIL, GOOD)


def test_an_answer_that_leaves_the_prompts_words_aside() -> None:
    prompt = "Compare the French and the Spanish railway networks by speed and price."
    near = told(prompt, "French railway networks have more speed; the Spanish ones a better price.")
    far = told(prompt, "Both are nice.")

    assert near["keywords"] > 0.5 > far["keywords"]
    assert all(0.0 <= value <= 1.0 for value in (*near.values(), *far.values()))


def test_what_is_unfinished_is_not_held_against_its_length() -> None:
    assert "length" not in told(BASIL, "Treat it", None, complete=False)


def test_what_is_usual_is_known_after_a_while_and_of_each_alone() -> None:
    usual = Usual()
    first = [usual.apart("a", {"odds": 1.0}) for _ in range(LEAST)]

    assert first == [{}] * LEAST
    assert usual.apart("a", {"odds": 1.0}) == {"odds": 0.0}
    assert usual.apart("a", {"odds": 3.0, "pace": 1.0}) == {"odds": 2.0}
    assert usual.apart("b", {"odds": 3.0}) == {}


def test_what_is_usual_changes_with_the_answers() -> None:
    usual = Usual()
    for _ in range(LEAST):
        usual.apart("a", {"odds": 0.0})
    for _ in range(500):
        usual.apart("a", {"odds": 1.0})

    assert usual.apart("a", {"odds": 1.0})["odds"] == pytest.approx(0.0, abs=0.01)


def test_before_anything_is_usual_only_plain_faults_are_told() -> None:
    found = measured(Draft(BASIL, "I'm sorry, but I can't help with that."), rules.verifier())

    assert found is not None
    assert parts(found, {}) == {"refusal": 0.0}


def test_a_slow_answer_says_a_little() -> None:
    assert parts(Measured("open", {}), {"pace": 0.0}) == {"pace": 0.5}
    assert parts(Measured("open", {}), {"pace": 1.0})["pace"] < 0.3


@given(
    prompt=st.text(max_size=200),
    text=st.text(max_size=400),
    finish=st.sampled_from(["stop", "length", "refusal", "content_filter"]),
)
def test_every_part_is_known_and_within_its_bounds(prompt: str, text: str, finish: Finish) -> None:
    found = told(prompt, text, finish)

    assert found.keys() <= TRUST.keys()
    assert all(0.0 <= value <= 1.0 for value in found.values())
