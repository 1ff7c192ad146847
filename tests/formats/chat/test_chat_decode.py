"""Chat requests in the canonical form. Bodies are those of OpenAI's API reference, or as said."""

import pytest
from tests.formats.chat.asking import HELLO, decode

from pointsman.conversation import (
    Audio,
    File,
    Image,
    Message,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    Refusal,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from pointsman.errors import BadRequest

WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object"}},
}


def messages(*sent: dict[str, object]) -> tuple[Message, ...]:
    return decode(messages=list(sent)).messages


def test_every_role_is_heard() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}

    assert messages(
        {"role": "system", "content": "be brief"},
        {"role": "developer", "content": "be kind"},
        {"role": "user", "content": "hi", "name": "ann"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "42"},
        {"role": "assistant", "content": "It is 42.", "refusal": None, "annotations": []},
    ) == (
        Message("system", (Text("be brief"),)),
        Message("developer", (Text("be kind"),)),
        Message("user", (Text("hi"),), "ann"),
        Message("assistant", (ToolCall("call_1", "f", '{"a": 1}'),)),
        Message("tool", (ToolResult("call_1", (Text("42"),), name="f"),)),
        Message("assistant", (Text("It is 42."),)),
    )


@pytest.mark.parametrize(
    ("part", "read"),
    [
        ({"type": "text", "text": "a"}, Text("a")),
        (
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            Text("a", {"type": "ephemeral", "ttl": "1h"}),
        ),
        (
            {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
            Text("a", {"type": "ephemeral"}),
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
            Image(url="https://x/y.png", detail="low"),
        ),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            Image("image/png", "AAAA"),
        ),
        ({"type": "image_url", "image_url": "https://x/y.png"}, Image(url="https://x/y.png")),
        (
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            Audio("AAAA", "wav"),
        ),
        (
            {
                "type": "file",
                "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"},
            },
            File("a.pdf", "application/pdf", "AA"),
        ),
        ({"type": "file", "file": {"file_data": "AA"}}, File(data="AA")),
        ({"type": "file", "file": {"file_id": "file-1"}}, File(file_id="file-1")),
        ({"type": "file", "file": {"file_data": "https://x/a.pdf"}}, File(url="https://x/a.pdf")),
        ({"type": "video_url", "video_url": {"url": "x"}}, Opaque("chat", "video_url")),
    ],
)
def test_every_part_is_seen(part: dict[str, object], read: Part) -> None:
    assert messages({"role": "user", "content": [part]}) == (Message("user", (read,)),)


def test_an_assistants_turn_keeps_what_was_thought_and_refused() -> None:
    """`reasoning_details` as OpenRouter publishes them, in pieces as a stream brings them."""
    details = [
        {"type": "reasoning.text", "text": "Let me ", "index": 0},
        {"type": "reasoning.text", "text": "think.", "index": 0},
        {"type": "reasoning.text", "signature": "c2ln", "index": 0},
        {"type": "reasoning.encrypted", "data": "b3BhcXVl", "index": 1},
        {"type": "reasoning.summary", "summary": "In short.", "index": 2},
    ]
    turn = {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}

    assert messages({**turn, "reasoning_content": "ignored", "reasoning_details": details}) == (
        Message(
            "assistant",
            (
                Thinking("Let me think.", "c2ln"),
                Thinking("", "b3BhcXVl", redacted=True),
                Thinking("In short."),
                Refusal("No."),
            ),
        ),
    )
    plain = {"role": "assistant", "content": "", "reasoning_content": "Hm.", "refusal": "No."}
    assert messages(plain) == (Message("assistant", (Thinking("Hm."), Refusal("No."))),)


def test_geminis_proof_stays_with_its_call() -> None:
    """As in Google's documentation of its OpenAI layer."""
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "sig"}},
    }

    (message,) = messages({"role": "assistant", "tool_calls": [call]})

    assert message.parts == (ToolCall("c", "f", "{}", "sig"),)


def test_the_legacy_shape_of_functions_is_understood() -> None:
    conversation = decode(
        messages=[
            *HELLO,
            {
                "role": "assistant",
                "content": None,
                "function_call": {"name": "f", "arguments": "{}"},
            },
            {"role": "function", "name": "f", "content": "42"},
        ],
        functions=[{"name": "f", "description": "d", "parameters": {"type": "object"}}],
        function_call={"name": "f"},
    )

    assert conversation.tools == (Tool("f", "d", {"type": "object"}),)
    assert conversation.tool_choice == ToolChoice("required", ("f",))
    assert conversation.parallel_tool_calls is None
    assert conversation.messages[1:] == (
        Message("assistant", (ToolCall("call_0_f", "f", "{}"),)),
        Message("tool", (ToolResult("call_0_f", (Text("42"),), name="f"),)),
    )


@pytest.mark.parametrize(
    ("sent", "choice"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ("any", ToolChoice("required")),
        (
            {"type": "function", "function": {"name": "get_weather"}},
            ToolChoice("required", ("get_weather",)),
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [WEATHER]}},
            ToolChoice("auto", ("get_weather",)),
        ),
    ],
)
def test_every_choice_of_tools_is_understood(sent: object, choice: ToolChoice) -> None:
    assert decode(tools=[WEATHER], tool_choice=sent).tool_choice == choice


def test_tools_of_other_kinds_are_kept_apart() -> None:
    custom = {"type": "custom", "custom": {"name": "patch"}}
    called = {"id": "c", "type": "custom", "custom": {"name": "patch", "input": "x"}}
    conversation = decode(
        tools=[WEATHER, custom],
        messages=[*HELLO, {"role": "assistant", "tool_calls": [called]}],
        tool_choice={"type": "custom", "custom": {"name": "patch"}},
    )

    assert conversation.tools == (
        Tool("get_weather", schema={"type": "object"}),
        Opaque("chat", "custom"),
    )
    assert conversation.messages[1].parts == (Opaque("chat", "custom"),)
    assert conversation.foreign == ("tool_choice",)


@pytest.mark.parametrize(
    ("sent", "output"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, OutputFormat("json_object")),
        (
            {"type": "json_object", "schema": {"type": "object"}},
            OutputFormat("json_schema", schema={"type": "object"}),
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}},
            OutputFormat("json_schema", "n", {}, strict=True),
        ),
    ],
)
def test_the_form_of_the_answer_is_understood(sent: object, output: OutputFormat | None) -> None:
    assert decode(response_format=sent).output == output


def test_sampling_is_read_in_full() -> None:
    conversation = decode(
        max_completion_tokens=5,
        max_tokens=9,
        temperature=0,
        top_p=0.5,
        top_k=3,
        min_p=0.1,
        stop="END",
        n=2,
        seed=-7,
        frequency_penalty=0,
        presence_penalty=-0.5,
        logit_bias={"42": -100},
        logprobs=True,
        top_logprobs=2,
        parallel_tool_calls=True,
        user="ann",
    )

    assert conversation.sampling == Sampling(
        max_tokens=5,
        temperature=0,
        top_p=0.5,
        top_k=3,
        min_p=0.1,
        stop=("END",),
        n=2,
        seed=-7,
        presence_penalty=-0.5,
        logit_bias={"42": -100},
        logprobs=True,
        top_logprobs=2,
    )
    assert conversation.parallel_tool_calls is True
    assert conversation.user == "ann"
    assert decode(stop=["a", "b"], max_tokens=0).sampling == Sampling(stop=("a", "b"))


@pytest.mark.parametrize(
    ("members", "reasoning"),
    [
        ({"reasoning_effort": "xhigh"}, Reasoning(effort="xhigh")),
        ({"reasoning": {"effort": "low", "exclude": True}}, Reasoning("low", visible=False)),
        ({"reasoning": {"max_tokens": 2000}}, Reasoning(budget_tokens=2000)),
        ({"reasoning": {"enabled": True}}, Reasoning("medium")),
        ({"reasoning": {"enabled": False}}, Reasoning("none")),
        ({"include_reasoning": True}, Reasoning(visible=True)),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, Reasoning(budget_tokens=9)),
        ({"thinking": {"type": "enabled"}}, Reasoning(adaptive=True)),
        ({"thinking": {"type": "disabled"}}, Reasoning("none")),
        ({"reasoning": {}}, None),
    ],
)
def test_every_wish_for_thinking_is_understood(
    members: dict[str, object], reasoning: Reasoning | None
) -> None:
    assert decode(**members).reasoning == reasoning


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"messages": [*HELLO, {"role": "tool", "content": "x"}]}, "messages[1].tool_call_id"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0].image_url.url",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file"}]}]},
            "messages[0].content[0].file",
        ),
        (
            {"messages": [*HELLO, {"role": "assistant", "tool_calls": [{"type": "function"}]}]},
            "messages[1].tool_calls[0].function",
        ),
        ({"tools": [{"type": "function"}]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"temperature": "hot"}, "temperature"),
        ({"stop": 7}, "stop"),
        ({"stop": ["a", 7]}, "stop"),
        ({"logit_bias": {"a": "b"}}, "logit_bias"),
        ({"reasoning": "high"}, "reasoning"),
        ({"user": 7}, "user"),
    ],
)
def test_what_can_not_be_translated_names_the_member_at_fault(
    members: dict[str, object], param: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        decode(**members)

    assert caught.value.param == param
