"""What a blind judge is asked, and what its two answers come to."""

import pytest

from pointsman.feedback.comparison import question, verdict, worth


@pytest.mark.parametrize(
    ("straight", "swapped", "value"),
    [
        ("first", "second", 1.0),
        ("second", "first", 0.0),
        ("same", "same", 0.5),
        ("first", "first", None),
        ("second", "second", None),
        ("same", "first", None),
        (None, "second", None),
        ("first", None, None),
    ],
)
def test_only_what_is_said_in_both_orders_counts(
    straight: str | None, swapped: str | None, value: float | None
) -> None:
    assert worth(straight, swapped) == value


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ('{"better": "first"}', "first"),
        ('```json\n{"better": "same"}\n```', "same"),
        ('{"better": "both"}', None),
        ('{"better": "first", "why": "shorter"}', None),
        ("The first one.", None),
        ("", None),
    ],
)
def test_what_a_judge_says(said: str, found: str | None) -> None:
    assert verdict(said) == found


def test_the_judge_is_not_told_whose_answers_they_are() -> None:
    system, user = question('"why?"', '"one"', '"two"')

    assert isinstance(user, dict)
    assert user["content"].startswith('request: "why?"\nfirst: "one"\nsecond: "two"')
    assert isinstance(system, dict)
    assert "data" in system["content"]
