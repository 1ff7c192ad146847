"""How it is written, who does it to whom, and to or from where: little signs that make another prompt."""

from __future__ import annotations

import pytest

from pointsman.cache import eligible
from pointsman.cache.guard import Guard
from pointsman.data import read_guard

GUARD = Guard.parse(read_guard())

DIFFERENT = [
    ("code", "What does git branch -d do?", "What does git branch -D do?"),
    ("code", "What does `rm -r /srv/a` do?", "What does `rm -r /srv/A` do?"),
    ("code", r"What does \d match?", r"What does \D match?"),
    ("code", "What does %m mean in strftime?", "What does %M mean in strftime?"),
    ("spelling", "How long does a download of some MB take?", "How long does a download of some Mb take?"),
    ("spelling", "Is CO dangerous?", "Is Co dangerous?"),
    ("spelling", "Comment enlever cette tache ?", "Comment enlever cette tâche ?"),
    ("spelling", "Ich konnte nicht schlafen", "Ich könnte nicht schlafen"),
    ("spelling", "¿Cuántos años tiene mi papa?", "¿Cuántos años tiene mi papá?"),
    ("spelling", "यह पुल क्या है?", "यह पल क्या है?"),
    ("order", "How do I transfer money to my savings account?", "How do I transfer money from my savings account?"),
    ("order", "Can I sue my employer?", "Can my employer sue me?"),
    ("order", "Can he sue her for libel?", "Can she sue him for libel?"),
    ("order", "Muss ich meiner Frau Unterhalt zahlen?", "Muss meine Frau mir Unterhalt zahlen?"),
    ("order", "Overwrite staging with production", "Overwrite production with staging"),
    ("order", "My coach yelled at me, what should I do?", "I yelled at my coach, what should I do?"),
    ("language", "Translate from English to German: moon", "Translate from German to English: moon"),
    ("language", "Put this French text into Spanish", "Put this Spanish text into French"),
    ("quantifier", "How do I delete only empty folders?", "How do I delete all except empty folders?"),
    ("quantifier", "Select rows where every column is null", "Select rows where any column is null"),
    ("quantifier", "Do all birds sing?", "Do most birds sing?"),
    ("quantifier", "Do I need at least two keys?", "Do I need exactly two keys?"),
    ("quantifier", "Do birds always sing?", "Do birds often sing?"),
]  # fmt: skip

SAME = [
    ("How do I get from London to Paris?", "How do I get to Paris from London?"),
    ("How many MB does a song have?", "how many mb does a song have?"),
    ("Compare Python with Ruby", "Compare Ruby with Python"),
    ("Is Node.js fast?", "is node.js fast?"),
    ("Wie alt wird ein Käfer?", "wie alt wird ein Käfer?"),
    ("Can I sue my employer?", "May I sue my employer?"),
    ("My coach yelled at me, what should I do?", "What should I do, my coach yelled at me?"),
    ("How do I say moon in German?", "How can I say moon in German?"),
    ("What did he tell her?", "What was it that he told her?"),
]


@pytest.mark.parametrize(("says", "a", "b"), DIFFERENT)
def test_what_makes_another_prompt_is_named(says: str, a: str, b: str):
    assert GUARD.objection(a, b) == says
    assert GUARD.objection(b, a) == says


@pytest.mark.parametrize(("a", "b"), SAME)
def test_what_makes_no_other_passes(a: str, b: str):
    assert GUARD.objection(a, b) is None
    assert GUARD.objection(b, a) is None


@pytest.mark.parametrize(
    "turn",
    [
        "Who won the game last night?",
        "What is the exchange rate of the euro?",
        "What is the price of gold?",
        "How did the stock price of the railway do?",
    ],
)
def test_what_is_true_for_a_moment_has_no_reply_to_a_similar_prompt(turn: str):
    assert eligible.turn_objection(turn) == "time"
