"""Which requests belong together, and where their session was served last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.routing.sticky import (
    HEADERS,
    LONGEST_NAME,
    Sessions,
    in_tool_loop,
    is_sticky,
    session_of,
)
from pointsman.types import ModelRequest, Principal, Stay, Turn

SYSTEM = Turn("system", "You are a coding agent.")
ASK = Turn("user", "Why does the build fail?")
ANSWER = Turn("assistant", "Because of a missing comma.")
RESULT = Turn("tool", "error: expected ,")
MORE = Turn("user", "Fix it.")

ALICE = Principal("acme", "alice")
BOB = Principal("acme", "bob")
WEAK = Stay("small", "simple")
STRONG = Stay("strong", "complex")
TIERS = ("simple", "medium", "complex")


def request(*turns: Turn, **more: object) -> ModelRequest:
    return ModelRequest(model="auto", turns=turns, **{"members": {}, **more})


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_names_the_session(header: str) -> None:
    assert session_of(request(SYSTEM, ASK), {header: " ses_42 "}) == "ses_42"


def test_the_first_header_in_the_list_counts_and_an_empty_one_does_not() -> None:
    headers = {"thread-id": "t", "x-session-affinity": "a", "x-session-id": ""}

    assert session_of(request(ASK), headers) == "a"


@pytest.mark.parametrize("name", ["x" * 129, "sitzung-für-mich", "two\nlines"])
def test_a_name_that_is_long_or_strange_is_replaced_by_its_hash(name: str) -> None:
    session = session_of(request(ASK), {"x-session-id": name})

    assert session is not None
    assert session.startswith("sha256:")
    assert session != session_of(request(ASK), {"x-session-id": name + "x"})


def test_without_a_name_all_requests_of_a_conversation_share_its_beginning() -> None:
    first = session_of(request(SYSTEM, ASK), {})

    assert first is not None
    assert session_of(request(SYSTEM, ASK, ANSWER, RESULT), {}) == first
    assert session_of(request(SYSTEM, ASK, ANSWER, MORE), {}) == first


@pytest.mark.parametrize(
    "other",
    [
        request(SYSTEM, MORE),
        request(Turn("system", "You are a poet."), ASK),
        request(ASK),
        request(SYSTEM, ASK, session="key"),
        request(SYSTEM, ASK, members={"user": b'"bob"'}),
        request(SYSTEM, ASK, members={"safety_identifier": b'"bob"'}),
    ],
)
def test_another_beginning_user_or_cache_key_is_another_session(other: ModelRequest) -> None:
    assert session_of(other, {}) != session_of(request(SYSTEM, ASK), {})


def test_a_cache_key_that_many_conversations_share_does_not_make_them_one() -> None:
    one, other = request(SYSTEM, ASK, session="our-app"), request(SYSTEM, MORE, session="our-app")

    assert session_of(one, {}) != session_of(other, {})


def test_where_nobody_asks_there_is_no_session() -> None:
    assert session_of(request(), {}) is None
    assert session_of(request(SYSTEM), {}) is None


TURNS = st.builds(
    Turn, st.sampled_from(["system", "user", "assistant", "tool"]), st.text(max_size=20)
)


@given(st.lists(TURNS, max_size=6), st.dictionaries(st.sampled_from(HEADERS), st.text()))
def test_any_session_is_printable_ascii_of_bounded_length(
    turns: list[Turn], headers: dict[str, str]
) -> None:
    session = session_of(request(*turns), headers)

    if session is not None:
        assert session.isascii()
        assert session.isprintable()
        assert 0 < len(session) <= LONGEST_NAME


def test_no_two_beginnings_run_together() -> None:
    parts = [("ab", "c"), ("a", "bc"), ("", "abc"), ("a\n", "bc")]
    sessions = {session_of(request(Turn("system", s), Turn("user", u)), {}) for s, u in parts}

    assert len(sessions) == len(parts)


def test_a_named_session_is_sticky_at_once_and_a_derived_one_when_it_goes_on() -> None:
    turns = (SYSTEM, ASK)
    assert is_sticky(request(*turns), "ses_42")

    derived = session_of(request(*turns), {})
    assert derived is not None
    assert not is_sticky(request(*turns), derived)
    assert not is_sticky(request(*turns, Turn("assistant", "{")), derived)
    assert is_sticky(request(*turns, ANSWER, RESULT), derived)
    assert is_sticky(request(*turns, ANSWER, MORE), derived)


def test_a_loop_goes_on_while_the_last_word_is_a_tools() -> None:
    assert in_tool_loop(request(ASK, ANSWER, RESULT))
    assert in_tool_loop(request(ASK, ANSWER, Turn("function", "42")))
    assert not in_tool_loop(request(ASK, ANSWER, RESULT, MORE))
    assert not in_tool_loop(request())


def test_a_session_is_kept_for_whoever_began_it_while_it_is_warm() -> None:
    sessions = Sessions(TIERS)
    sessions.put(ALICE, "s", STRONG, now=0.0)

    assert sessions.get(ALICE, "s", now=599.0) == STRONG
    assert sessions.get(ALICE, "other", now=0.0) is None
    assert sessions.get(BOB, "s", now=0.0) is None
    assert sessions.get(Principal("rival", "alice"), "s", now=0.0) is None
    assert sessions.get(ALICE, "s", now=600.0) is None


def test_every_request_keeps_it_warm() -> None:
    sessions = Sessions(TIERS)
    for minute in range(60):
        sessions.put(ALICE, "s", WEAK, now=60.0 * minute)

    assert sessions.get(ALICE, "s", now=3600.0) == WEAK


def test_it_rises_and_does_not_fall_until_it_is_cold() -> None:
    sessions = Sessions(TIERS)
    sessions.put(ALICE, "s", WEAK, now=0.0)
    sessions.put(ALICE, "s", STRONG, now=100.0)
    assert sessions.get(ALICE, "s", now=100.0) == STRONG

    sessions.put(ALICE, "s", WEAK, now=200.0)
    assert sessions.get(ALICE, "s", now=799.0) == STRONG

    sessions.put(ALICE, "s", WEAK, now=800.0)
    assert sessions.get(ALICE, "s", now=800.0) == WEAK


def test_within_a_tier_the_last_deployment_counts() -> None:
    sessions, other = Sessions(TIERS), Stay("also-strong", "complex")
    sessions.put(ALICE, "s", STRONG, now=0.0)
    sessions.put(ALICE, "s", other, now=1.0)

    assert sessions.get(ALICE, "s", now=1.0) == other


def test_the_session_unused_for_longest_makes_room() -> None:
    sessions = Sessions(TIERS, most=2)
    sessions.put(ALICE, "a", WEAK, now=0.0)
    sessions.put(ALICE, "b", WEAK, now=1.0)
    sessions.put(ALICE, "a", WEAK, now=2.0)
    sessions.put(ALICE, "c", WEAK, now=3.0)

    assert [sessions.get(ALICE, name, now=3.0) for name in "abc"] == [WEAK, None, WEAK]
