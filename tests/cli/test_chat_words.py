"""The chat's pure parts: what they promise for any text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.cli.chat.client import Piece, Record, Used
from pointsman.cli.chat.commands import is_open, unquoted
from pointsman.cli.chat.drawing import Coming
from pointsman.cli.chat.talk import Content, Part, Talk, Totals, Turn, part_of
from pointsman.cli.chat.talk import words as words_of
from pointsman.cli.chat.words import harmless, money, status, took
from pointsman.errors import BadRequest

MARKDOWN = st.text(alphabet=st.sampled_from("ab #*-`>|\n\t1.\u2028第"), max_size=200)


@given(st.text())
def test_nothing_is_left_that_a_terminal_obeys(text: str) -> None:
    shown = harmless(text)

    assert all(char in "\n\t" or char.isprintable() or ord(char) > 0x9F for char in shown)
    assert harmless(shown) == shown


@given(st.lists(MARKDOWN, max_size=8))
def test_blocks_are_given_out_once_and_in_order(pieces: list[str]) -> None:
    coming = Coming()

    given_out = "".join(block for piece in pieces for block in coming.add(Piece(piece)))

    said = harmless("".join(pieces))
    kept = given_out + coming.rest
    assert kept.split() == said.split()
    assert said.endswith(coming.rest)


def test_a_block_is_given_out_when_the_next_one_begins() -> None:
    coming = Coming()

    assert list(coming.add(Piece("One.\n\n"))) == []
    assert list(coming.add(Piece("thought", thought=True))) == []
    assert list(coming.add(Piece("```\ncode\n\ncode\n"))) == ["One.\n\n"]
    assert list(coming.add(Piece("```\n\n- a\n\n- b\n"))) == ["```\ncode\n\ncode\n```\n\n"]
    assert coming.rest == "- a\n\n- b\n"


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, "price unknown"),
        ("0", "$0"),
        ("0.00001234567", "$0.00001235"),
        ("0.5", "$0.50"),
        ("-0.5", "-$0.50"),
        ("12.3456", "$12.35"),
        ("1234.5", "$1234.50"),
    ],
)
def test_money_is_short_and_never_nothing(amount: str | None, shown: str) -> None:
    assert money(None if amount is None else Decimal(amount)) == shown


def test_times_are_short() -> None:
    assert [took(ms) for ms in (None, 3.4, 1234.0)] == ["? s", "3 ms", "1.2 s"]


def record(**more: object) -> Record:
    known = {"tier": "simple", "score": 12.3, "deployment": "small", "scorer": "learned/1"}
    return Record(**{**known, "reasoning": "so", "request_id": "req_1", **more})


def test_the_line_below_an_answer() -> None:
    full = record(usage=Used(4, 9), cost=Decimal("0.001"), saved=Decimal(1), latency_ms=20.0)

    assert status(full, "small", "local") == (
        "small | simple | local | score 12 | 4 + 9 tokens | $0.001 | saved $1.00 | 20 ms"
    )
    assert "exact hit" in status(record(cache="exact"), "small", "local")
    assert status(record(), "small", "cloud", stopped=True).endswith(
        "price unknown | ? s | stopped"
    )
    assert "no figures" in status(None, "small", "local")


def test_totals_say_what_they_do_not_know() -> None:
    spent = Totals()
    spent.add(record(cost=Decimal(1), saved=Decimal(2)), "cloud")
    spent.add(record(cost=Decimal(0), saved=None), "local")
    spent.add(None, "local")

    assert (spent.cost, spent.saved, spent.baseline, spent.unpriced) == (1, 2, 3, 1)


CONTENT = st.one_of(
    st.text(max_size=20),
    st.lists(st.builds(Part, st.just("text"), st.text(max_size=9)), min_size=1),
)


@given(st.lists(st.tuples(CONTENT, st.text(max_size=20)), max_size=4), st.text(max_size=9))
def test_what_is_saved_is_restored(said: list[tuple[Content, str]], system: str) -> None:
    talk = Talk("local", system, {"seed": 4}, [Turn(*each) for each in said])
    other = Talk()

    other.restore(talk.saved())

    assert (other.turns, other.system, other.model) == (talk.turns, system, "local")
    assert other.body("next")["messages"][1 if system else 0 :: 2][:-1] == [
        {"role": "user", "content": question} for question, _ in said
    ]
    assert other.session != talk.session


@given(st.binary(max_size=30))
def test_a_file_is_text_or_an_image_or_refused(content: bytes) -> None:
    assert part_of("a.png", content).type == "image_url"
    try:
        text = content.decode()
    except UnicodeDecodeError:
        with pytest.raises(BadRequest):
            part_of("a.txt", content)
    else:
        assert text.rstrip() in words_of([part_of("a.txt", content)])


@given(st.text(alphabet='ab"\n', max_size=12))
def test_marks_open_and_close(text: str) -> None:
    inner = text.replace('"', "")

    assert is_open(f'"""{inner}')
    assert not is_open(f'"""{inner}"""')
    assert unquoted(f'"""\n{inner}\n"""') == inner.strip("\n")
    assert not is_open(inner)
