"""What a Messages request says, and what reaches a server of the same format."""

import json

import pytest
from tests.formats.messages.bodies import ASKED, BETA

from pointsman.conversation import Addressee
from pointsman.errors import BadRequest
from pointsman.formats.messages.format import MessagesClient, MessagesUpstream
from pointsman.types import Json, Turn

CLIENT = MessagesClient()
UPSTREAM = MessagesUpstream()
HI: list[Json] = [{"role": "user", "content": "hi"}]


def asked(**members: Json) -> bytes:
    return json.dumps({"model": "auto", "max_tokens": 64, "messages": HI, **members}).encode()


def test_a_request_is_seen_turn_by_turn() -> None:
    seen = CLIENT.parse(ASKED)

    assert seen.format == "messages"
    assert seen.turns == (
        Turn("system", "Be brief."),
        Turn("user", "Weather here?"),
        Turn("assistant", ""),
        Turn("tool", "15 C"),
        Turn("user", "And tomorrow?"),
        Turn("system", "Answer in French."),
    )
    assert seen.needs == {"tools", "vision", "json_schema"}
    assert seen.max_output_tokens == 2048
    assert not seen.stream
    assert 1_600 < seen.input_tokens < 1_800


def test_a_session_is_found_where_claude_code_puts_it() -> None:
    session = "3c1a9a5e-1111-4222-8333-c0ffee000000"

    for user in (f"user_ab_account__session_{session}", json.dumps({"session_id": session})):
        assert CLIENT.parse(asked(metadata={"user_id": user})).session == session
    assert CLIENT.parse(asked(metadata={"user_id": "u1"})).session is None


@pytest.mark.parametrize(
    ("members", "param", "words"),
    [
        ({"max_tokens": None}, "max_tokens", "max_tokens: Field required"),
        ({"max_tokens": -1}, "max_tokens", "max_tokens: Input should be greater than or equal"),
        ({"max_tokens": 1.5}, "max_tokens", "whole number"),
        ({"model": None}, "model", "model: Field required"),
        ({"model": ""}, "model", "model: Input should be a valid string"),
        ({"messages": None}, "messages", "messages: Field required"),
        ({"messages": []}, "messages", "messages: at least one message is required"),
        ({"messages": "hi"}, "messages", "messages: Input should be a valid list"),
        ({"messages": ["hi"]}, "messages.0", "valid dictionary"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role", "'assistant'"),
        ({"messages": [{"role": "user"}]}, "messages.0.content", "Field required"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages.0.content", "valid string"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages.0.content.0.text",
            "Field required",
        ),
        (
            {"messages": [{"role": "user", "content": [{"text": "x"}]}]},
            "messages.0.content.0.type",
            "Field required",
        ),
        ({"system": [{"type": "image"}]}, "system.0.type", "Input should be 'text'"),
        ({"stream": "yes"}, "stream", "true or false"),
        ({"tools": {}}, "tools", "array"),
        ({"metadata": []}, "metadata", "object"),
    ],
)
def test_what_is_wrong_is_named(members: dict[str, Json], param: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as refused:
        CLIENT.parse(asked(**members))

    assert refused.value.param == param


def test_a_body_that_is_no_object_is_refused() -> None:
    with pytest.raises(BadRequest, match="JSON object"):
        CLIENT.parse(b"[]")


def test_a_limit_of_0_fills_the_cache_and_is_let_through() -> None:
    seen = CLIENT.parse(asked(max_tokens=0))

    assert UPSTREAM.pass_through(seen, Addressee("claude-opus-5-5")).left_out == ()


def test_tokens_are_counted_without_a_limit() -> None:
    few = json.loads(
        CLIENT.count_tokens(b'{"messages":[{"role":"user","content":"hi"}],"model":"a"}')
    )
    many = json.loads(CLIENT.count_tokens(ASKED))

    assert few == {"input_tokens": 5}
    assert many == {"input_tokens": CLIENT.parse(ASKED).input_tokens}


def test_documents_count_by_their_size() -> None:
    def tokens(source: Json) -> int:
        blocks: Json = [{"type": "document", "source": source}]
        return CLIENT.parse(asked(messages=[{"role": "user", "content": blocks}])).input_tokens

    pdf = {"type": "base64", "media_type": "application/pdf"}
    assert tokens({**pdf, "data": "A" * 100}) == 3004
    assert tokens({**pdf, "data": "A" * 250_000}) == 9004
    assert tokens({"type": "url", "url": "https://x/a.pdf"}) == 3004


def test_only_the_model_changes_on_the_way_to_a_server_of_the_same_format() -> None:
    for body in (ASKED, BETA):
        sent = UPSTREAM.pass_through(CLIENT.parse(body), Addressee("claude-haiku-5-5"))

        assert sent.body == body.replace(b'"auto"', b'"claude-haiku-5-5"', 1)
        assert sent.left_out == ()


def test_configuration_may_drop_and_set_members() -> None:
    to = Addressee("m", drop=frozenset({"stop", "seed"}), extra={"service_tier": "standard_only"})

    sent = UPSTREAM.pass_through(CLIENT.parse(ASKED), to)

    body = json.loads(sent.body)
    assert "stop_sequences" not in body
    assert body["service_tier"] == "standard_only"
    assert sent.left_out == ("stop_sequences",)


@pytest.mark.parametrize(
    "thought",
    [
        {"type": "thinking", "thinking": "Hm.", "signature": ""},
        {"type": "thinking", "thinking": "Hm.", "signature": "gemini:Q0Y="},
        {"type": "redacted_thinking", "data": "responses:gAAAAA"},
    ],
)
def test_thinking_that_claude_did_not_sign_does_not_reach_claude(thought: dict[str, Json]) -> None:
    said: Json = {"type": "text", "text": "Hello."}
    request = CLIENT.parse(
        asked(
            messages=[
                *HI,
                {"role": "assistant", "content": [thought, said]},
                *HI,
                {"role": "assistant", "content": [thought]},
                {"role": "user", "content": ""},
            ]
        )
    )

    to_claude = UPSTREAM.pass_through(request, Addressee("claude-haiku-5-5"))
    to_other = UPSTREAM.pass_through(request, Addressee("qwen3:8b"))

    assert json.loads(to_claude.body)["messages"] == [
        *HI,
        {"role": "assistant", "content": [said]},
        *HI,
        {"role": "user", "content": ""},
    ]
    assert to_claude.left_out == ("thinking",)
    assert thought in json.loads(to_other.body)["messages"][1]["content"]
    assert to_other.left_out == ()
