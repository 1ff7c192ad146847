"""Conversations as Messages requests."""

import json

from msgspec.structs import replace
from tests.formats.messages.dialogue import ASK, HI, SERVER, UPSTREAM, encoded, said

from pointsman.conversation import (
    Addressee,
    Conversation,
    Image,
    Message,
    OutputFormat,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from pointsman.types import Json

FULL = Conversation(
    messages=(
        Message("system", (Text("Be brief."),)),
        Message("developer", (Text("No jokes.", {"type": "ephemeral"}),)),
        Message("user", (Text("Weather?"), Image(url="https://x/a.png", detail="low"))),
        Message(
            "assistant",
            (
                Thinking("Unsigned."),
                Text(""),
                ToolCall("call_1", "weather", '{"city": "Rome"}'),
            ),
        ),
        Message("tool", (ToolResult("call_1", (Text("15 C"),)),)),
        Message("user", (Text("And?"),), name="ada"),
    ),
    tools=(Tool("weather", strict=True),),
    tool_choice=ToolChoice("required", ("weather",)),
    parallel_tool_calls=False,
    output=OutputFormat("json_schema", schema={"type": "object"}, description="Numbers"),
    sampling=Sampling(temperature=0.5, top_p=1, top_k=4, stop=("END",), n=1, logit_bias={}),
    stream=True,
    user="u1",
    advisory=("store",),
)


def test_a_conversation_is_written() -> None:
    body, left_out = encoded(FULL)

    assert body == {
        "model": SERVER,
        "max_tokens": 4096,
        "system": [
            {"type": "text", "text": "Be brief."},
            {"type": "text", "text": "No jokes.", "cache_control": {"type": "ephemeral"}},
        ],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Weather?"},
                    {"type": "image", "source": {"type": "url", "url": "https://x/a.png"}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": "call_1", "name": "weather"}
                    | {"input": {"city": "Rome"}}
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "call_1", "content": "15 C"},
                    {"type": "text", "text": "And?"},
                ],
            },
        ],
        "temperature": 0.5,
        "top_k": 4,
        "stop_sequences": ["END"],
        "tools": [
            {"name": "weather", "strict": True}
            | {"input_schema": {"type": "object", "properties": {}}}
        ],
        "tool_choice": {"type": "tool", "name": "weather", "disable_parallel_tool_use": True},
        "output_config": {
            "format": {
                "type": "json_schema",
                "schema": {"description": "Numbers", "type": "object"},
            }
        },
        "metadata": {"user_id": "u1"},
        "stream": True,
    }
    assert left_out == ("store", "detail", "thinking", "name")


def test_limits_come_from_the_client_then_from_the_configuration() -> None:
    unlimited = replace(ASK, sampling=Sampling())
    to = Addressee(SERVER, max_output_tokens=900, extra={"top_k": 3})

    assert json.loads(UPSTREAM.encode(ASK, to).body)["max_tokens"] == 64
    assert json.loads(UPSTREAM.encode(unlimited, to).body)["max_tokens"] == 900
    assert encoded(unlimited)[0]["max_tokens"] == 4096
    assert json.loads(UPSTREAM.encode(ASK, to).body)["top_k"] == 3


def test_results_of_one_turn_stand_first_in_one_message() -> None:
    messages = said(
        Message("assistant", (ToolCall("a|1", "f", ""), ToolCall("b", "f", "{}"))),
        Message("tool", (ToolResult("a|1", (), is_error=True),)),
        Message("user", (Text("Go on."),)),
        Message(
            "tool", (ToolResult("b", (Text("x"), Image(media_type="image/png", data="iVBO"))),)
        ),
    )

    assert [each["id"] for each in messages[0]["content"]] == ["a_1", "b"]
    assert messages[1:] == [
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a_1", "is_error": True},
                {
                    "type": "tool_result",
                    "tool_use_id": "b",
                    "content": [
                        {"type": "text", "text": "x"},
                        {"type": "image"}
                        | {"source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
                    ],
                },
                {"type": "text", "text": "Go on."},
            ],
        }
    ]


def test_later_instructions_are_never_lost() -> None:
    late = Message("developer", (Text("In French."),))
    answer = Message("assistant", (Text("Hello."),))

    def roles(*messages: Message, model: str = "claude-haiku-5-5") -> list[Json]:
        return [each["role"] for each in said(*messages, model=model)]

    assert roles(HI, late) == ["user", "system"]
    assert roles(HI, late, answer, HI) == ["user", "system", "assistant", "user"]
    assert roles(HI, late, HI) == ["user"]
    assert roles(HI, answer, late, HI) == ["user", "assistant", "user"]
    assert roles(HI, late, model="claude-haiku-4-5") == ["user"]
    assert said(HI, late)[0]["content"][1]["text"] == "<system>\nIn French.\n</system>"
    assert said(late)[0] == {"role": "user", "content": [{"type": "text", "text": "In French."}]}


def test_only_tools_that_may_be_called_are_sent() -> None:
    tools = (Tool("f"), Tool("g"), Tool("h"))
    some = replace(ASK, tools=tools, tool_choice=ToolChoice("required", ("f", "g")))

    body, _ = encoded(some)

    assert [tool["name"] for tool in body["tools"]] == ["f", "g"]
    assert body["tool_choice"] == {"type": "any"}
    assert encoded(replace(some, tool_choice=ToolChoice("none")))[0]["tool_choice"] == {
        "type": "none"
    }
    assert "tool_choice" not in encoded(replace(some, tool_choice=None))[0]
    assert encoded(replace(some, tool_choice=None, parallel_tool_calls=False))[0][
        "tool_choice"
    ] == {"type": "auto", "disable_parallel_tool_use": True}
