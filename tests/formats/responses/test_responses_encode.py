"""Requests for upstreams that speak the format: passed through, or written."""

import json

import pytest

from pointsman.conversation import (
    Addressee,
    Audio,
    Conversation,
    File,
    Image,
    Message,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from pointsman.errors import Inexpressible
from pointsman.formats.responses.format import ResponsesClient, ResponsesUpstream

CLIENT = ResponsesClient()
UPSTREAM = ResponsesUpstream()


def asked(**members: object):
    return CLIENT.parse(json.dumps({"model": "auto", "input": "hi", **members}).encode())


def encoded(conversation: Conversation, **to: object):
    written = UPSTREAM.encode(conversation, Addressee("gpt-5", **to))
    return json.loads(written.body), written.left_out


def items(role: str, *parts: Part):
    body, left_out = encoded(Conversation((Message(role, parts),)))
    return body["input"], left_out


def test_pass_through_changes_only_what_must_change() -> None:
    request = CLIENT.parse(
        b'{"new": {"a": 1.50},"model":"auto","input": [{"role":"user","content":"x"}],"user": "u"}'
    )
    written = UPSTREAM.pass_through(
        request, Addressee("gpt-5", drop=frozenset({"user"}), extra={"store": False})
    )

    assert written.body == (
        b'{"new":{"a": 1.50},"model":"gpt-5","input":[{"role":"user","content":"x"}],"store":false}'
    )
    assert written.left_out == ("user",)


def test_thinking_of_other_providers_does_not_pass() -> None:
    own = {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}
    other = {"type": "reasoning", "summary": [], "encrypted_content": "pointsman:thinking:SIG"}
    words = {"role": "user", "content": "pointsman:thinking:"}
    written = UPSTREAM.pass_through(asked(input=[own, other, words]), Addressee("gpt-5"))

    assert json.loads(written.body)["input"] == [own, words]
    assert written.left_out == ("thinking",)


def test_what_a_user_says_is_one_item() -> None:
    assert items(
        "user",
        Text("hi", cache_control={"type": "ephemeral"}),
        Image("image/png", "QUJD"),
        Image(url="https://x/a.png", detail="low"),
        File("a.pdf", "application/pdf", "QUJD"),
        File(url="https://x/a.pdf"),
    ) == (
        [
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "hi"},
                    {
                        "type": "input_image",
                        "image_url": "data:image/png;base64,QUJD",
                        "detail": "auto",
                    },
                    {"type": "input_image", "image_url": "https://x/a.png", "detail": "low"},
                    {
                        "type": "input_file",
                        "filename": "a.pdf",
                        "file_data": "data:application/pdf;base64,QUJD",
                    },
                    {"type": "input_file", "file_url": "https://x/a.pdf"},
                ],
            }
        ],
        ("cache_control",),
    )


def test_an_assistants_turn_is_several_items_with_the_thinking_that_the_upstream_encrypted() -> (
    None
):
    assert items(
        "assistant",
        Thinking("Hm.", "responses:gAAAA"),
        Thinking("Hm.", "of another provider"),
        Text("I look."),
        ToolCall("call_1", "weather", "{}"),
    ) == (
        [
            {
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": "Hm."}],
                "encrypted_content": "gAAAA",
            },
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "I look."}],
            },
            {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"},
        ],
        ("thinking",),
    )


def test_tool_results_are_items() -> None:
    assert items(
        "tool",
        ToolResult("call_1", (Text("sunny"),), is_error=True),
        ToolResult("call_2", ()),
        ToolResult("call_3", (Text("a"), Text("b"))),
    ) == (
        [
            {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
            {"type": "function_call_output", "call_id": "call_2", "output": ""},
            {
                "type": "function_call_output",
                "call_id": "call_3",
                "output": [
                    {"type": "input_text", "text": "a"},
                    {"type": "input_text", "text": "b"},
                ],
            },
        ],
        ("is_error",),
    )


def test_settings_are_written_and_configuration_has_the_last_word() -> None:
    body, left_out = encoded(
        Conversation(
            (),
            tools=(Tool("weather", schema={"type": "object"}),),
            tool_choice=ToolChoice("auto", ("weather",)),
            output=OutputFormat("json_schema", "n", {}, strict=True),
            sampling=Sampling(max_tokens=9, temperature=0.5, logprobs=True, top_logprobs=1, n=1),
            reasoning=Reasoning(budget_tokens=3000, adaptive=True, visible=True),
            stream=True,
            advisory=("metadata",),
        ),
        drop=frozenset({"temperature", "max_tokens"}),
        extra={"service_tier": "flex"},
    )

    weather = {"type": "function", "name": "weather"}
    assert body == {
        "model": "gpt-5",
        "input": [],
        "store": False,
        "tools": [
            {**weather, "description": None, "parameters": {"type": "object"}, "strict": None}
        ],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [weather]},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True}},
        "reasoning": {"effort": "low", "summary": "auto"},
        "top_logprobs": 1,
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "stream": True,
        "service_tier": "flex",
    }
    assert left_out == ("metadata", "adaptive_thinking", "max_tokens", "temperature")


@pytest.mark.parametrize(
    ("conversation", "param"),
    [
        (Conversation((), foreign=("audio",)), "audio"),
        (Conversation((), sampling=Sampling(n=2)), "n"),
        (Conversation((), sampling=Sampling(stop=("x",))), "stop"),
        (Conversation((), sampling=Sampling(seed=0)), "seed"),
        (Conversation((), tools=(Opaque("messages", "bash"),)), "bash"),
        (Conversation((Message("user", (Audio("QUJD", "wav"),)),)), "audio"),
        (Conversation((Message("user", (File(file_id="f"),)),)), "file_id"),
        (Conversation((Message("user", (Opaque("messages", "search"),)),)), "search"),
        (
            Conversation((Message("tool", (ToolResult("c", (Opaque("messages", "s"),)),)),)),
            "s",
        ),
    ],
)
def test_what_can_not_be_said_is_refused_or_dropped_where_that_is_wanted(
    conversation: Conversation, param: str
) -> None:
    with pytest.raises(Inexpressible) as refused:
        encoded(conversation)

    assert refused.value.param == param
    assert encoded(conversation, drop=frozenset({param}))[1] == (param,)
