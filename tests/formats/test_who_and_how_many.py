"""The end user that a body names, and how many replies it asks for, in every format."""

import json

import pytest

from pointsman.errors import BadRequest
from pointsman.formats.registry import CLIENTS
from pointsman.types import FormatName, Json, ModelRequest

SAID = [{"role": "user", "content": "Hi"}]
LEAST: dict[FormatName, dict[str, Json]] = {
    "chat": {"messages": SAID},
    "completions": {"prompt": "Hi"},
    "embeddings": {"input": "Hi"},
    "messages": {"messages": SAID, "max_tokens": 9},
    "ollama": {"messages": SAID},
    "responses": {"input": "Hi"},
}
OPENAI: tuple[FormatName, ...] = ("chat", "completions", "embeddings", "responses")
DEVICE, ACCOUNT = "d" * 64, "00000000-0000-4000-8000-000000000009"
SESSION = "00000000-0000-4000-8000-000000000001"


def read(name: FormatName, **members: Json) -> ModelRequest:
    return CLIENTS[name].parse(json.dumps({"model": "m", **LEAST[name], **members}).encode())


@pytest.mark.parametrize("name", LEAST)
def test_nobody_is_named_and_one_reply_asked_for(name: FormatName) -> None:
    assert (read(name).user, read(name).choices) == (None, 1)


@pytest.mark.parametrize("name", OPENAI)
def test_the_user_is_named_by_either_of_openais_members(name: FormatName) -> None:
    assert read(name, user="ann").user == "ann"
    assert read(name, safety_identifier="ann").user == "ann"
    assert read(name, user="ann", safety_identifier="hash").user == "ann"
    assert read(name, user="").user is None
    with pytest.raises(BadRequest) as refused:
        read(name, user=7)
    assert refused.value.param == "user"


@pytest.mark.parametrize(
    ("user_id", "user"),
    [
        ("ann", "ann"),
        ("my_session_7", "my_session_7"),
        (f"user_{DEVICE}_account_{ACCOUNT}_session_{SESSION}", f"user_{DEVICE}_account_{ACCOUNT}"),
        (json.dumps({"device_id": DEVICE, "account_uuid": "", "session_id": SESSION}), DEVICE),
        (json.dumps({"device_id": "", "account_uuid": ACCOUNT, "session_id": SESSION}), ACCOUNT),
        ("", None),
    ],
)
def test_in_messages_the_user_stands_in_the_metadata(user_id: str, user: str | None) -> None:
    """Claude Code's stays the same from session to session."""
    assert read("messages", metadata={"user_id": user_id}).user == user


@pytest.mark.parametrize(
    ("name", "members", "choices"),
    [
        ("chat", {"n": 3}, 3),
        ("chat", {"n": None}, 1),
        ("completions", {"n": 3}, 3),
        ("completions", {"n": 2, "best_of": 5}, 5),
        ("completions", {"best_of": 0}, 1),
        ("completions", {"prompt": ["a", "b", "c"], "n": 2}, 6),
        ("completions", {"prompt": [[1, 2], [3]]}, 2),
        ("completions", {"prompt": [1, 2, 3]}, 1),
    ],
)
def test_every_reply_that_is_written_counts(
    name: FormatName, members: dict[str, Json], choices: int
) -> None:
    """Given out or not: what `best_of` draws is paid for, too."""
    assert read(name, **members).choices == choices
