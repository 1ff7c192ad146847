"""Two requests in; whether they have the same identity, and may have each other's reply, out."""

import copy
import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from pointsman.cache.identity import Identity, Realm, identify
from pointsman.clock import ManualClock
from pointsman.formats.registry import CLIENTS
from pointsman.types import Call, FormatName, Principal, Target

HERE = Realm("acme", "")
AUTO = Target("auto", "auto")
NOW = ManualClock().now()

CHAT = {
    "model": "auto",
    "messages": [
        {"role": "system", "content": "You are terse."},
        {"role": "user", "content": "What is a cat?"},
        {"role": "assistant", "content": "An animal."},
        {"role": "user", "content": "How long does it live?"},
    ],
    "temperature": 0.2,
    "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
    "response_format": {"type": "json_object"},
    "user": "ann",
}
OTHERS: dict[FormatName, dict[str, object]] = {
    "messages": {
        "model": "auto",
        "max_tokens": 10,
        "system": "You are terse.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "What is a cat?"}]}],
    },
    "responses": {"model": "auto", "input": "What is a cat?", "instructions": "Be terse."},
    "ollama": {"model": "auto", "messages": [{"role": "user", "content": "What is a cat?"}]},
    "ollama_generate": {"model": "auto", "prompt": "What is a cat?"},
    "completions": {"model": "auto", "prompt": "A cat is"},
}


def identity(body, realm=HERE, target=AUTO, *, format_name: FormatName = "chat", embedder="e/1"):
    request = CLIENTS[format_name].parse(json.dumps(body).encode())
    call = Call("req_1", NOW, Principal(realm.organisation), request)
    return identify(call, target, realm, embedder=embedder)


def places(value, path=()):
    """Where in a JSON value something could be changed."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from places(member, (*path, name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from places(member, (*path, index))
    else:
        yield path


def changed(body, path):
    """The body with one character, number or truth value at `path` changed."""
    other = copy.deepcopy(body)
    holder = other
    for step in path[:-1]:
        holder = holder[step]
    value = holder[path[-1]]
    holder[path[-1]] = value + "x" if isinstance(value, str) else value + 1
    return other


def test_order_blanks_and_escapes_of_json_make_no_other_request():
    again = dict(reversed(CHAT.items()))
    assert identity(CHAT) == identity(again)
    request = CLIENTS["chat"].parse(json.dumps(CHAT, indent=3, ensure_ascii=True).encode())
    call = Call("req_2", NOW, Principal("acme"), request)
    assert identify(call, AUTO, HERE, embedder="e/1") == identity(CHAT)


def test_how_the_reply_is_sent_makes_no_other_request():
    streamed = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    assert identity(streamed) == identity(CHAT)


@pytest.mark.parametrize(
    "path",
    [p for p in places(CHAT) if p not in {("messages", 3, "content"), ("messages", 3, "role")}],
)
def test_any_other_character_outside_the_last_user_turn_is_another_partition(path):
    if "role" in path or "type" in path:  # others are refused
        return
    other = identity(changed(CHAT, path))
    assert other.key != identity(CHAT).key
    assert other.partition != identity(CHAT).partition


def test_another_last_user_turn_is_another_request_in_the_same_partition():
    other = identity(changed(CHAT, ("messages", 3, "content")))
    assert other.key != identity(CHAT).key
    assert other.partition == identity(CHAT).partition
    assert (identity(CHAT).turn, other.turn) == (
        "How long does it live?",
        "How long does it live?x",
    )


@pytest.mark.parametrize("extra", ["seed", "top_p", "n", "metadata", "never_heard_of"])
def test_a_member_more_is_another_partition(extra):
    other = identity({**CHAT, extra: 1 if extra != "metadata" else {"a": "b"}})
    assert other.key != identity(CHAT).key
    assert other.partition != identity(CHAT).partition


@pytest.mark.parametrize(
    "realm",
    [
        replace(HERE, organisation="umbrella"),
        replace(HERE, scope="key_1"),
        replace(HERE, epoch="2"),
    ],
)
def test_another_realm_shares_nothing(realm):
    assert identity(CHAT, realm).key != identity(CHAT).key
    assert identity(CHAT, realm).partition != identity(CHAT).partition


@pytest.mark.parametrize(
    "target", [Target("tier", "simple"), Target("deployment", "auto"), Target("location", "local")]
)
def test_another_target_shares_nothing(target):
    assert identity(CHAT, target=target).key != identity(CHAT).key
    assert identity(CHAT, target=target).partition != identity(CHAT).partition


def test_another_embedder_is_another_partition_of_the_same_request():
    assert identity(CHAT, embedder="e/2").key == identity(CHAT).key
    assert identity(CHAT, embedder="e/2").partition != identity(CHAT).partition
    assert identity(CHAT, embedder=None).partition is None


def test_headers_that_reach_the_model_count():
    request = CLIENTS["messages"].parse(json.dumps(OTHERS["messages"]).encode())
    with_beta = replace(request, headers={"anthropic-beta": "x-2026"})
    keys = {
        identify(Call("r", NOW, Principal("acme"), each), AUTO, HERE).key
        for each in (request, with_beta)
    }
    assert len(keys) == 2


def test_what_the_operator_ignores_does_not_count():
    shared = replace(HERE, ignored=frozenset({"user"}))
    assert identity({**CHAT, "user": "bob"}, shared) == identity(CHAT, shared)
    assert identity({**CHAT, "user": "bob"}) != identity(CHAT)


@pytest.mark.parametrize("name", ["messages", "responses", "ollama", "ollama_generate"])
def test_every_format_of_conversations_has_a_last_user_turn(name: FormatName):
    found = identity(OTHERS[name], format_name=name)
    assert found.turn == "What is a cat?"
    assert found.partition is not None


@pytest.mark.parametrize(
    "last",
    [
        {"role": "assistant", "content": "An animal."},
        {"role": "tool", "tool_call_id": "c", "content": "An animal."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]},
    ],
)
def test_what_does_not_end_in_one_text_of_a_users_has_no_partition(last):
    found = identity({**CHAT, "messages": [*CHAT["messages"][:2], last]})
    assert (found.partition, found.turn) == (None, None)


def test_a_text_to_be_completed_has_no_partition():
    assert identity(OTHERS["completions"], format_name="completions").partition is None


def test_the_same_words_in_two_formats_share_nothing():
    keys = {identity(body, format_name=name).key for name, body in OTHERS.items()}
    assert len(keys) == len(OTHERS)


TEXTS = st.text(max_size=20)


@given(st.lists(TEXTS, min_size=4, max_size=4), st.lists(TEXTS, min_size=4, max_size=4))
def test_only_the_same_request_has_the_same_key(one, two):
    """Nothing can be said in one place so that it reads like something in another."""

    def made(parts: list[str]) -> Identity:
        organisation, epoch, system, turn = parts
        messages = [{"role": "system", "content": system}, {"role": "user", "content": turn}]
        realm = Realm(organisation, "", epoch)
        return identity({"model": "auto", "messages": messages}, realm)

    assume(one != two)
    assert made(one).key != made(two).key
    if one[:3] != two[:3]:
        assert made(one).partition != made(two).partition
