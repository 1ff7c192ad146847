"""What the guard points at, and what it lets pass; `test_guard_languages` does so elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.cache.guard import Guard
from pointsman.data import read_guard
from pointsman.errors import ConfigError

GUARD = Guard.parse(read_guard())

DIFFERENT = [
    ("number", "Plan a week of meals for 4 people", "Plan a week of meals for 6 people"),
    ("number", "Is a fever of 38 dangerous?", "Is a fever of thirty-nine dangerous?"),
    (
        "number",
        "Give 2 apples to Tom and 3 pears to Ann",
        "Give 3 apples to Tom and 2 pears to Ann",
    ),
    ("number", "Which Python 3.11 features are new?", "Which Python 3.12 features are new?"),
    ("number", "Split a bill of $90", "Split a bill of $19"),
    ("number", "What is a third of 60?", "What is a third of 90?"),
    ("unit", "How far is 5 km on a map?", "How far is 5 m on a map?"),
    ("unit", "How tall is the tower in feet?", "How tall is the tower in metres?"),
    ("unit", "How much rent is normal per week?", "How much rent is normal per month?"),
    ("unit", "What can I buy for 20 euros?", "What can I buy for 20 pounds sterling?"),
    ("negation", "Which plants need sun?", "Which plants don't need sun?"),
    ("negation", "Cook rice with a lid", "Cook rice without a lid"),
    ("negation", "Is a passport needed for Malta?", "Is no passport needed for Malta?"),
    ("negation", "Recommend desserts with nuts", "Recommend nut-free desserts with no nuts"),
    ("antonym", "How do I enable dark mode?", "How do I disable dark mode?"),
    ("antonym", "Installing the driver", "Uninstalling the driver"),
    ("antonym", "Turn on the heating", "Turn off the heating"),
    ("antonym", "Is it legal to park here?", "Is it illegal to park here?"),
    ("antonym", "What are the pros of remote work?", "What are the cons of remote work?"),
    ("antonym", "What is the best way to fail?", "What is the worst way to fail?"),
    ("entity", "Where should I eat in Lisbon?", "Where should I eat in Prague?"),
    ("entity", "Is Zorvex worth the money?", "Is Qualtrin worth the money?"),
    ("entity", "What does NAFTA regulate?", "What does MERCOSUR regulate?"),
    ("entity", "is my meeting on tuesday?", "is my meeting on thursday?"),
    ("entity", "how old is google", "how old is microsoft"),
    ("entity", "How often should I brush my dog?", "How often should I brush my cat?"),
    ("order", "Convert CSV to JSON", "Convert JSON to CSV"),
    ("order", "Did Alice hire Bob?", "Did Bob hire Alice?"),
    ("order", "Is iron heavier than lead?", "Is lead heavier than iron?"),
    ("order", "Is every poet a liar?", "Is every liar a poet?"),
    ("quantifier", "Is all glass recyclable?", "Is some glass recyclable?"),
    ("quantifier", "I need at least 3 nights", "I need at most 3 nights"),
    ("quantifier", "Which city has the most bridges?", "Which city has the fewest bridges?"),
    ("tense", "Who is the mayor of the town?", "Who was the mayor of the town?"),
    ("tense", "Should I stretch before a run?", "Should I stretch after a run?"),
    ("time", "What opens today?", "What opens tomorrow?"),
    ("format", "Explain DNS", "Explain DNS as a table"),
    ("format", "Explain DNS in 100 words", "Explain DNS in 200 words"),
    ("format", "Explain DNS in one sentence", "Explain DNS in detail"),
    ("format", "Put the names into JSON", "Put the names into YAML"),
    ("language", "Explain DNS in French", "Explain DNS in Korean"),
    ("language", "Explain DNS to my boss", "Explain DNS to my boss in Spanish"),
    (
        "language",
        "Can you explain what the weather is like in the mountains?",
        "Kannst du mir erklären, wie das Wetter in den Bergen ist?",
    ),
    ("code", "What does git push --force do?", "What does git push --tags do?"),
    ("code", "When is parse_int called?", "When is parse_float called?"),
    ("code", "How do I read config.toml?", "How do I read config.yaml?"),
    ("code", "What's new in v1.2.3?", "What's new in v1.2.4?"),
    ("code", "What is `a` doing?", "What is `b` doing?"),
    ("code", 'What does "carpe diem" mean?', 'What does "memento mori" mean?'),
]

SAME = [
    ("How far is 5 km in miles?", "How many miles are five kilometres?"),
    ("Is 1,500 enough?", "Is 1500 enough?"),
    ("Is 1.5 thousand enough?", "Is 1500 enough?"),
    ("A budget of $2k for a trip", "A trip on a budget of 2000 dollars"),
    ("Is half a litre enough?", "Is 0.5 litres enough?"),
    ("Is 50% enough?", "Would fifty per cent be enough?"),
    ("Are two and a half hours enough?", "Is 2.5 h enough?"),
    ("What costs a dozen eggs?", "What do 12 eggs cost?"),
    ("Do I get a refund within 14 days?", "Is a refund given within two weeks?"),
    ("Am I insured for 7 days?", "Does the insurance hold for a week?"),
    ("Is it ready by the 3rd of May?", "Will it be ready by May 3?"),
    ("One tip for a speech?", "A tip for a speech?"),
    ("Difference between tea and coffee", "How does coffee differ from tea?"),
    ("Tea or coffee, what is healthier?", "What is healthier, coffee or tea?"),
    ("How do I sort a list in Python?", "In Python, how do I sort a list?"),
    ("Capital of the US?", "What is the capital of the United States?"),
    ("How do I deploy to k8s?", "How can one deploy to Kubernetes?"),
    ("List some js frameworks", "Which JavaScript frameworks are there?"),
    ("Is the WHO part of the UN?", "Does the World Health Organization belong to the UN?"),
    ("How slow is my Wi-Fi?", "how slow is my wifi"),
    ("My card was declined", "My card was not accepted"),
    ("Is swimming here dangerous?", "Is it not safe to swim here?"),
    ("Not sure how to fold a shirt", "How do I fold a shirt?"),
    ("Why not learn the flute?", "Why learn the flute?"),
    ("How do I close an account?", "What is the way to close my account?"),
    ("Explain DNS in a table", "Make a table that explains DNS, please: explain it in a table"),
    ("Please write me a short mail", "Write a brief email"),
    ("What opens on Monday?", "what's open on mondays"),
]


@pytest.mark.parametrize(("name", "a", "b"), DIFFERENT)
def test_a_difference_that_counts_is_named(name: str, a: str, b: str):
    assert GUARD.objection(a, b) == name
    assert GUARD.objection(b, a) == name


@pytest.mark.parametrize(("a", "b"), SAME)
def test_the_same_in_other_words_passes(a: str, b: str):
    assert GUARD.objection(a, b) is None
    assert GUARD.objection(b, a) is None


def test_what_is_too_long_to_be_looked_into_must_be_the_same():
    long = "a word and another " * 1000
    assert GUARD.objection(long, long) is None
    assert GUARD.objection(long, long + "more") == "length"


WORDS = st.sampled_from(
    [
        "not",
        "never",
        "Berlin",
        "Paris",
        "5",
        "five",
        "3.5",
        "$20",
        "km",
        "miles",
        "from",
        "to",
        "before",
        "after",
        "all",
        "none",
        "most",
        "least",
        "open",
        "close",
        "'x'",
        '"y"',
        "`z`",
        "--flag",
        "a_b.c",
        "==",
        "the",
        "and",
        "Python",
        "C++",
        "二十",
        "不",
        "北京",
        "कृपया",
        "5%",
        "1/2",
        "½",
        "²",
        "II",
        "in",
        "French",
        "table",
        "json",
        "nicht",
        "¿qué?",
        "n't",
        ",",
        ".",
        "!",
        "-",
        "/",
        ":",
    ]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=14).map(" ".join))


@given(TEXTS, TEXTS)
def test_it_is_symmetric_and_answers_anything(a: str, b: str):
    assert (GUARD.objection(a, b) is None) == (GUARD.objection(b, a) is None)


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str):
    assert GUARD.objection(text, text) is None
    assert GUARD.objection(text, text + " ") is None


@pytest.mark.parametrize(
    "piece", ["'", '"', "a.", "1,", "-", "_a", "not a ", "1:2/", "`", "a+", "A.", "1", "7 km "]
)
def test_no_text_takes_long(piece: str):
    text = piece * (3900 // len(piece))
    assert GUARD.objection(text, f"{text} b") in {None, "code", "entity", "number", "negation"}


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        "language = 5",
        'language = "en"\nantonym = "open / close"',
        'language = "en"\nantonym = [5]',
        'language = "en"\nantonym = ["~ / open"]',
        'language = "en"\nnumbers = "five=many"',
        'unit = ["length: metre"]',
        'name = ["rome"]',
    ],
)
def test_lists_that_cannot_be_read_are_refused(text: str):
    with pytest.raises(ConfigError):
        Guard.parse({"test": text})
