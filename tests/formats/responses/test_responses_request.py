"""Requests: literal bodies as OpenAI's reference, Codex 0.169 and the AI SDK 3 send them."""

import json

import pytest

from pointsman.conversation import (
    Audio,
    File,
    Image,
    Message,
    Opaque,
    OutputFormat,
    Reasoning,
    Refusal,
    Sampling,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from pointsman.errors import BadRequest
from pointsman.formats.responses.format import ResponsesClient
from pointsman.types import Turn

CLIENT = ResponsesClient()
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
NAMESPACE = {
    "type": "namespace",
    "name": "mcp__docs__",
    "description": "Documentation.",
    "tools": [{"type": "function", "name": "search", "parameters": {}}],
}


NEW = {"new": 1}
SOUND = {"data": "QUJD", "format": "wav"}
F = {"type": "function", "name": "f"}
OUTPUT = {"type": "output_text", "text": "4", "annotations": [], "logprobs": []}


def parsed(**members: object):
    return CLIENT.parse(json.dumps({"model": "auto", "input": "hi", **members}).encode())


def told(**members: object):
    return CLIENT.conversation(parsed(**members))


def said(*items: object) -> tuple[Message, ...]:
    return told(input=list(items)).messages


def user(*parts: object) -> dict[str, object]:
    return {"role": "user", "content": list(parts)}


def test_a_string_is_what_a_user_says_and_instructions_stand_before_it() -> None:
    request = parsed(instructions="Be brief.", prompt_cache_key="thread-1", max_output_tokens=9)

    assert request.format == "responses"
    assert request.turns == (Turn("system", "Be brief."), Turn("user", "hi"))
    assert request.members["input"] == b'"hi"'
    assert (request.session, request.max_output_tokens) == ("thread-1", 9)
    assert not request.stream
    assert request.input_tokens == 12


def test_messages_come_with_a_type_or_without_and_in_every_role() -> None:
    assert said(
        {"role": "developer", "content": "Be brief."},
        {"type": "message", "id": "msg_1", "role": "user", "content": "hi"},
        {
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "Hello.", "annotations": [], "logprobs": []},
                {"type": "refusal", "refusal": "No."},
            ],
        },
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Now."}]},
    ) == (
        Message("developer", (Text("Be brief."),)),
        Message("user", (Text("hi"),)),
        Message("assistant", (Text("Hello."), Refusal("No."))),
        Message("system", (Text("Now."),)),
    )


def test_pictures_files_and_sound() -> None:
    (message,) = said(
        user(
            {"type": "input_image", "image_url": "https://x/a.png", "detail": "high"},
            {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "auto"},
            {
                "type": "input_file",
                "filename": "a.pdf",
                "file_data": "data:application/pdf;base64,QUJD",
            },
            {"type": "input_file", "file_url": "https://x/a.pdf"},
            {"type": "input_file", "file_id": "file-1"},
            {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
            {"type": "input_image", "file_id": "file-1", "detail": "auto"},
            {"type": "input_video", "video_url": "https://x/a.mp4"},
        )
    )

    assert message.parts == (
        Image(url="https://x/a.png", detail="high"),
        Image("image/png", "QUJD"),
        File("a.pdf", "application/pdf", "QUJD"),
        File(url="https://x/a.pdf"),
        File(file_id="file-1"),
        Audio("QUJD", "wav"),
        Opaque("responses", "file_id"),
        Opaque("responses", "input_video"),
    )


def test_what_an_assistant_does_in_one_go_is_one_message() -> None:
    """As Codex repeats a turn: the message may stand between a call and its result."""
    assert said(
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Reading."}],
            "content": None,
            "encrypted_content": "gAAAA",
        },
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": "exec_command",
            "arguments": '{"cmd": "ls"}',
        },
        {"type": "message", "role": "assistant", "content": "I look."},
        {"type": "function_call_output", "call_id": "call_1", "output": "note.txt"},
        {
            "type": "function_call_output",
            "call_id": "call_2",
            "output": [{"type": "input_image", "image_url": "https://x/a.png"}],
        },
        {"role": "user", "content": "Go on."},
    ) == (
        Message(
            "assistant",
            (
                Thinking("Reading.", "responses:gAAAA"),
                ToolCall("call_1", "exec_command", '{"cmd": "ls"}'),
                Text("I look."),
            ),
        ),
        Message(
            "tool",
            (
                ToolResult("call_1", (Text("note.txt"),), name="exec_command"),
                ToolResult("call_2", (Image(url="https://x/a.png"),)),
            ),
        ),
        Message("user", (Text("Go on."),)),
    )


def test_settings() -> None:
    conversation = told(
        temperature=0.5,
        top_p=1,
        top_logprobs=2,
        include=["message.output_text.logprobs", "reasoning.encrypted_content"],
        max_output_tokens=100,
        parallel_tool_calls=False,
        user="ada",
        stream=True,
        reasoning={"effort": "low", "summary": "auto"},
        text={
            "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}},
            "verbosity": "low",
        },
        background=False,
        truncation="disabled",
        previous_response_id=None,
    )

    assert conversation.sampling == Sampling(
        max_tokens=100, temperature=0.5, top_p=1, logprobs=True, top_logprobs=2
    )
    assert conversation.reasoning == Reasoning(effort="low", visible=True)
    assert conversation.output == OutputFormat("json_schema", "n", {"type": "object"})
    assert conversation.parallel_tool_calls is False
    assert (conversation.user, conversation.stream) == ("ada", True)
    assert (conversation.advisory, conversation.foreign) == ((), ())
    assert conversation.verbosity == "low"
    assert told(text={"format": {"type": "json_object"}}).output == OutputFormat("json_object")
    assert told(text={"format": {"type": "text"}}).output is None


def test_bookkeeping_is_told_from_what_matters() -> None:
    conversation = told(
        input=[
            {"role": "assistant", "content": "4", "phase": "final_answer"},
            user({"type": "input_text", "text": "x", "prompt_cache_breakpoint": {}}),
        ],
        store=False,
        metadata={"a": "b"},
        client_metadata={"session_id": "s"},
        include=["file_search_call.results"],
        tools=[{**WEATHER, "defer_loading": True, "allowed_callers": ["programmatic"]}],
        reasoning={"effort": "ultra", "context": "auto", "mode": "standard"},
        truncation="auto",
        prompt={"id": "pmpt_1"},
        max_tool_calls=3,
        previous_response_id="resp_1",
        brand_new=1,
    )

    assert set(conversation.advisory) == {
        "store",
        "metadata",
        "client_metadata",
        "include",
        "tools[].defer_loading",
        "messages[].phase",
        "messages[].content[].prompt_cache_breakpoint",
        "reasoning.context",
        "brand_new",
    }
    assert set(conversation.foreign) == {
        "truncation",
        "prompt",
        "max_tool_calls",
        "previous_response_id",
        "tools[].allowed_callers",
        "reasoning.effort",
    }


def test_needs() -> None:
    request = parsed(
        input=[
            user({"type": "input_image", "image_url": "https://x/a.png"}),
            {
                "type": "function_call_output",
                "call_id": "c",
                "output": [
                    {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}}
                ],
            },
        ],
        tools=[WEATHER],
        text={"format": {"type": "json_schema", "name": "n", "schema": {}}},
        top_logprobs=1,
    )

    assert request.needs == {"vision", "audio", "tools", "json_schema", "logprobs"}
    assert request.input_tokens > 765


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": 3}, "input"),
        ({"input": ["hi"]}, "input[0]"),
        ({"input": [{}]}, "input[0]"),
        ({"input": [{"role": "king", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": 3}]}, "input[0].content"),
        ({"input": [user({"text": "x"})]}, "input[0].content[0]"),
        ({"input": [user({"type": "input_text"})]}, "input[0].content[0].text"),
        ({"input": [user({"type": "input_image"})]}, "input[0].content[0].image_url"),
        ({"input": [user({"type": "input_file"})]}, "input[0].content[0].file_data"),
        ({"input": [user({"type": "input_audio"})]}, "input[0].content[0].input_audio"),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"tools": [{}]}, "tools[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{**WEATHER, "parameters": []}]}, "tools[0].parameters"),
        ({"tools": [{**NAMESPACE, "tools": [{"type": "function"}]}]}, "tools[0].tools[0].name"),
        ({"tool_choice": 3}, "tool_choice"),
        ({"text": {"format": {}}}, "text.format"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format"),
        ({"reasoning": "low"}, "reasoning"),
        ({"stream": "yes"}, "stream"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"previous_response_id": 1}, "previous_response_id"),
    ],
)
def test_what_is_wrong_is_named(members: dict[str, object], param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parsed(**members)

    assert refused.value.param == param


def test_an_earlier_response_or_a_prompt_template_can_stand_for_the_input() -> None:
    assert parsed(input=None, previous_response_id="resp_1").turns == ()
    assert parsed(input=None, prompt={"id": "pmpt_1"}).turns == ()


@pytest.mark.parametrize(
    ("members", "name"),
    [
        (
            {"input": [user({"type": "input_audio", "input_audio": SOUND | NEW})]},
            "messages[].content[].input_audio.new",
        ),
        ({"text": {"format": {"type": "json_object"} | NEW}}, "text.format.new"),
        ({"text": {"format": {"type": "text"} | NEW}}, "text.format.new"),
        (
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": {}} | NEW}},
            "text.format.new",
        ),
        ({"text": {"verbosity": "florid"}}, "verbosity"),
        (
            {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [F]} | NEW},
            "tool_choice.new",
        ),
    ],
)
def test_what_nobody_knows_of_a_setting_is_foreign(members: dict[str, object], name: str) -> None:
    conversation = told(**members)

    assert (conversation.advisory, conversation.foreign) == ((), (name,))


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"brand_new": 1}, "brand_new"),
        ({"input": [user({"type": "input_text", "text": "x"}) | NEW]}, "messages[].new"),
        ({"input": [user({"type": "input_text", "text": "x"} | NEW)]}, "messages[].content[].new"),
        (
            {"input": [user({"type": "input_image", "image_url": "https://x/a"} | NEW)]},
            "messages[].content[].new",
        ),
        (
            {"input": [{"type": "function_call_output", "call_id": "c", "output": "x"} | NEW]},
            "messages[].new",
        ),
        ({"tools": [WEATHER | NEW]}, "tools[].new"),
        (
            {"tools": [{"type": "namespace", "name": "n", "tools": []} | NEW]},
            "namespace.new",
        ),
    ],
)
def test_what_a_client_puts_there_of_its_own_is_left_out_by_name(
    members: dict[str, object], name: str
) -> None:
    conversation = told(**members)

    assert (conversation.advisory, conversation.foreign) == ((name,), ())


def test_what_comes_with_what_the_model_said_is_an_echo() -> None:
    echoes = [
        {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant"}
        | {"content": [OUTPUT | {"annotations": [{"type": "url_citation"}]}]},
        {"type": "message", "id": "msg_2", "role": "assistant", "content": [OUTPUT]} | NEW,
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}
        | {"status": "completed", "caller": {"type": "direct"}},
        {"type": "reasoning", "id": "rs_1", "summary": [], "status": None, "newer": 1},
    ]

    conversation = told(input=echoes)

    assert conversation.foreign == ()
    assert conversation.advisory == (
        "messages[].content[].annotations",
        "messages[].new",
        "messages[].tool_calls[].caller",
        "messages[].newer",
    )
