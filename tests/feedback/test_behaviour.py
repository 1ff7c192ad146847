"""Dialogues go in; what the user's next turn says of the answer before comes out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pointsman.feedback.behaviour import Given, Memory, move_of, reply_hash
from pointsman.feedback.moods import mood
from pointsman.feedback.signals import TRUST
from pointsman.types import Principal, Turn

US = Principal("us", "key")
SORT = "Write a function that sorts a list of names"
#: Said by a tool.
RESULT = "rain, 12 mm"
SORTED = "def sort_names(names): return sorted(names)"


class Chat:
    """What one user says to the gateway, and what it makes of that."""

    def __init__(self, *, session: str | None = "chat") -> None:
        self.memory = Memory()
        self.session = session
        self.asked = 0

    def ask(
        self,
        *said: str,
        answer: str = "an answer",
        forced: bool = False,
        level: int = 0,
        principal: Principal = US,
    ) -> dict[str, dict[str, float]]:
        """The turns, beginning with the user's; the parts by the number of the request they are of."""
        roles = ["user", "assistant"]
        turns = [Turn("system", f"It is {self.asked} o'clock.")]
        turns += [Turn(roles[at % 2], text) for at, text in enumerate(said)]
        turns = [replace(turn, role="tool") if turn.text == RESULT else turn for turn in turns]
        move = move_of(turns, forced=forced)
        assert move is not None
        told = self.memory.told(principal, self.session, move, level)
        self.asked += 1
        given = Given(str(self.asked), move, level, reply_hash(answer))
        self.memory.note(principal, self.session, given)
        return {} if told is None else {told[0]: told[1]}


@pytest.mark.parametrize(
    ("following", "parts"),
    [
        (SORT, {"repeated": 0.0}),
        ("That's wrong, it loses the last one", {"complained": 0.0}),
        ("no, I meant by their last letter", {"complained": 0.0}),
        ("It still doesn't work. Why?", {"complained": 0.0}),
        ("Are you sure?", {"complained": 0.0}),
        ("Thanks, but that is not what I asked", {"complained": 0.0}),
        ("Das ist falsch. Bitte noch einmal", {"complained": 0.0}),
        ("Das funktioniert leider nicht", {"complained": 0.0}),
        ("Eso no es lo que pedí", {"complained": 0.0}),
        ("No funciona", {"complained": 0.0}),
        ("Thank you! And in Rust?", {"thanked": 1.0}),
        ("Perfect. Now with a key", {"thanked": 1.0}),
        ("Vielen Dank, das hilft", {"thanked": 1.0}),
        ("¡Gracias! ¿Y en Rust?", {"thanked": 1.0}),
        ("And what does it cost in memory?", {"went_on": 1.0}),
        ("No problem, how is it in Rust?", {"went_on": 1.0}),
    ],
)
def test_what_is_said_next(following: str, parts: dict[str, float]) -> None:
    chat = Chat()

    assert chat.ask(SORT, answer=SORTED) == {}
    assert chat.ask(SORT, SORTED, following) == {"1": parts}


def test_the_same_in_other_words_is_the_surer_the_more_alike() -> None:
    near, far = Chat(), Chat()
    near.ask(SORT)
    far.ask(SORT)

    one = near.ask(SORT, "x", "Please write a function that sorts a list of names")["1"]
    other = far.ask(SORT, "x", "Write down some function that sorts a long list of names please")[
        "1"
    ]

    assert 0.0 <= one["rephrased"] < other["rephrased"] <= 0.5


def test_other_numbers_are_another_question() -> None:
    chat = Chat()
    chat.ask("What is the square root of 144 please")

    found = chat.ask(
        "What is the square root of 144 please", "12", "What is the square root of 169 please"
    )

    assert found == {"1": {"went_on": 1.0}}


def test_regenerating_and_editing_are_about_the_answer_that_was_there() -> None:
    chat = Chat()
    chat.ask("Hello")
    chat.ask("Hello", "Hi!", SORT)

    assert chat.ask("Hello", "Hi!", SORT) == {"2": {"regenerated": 0.0}}
    edited = chat.ask("Hello", "Hi!", f"{SORT} by length")
    assert edited.keys() == {"3"}
    assert edited["3"].keys() == {"rephrased"}
    other = chat.ask("Hello", "Hi!", "How are you today, my friend?")
    assert other == {"1": {"went_on": 1.0}}


def test_a_stronger_tier_that_is_named_overrules_what_was_chosen() -> None:
    chat = Chat()
    chat.ask(SORT)

    assert chat.ask(SORT, forced=True, level=2) == {"1": {"regenerated": 0.0, "overruled": 0.0}}
    assert chat.ask(SORT, forced=True, level=2) == {"2": {"regenerated": 0.0}}


def test_who_always_names_a_tier_overrules_nothing() -> None:
    chat = Chat()
    chat.ask(SORT, forced=True)

    found = chat.ask(SORT, "x", "And in Rust, how is it done?", forced=True, level=2)

    assert found == {"1": {"went_on": 1.0}}


def test_in_a_tool_loop_the_last_answer_counts() -> None:
    chat = Chat()
    chat.ask("Is it raining in Rome?")
    assert chat.ask("Is it raining in Rome?", "", RESULT) == {}

    found = chat.ask("Is it raining in Rome?", "", RESULT, "Yes.", "That is wrong")

    assert found == {"2": {"complained": 0.0}}


def test_what_agents_ask_beside_each_other_under_one_name_is_not_one_talk() -> None:
    chat = Chat()
    chat.ask("Find the tests of this repository")

    assert chat.ask("Look which files are large, wherever they are") == {}
    assert chat.ask("Something else", "x", "That is wrong") == {}


class TestWithoutAName:
    """Two people may begin with the same words, so only the very answer links two requests."""

    def test_who_begins_with_the_same_words_repeats_nothing(self) -> None:
        chat = Chat(session=None)
        chat.ask(SORT)

        assert chat.ask(SORT) == {}

    def test_who_goes_on_from_the_very_answer_is_known(self) -> None:
        chat = Chat(session=None)
        chat.ask(SORT, answer=SORTED)

        assert chat.ask(SORT, f" {SORTED}\n", "That is wrong") == {"1": {"complained": 0.0}}

    def test_who_goes_on_from_another_answer_is_somebody_else(self) -> None:
        chat = Chat(session=None)
        chat.ask(SORT, answer=SORTED)

        assert chat.ask(SORT, "sort it yourself", "That is wrong") == {}

    def test_a_later_turn_can_be_regenerated(self) -> None:
        chat = Chat(session=None)
        chat.ask("Hello", "Hi!", SORT)

        assert chat.ask("Hello", "Hi!", SORT) == {"1": {"regenerated": 0.0}}


def test_no_key_hears_of_anothers() -> None:
    chat = Chat()
    chat.ask(SORT)

    assert chat.ask(SORT, "x", "That is wrong", principal=Principal("us", "other")) == {}


def test_nobody_said_anything() -> None:
    assert move_of([Turn("system", "Be kind.")], forced=False) is None


def test_only_the_last_ones_are_remembered() -> None:
    memory = Memory(most=1)
    for text in ("one", "two"):
        move = move_of([Turn("user", text)], forced=False)
        assert move is not None
        memory.note(US, text, Given(text, move, 0, None))

    again = move_of([Turn("user", "one")], forced=False)
    assert again is not None
    assert memory.told(US, "one", again, 0) is None
    assert memory.told(US, "two", again, 0) is None


@pytest.mark.parametrize(
    "text",
    [
        "Is this wrong: 2 + 2 = 5?",
        "Write a thank-you note",
        "What does the error mean?",
        "No idea, what would you take?",
        "I was wrong about the date, it is Monday",
        "Great Britain has how many islands?",
        "Wie geht es weiter?",
        "¿Y ahora?",
    ],
)
def test_what_is_neither_thanks_nor_complaint(text: str) -> None:
    assert mood(text) is None


@given(
    st.lists(
        st.tuples(st.sampled_from(["user", "assistant", "tool"]), st.text(max_size=40)), max_size=6
    )
)
def test_any_conversation_tells_known_parts(turns: list[tuple[str, str]]) -> None:
    memory = Memory()
    for end in range(1, len(turns) + 1):
        move = move_of([Turn(*turn) for turn in turns[:end]], forced=False)
        if move is not None:
            told = memory.told(US, "chat", move, 0)
            assert told is None or (told[1].keys() <= TRUST.keys() and told[0] < str(end))
            memory.note(US, "chat", Given(str(end), move, 0, None))
