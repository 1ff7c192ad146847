"""Prompts that ask for a form, and answers that have it or don't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.calling.answer_form import form_share

FOUR = "1. Rhine\n2. Danube\n3. Loire\n4. Ebro"
THIRTY = " ".join(["word"] * 30)


@pytest.mark.parametrize(
    ("prompt", "answer", "share"),
    [
        ("List four rivers of Europe.", FOUR, 1.0),
        ("Nenne vier Flüsse in Europa.", FOUR, 1.0),
        ("Enumera 4 ríos de Europa.", FOUR.replace("1.", "1)"), 1.0),
        ("Give me 4 ideas.", "- a walk\n- a swim\n- a book\n- a nap", 1.0),
        ("List 12 rivers of Europe.", FOUR, 0.0),
        ("List 5 rivers of Europe.", "Rhine, Danube, Loire, Ebro and Po.", None),
        ("Describe it in 30 words.", THIRTY, 1.0),
        ("Describe it in at most 50 words.", THIRTY, 1.0),
        ("Beschreibe es in höchstens 50 Wörtern.", THIRTY, 1.0),
        ("Descríbelo en 30 palabras.", THIRTY, 1.0),
        ("Describe it in at least 100 words.", THIRTY, 0.0),
        ("Write a 200-word summary.", THIRTY, 0.0),
        ("Answer in one word: is it blue?", "Yes", 1.0),
        ("Answer in one word: is it blue?", "Yes, it is.", 0.0),
        ("Sum it up in two sentences.", "It rains. It pours.", 1.0),
        ("Fasse es in einem Satz zusammen.", "Es regnet.", 1.0),
        ("Resúmelo en una frase.", "Llueve.", 1.0),
        ("Give the result as JSON.", '{"a": 1}', 1.0),
        ("Give the result as JSON.", 'Here:\n```json\n{"a": 1}\n```', 1.0),
        ("Gib es als JSON aus.", "a ist 1", 0.0),
        ("Write a Python function that adds.", "def add(a, b):\n    return a + b", 1.0),
        ("Schreibe eine Funktion, die addiert, als Python Code.", "Das geht so nicht.", 0.0),
        ("Write a function that adds two numbers.", "You add them up.", 0.0),
        ("Compare them in a table.", "| a | b |\n|---|---|\n| 1 | 2 |", 1.0),
        ("Compare them in a table.", "One is larger.", 0.0),
        ("Write a story about the American class system.", "Once upon a time", None),
        ("What is a JSON file?", "A text file.", None),
        ("Why is the sky blue?", "Because of the air.", None),
    ],
)
def test_how_much_of_the_form_is_there(prompt: str, answer: str, share: float | None) -> None:
    assert form_share(prompt, answer) == share


def test_the_wish_that_it_does_worst_on_counts() -> None:
    assert form_share("List 4 rivers as JSON.", FOUR) == 0.0


def test_a_little_too_much_is_a_little_worse() -> None:
    some = form_share("List 5 rivers.", FOUR)

    assert some is not None
    assert 0.5 < some < 1.0


@given(prompt=st.text(max_size=300), answer=st.text(max_size=300))
def test_any_text_has_a_share_or_none(prompt: str, answer: str) -> None:
    found = form_share(prompt, answer)

    assert found is None or 0.0 <= found <= 1.0
