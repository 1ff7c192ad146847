"""What is lost on the way is named, once and in one word."""

import pytest

from pointsman.conversation import Addressee, Conversation, Opaque, Tool, ToolChoice
from pointsman.errors import Inexpressible
from pointsman.formats.losses import Losses, Notes, dropped

TO = Addressee("m")


def test_a_decoder_tells_hints_from_what_matters() -> None:
    notes = Notes()

    notes.rest({"known": 1, "hint": 1, "new": 0, "null": None, "empty": []}, {"known"}, {"hint"})
    notes.rest({"new": 1}, set(), place="messages[].")
    notes.rest({"new": 2}, set(), place="messages[].")

    assert notes.advisory == ("hint",)
    assert notes.foreign == ("new", "messages[].new")


def test_a_format_says_itself_what_says_nothing() -> None:
    notes = Notes(lambda name, member: name != "x" and bool(member))

    notes.rest({"x": 1, "y": 0, "z": 1}, set())

    assert notes.foreign == ("z",)


def test_what_is_foreign_is_refused_or_dropped() -> None:
    told = Conversation((), advisory=("store",), foreign=("n",))

    with pytest.raises(Inexpressible, match=r"`n` can't be said in the X format") as refused:
        Losses.of(told, TO, "X")
    assert refused.value.param == "n"

    losses = Losses.of(told, Addressee("m", drop=frozenset({"n"})), "X")
    losses.leave_out("user")
    losses.leave_out("store")
    assert losses.left_out == ("store", "n", "user")


def test_a_call_can_not_be_demanded_of_nothing() -> None:
    required = ToolChoice("required")

    with pytest.raises(Inexpressible, match="without any tools"):
        Losses.of(Conversation((), tool_choice=required), TO, "X")
    assert Losses.of(Conversation((), (Tool("f"),), required), TO, "X").left_out == ()


def test_any_formats_word_drops_a_parameter() -> None:
    losses = Losses("X", {"stop_sequences", "num_predict"})

    assert [losses.keeps(name) for name in ("stop", "max_tokens", "seed")] == [False, False, True]
    assert losses.left_out == ("stop", "max_tokens")
    assert dropped({"seed", "think"}) == {
        "seed",
        "think",
        "thinking",
        "reasoning",
        "reasoning_effort",
    }


def test_what_only_another_format_can_say_is_refused_in_its_words() -> None:
    with pytest.raises(Inexpressible, match="`web_search` of the responses format"):
        Losses("X").refuse_opaque(Opaque("responses", "web_search"))
