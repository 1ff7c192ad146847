"""Conversations as generateContent requests: what Google's own client would send."""

import json
from typing import Any

import pytest
from msgspec.structs import replace
from tests.formats.gemini import payloads
from tests.formats.gemini.asking import HELLO, NEW, OLD, WEATHER, body_of, encoded
from tests.support.gemini_upstream import camel

from pointsman.conversation import (
    Audio,
    Conversation,
    File,
    Image,
    Message,
    OutputFormat,
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


def says(*messages: Message) -> list[Any]:
    contents: list[Any] = encoded(Conversation(messages))[0]["contents"]
    return contents


def test_sampling_is_said_as_googles_own_client_says_it() -> None:
    wish = Sampling(
        max_tokens=100,
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        stop=("END",),
        n=2,
        seed=7,
        frequency_penalty=0.2,
        presence_penalty=0.1,
        logprobs=True,
        top_logprobs=3,
    )
    asked = Conversation((Message("system", (Text("Be brief."),)), *HELLO.messages), sampling=wish)

    assert body_of(asked) == camel(json.loads(payloads.SAMPLING))


def test_tools_calls_and_results_are_said_as_googles_own_client_says_them() -> None:
    asked = Conversation(
        (
            Message("user", (Text("Weather in Rome and Oslo?"),)),
            Message(
                "assistant",
                (
                    Thinking("I should look."),
                    ToolCall("c1", "weather", '{"city": "Rome"}', signature="AQID"),
                    ToolCall("c2", "weather", '{"city": "Oslo"}'),
                ),
            ),
            Message("tool", (ToolResult("c1", (Text("sunny"),)),)),
            Message(
                "tool",
                (
                    ToolResult(
                        "c2",
                        (Text("no such city"), Image("image/png", "cG5n")),
                        is_error=True,
                    ),
                ),
            ),
        ),
        tools=(WEATHER,),
        tool_choice=ToolChoice("required", ("weather",)),
        reasoning=Reasoning(effort="low", visible=True),
        stream=True,
    )

    body, left_out = encoded(asked)

    assert body == camel(json.loads(payloads.TOOLS))
    assert left_out == ()


def test_json_output_is_said_as_googles_own_client_says_it() -> None:
    asked = Conversation(
        (Message("user", (Text("A city"),)),),
        output=OutputFormat("json_schema", schema=payloads.SCHEMA),
        reasoning=Reasoning(effort="low"),
    )

    assert body_of(asked, OLD) == camel(json.loads(payloads.JSON_OUTPUT))


def test_media_are_said_as_googles_own_client_says_them() -> None:
    parts = (
        Text("What is this?"),
        Image("image/png", "cG5n"),
        Image(url="https://example.com/a/cat.jpg?x=1"),
        Audio("d2F2", "wav"),
        File(media_type="application/pdf", data="cGRm"),
    )

    body = body_of(Conversation((Message("user", parts),)))

    assert body == camel(json.loads(payloads.MEDIA))


def test_leading_system_messages_are_the_instruction_and_later_ones_keep_their_place() -> None:
    body = body_of(
        Conversation(
            (
                Message("system", (Text("One."),)),
                Message("developer", (Text("Two."),)),
                Message("user", (Text("Hi"),)),
                Message("system", (Text("Three."),)),
                Message("assistant", (Text("Hello"), Refusal("No."))),
            )
        )
    )

    assert body["systemInstruction"] == {"parts": [{"text": "One."}, {"text": "Two."}]}
    assert body["contents"] == [
        {
            "role": "user",
            "parts": [
                {"text": "Hi"},
                {"text": "<system_instruction>\nThree.\n</system_instruction>"},
            ],
        },
        {"role": "model", "parts": [{"text": "Hello"}, {"text": "No."}]},
    ]


def test_an_instruction_alone_is_said_by_the_user() -> None:
    body = body_of(Conversation((Message("system", (Text("Sing."),)),)))

    assert "systemInstruction" not in body
    assert [content["role"] for content in body["contents"]] == ["user"]


def test_a_user_who_says_nothing_still_has_a_turn() -> None:
    assert says(Message("user", (Text(""),))) == [{"role": "user", "parts": [{"text": ""}]}]


def test_results_stand_together_and_apart_from_what_the_user_says_next() -> None:
    contents = says(
        Message("assistant", (ToolCall("a", "f", ""), ToolCall("b", "g", "{}"))),
        Message("tool", (ToolResult("a", (Text("1"), Text("2"))),)),
        Message("tool", (ToolResult("b", ()),)),
        Message("user", (Text("And?"),)),
    )

    assert [content["role"] for content in contents] == ["model", "user", "user"]
    first, second = (part["functionResponse"] for part in contents[1]["parts"])
    assert first == {"id": "a", "name": "f", "response": {"output": ["1", "2"]}}
    assert second == {"id": "b", "name": "g", "response": {"output": ""}}


def test_a_call_that_another_model_made_gets_the_word_that_google_wants_for_it() -> None:
    history = (
        Message("assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}"))),
        Message("tool", (ToolResult("a", ()), ToolResult("b", ()))),
    )

    new = body_of(Conversation(history), NEW)["contents"][0]["parts"]
    old = body_of(Conversation(history), OLD)["contents"][0]["parts"]

    assert [part.get("thoughtSignature") for part in new] == [
        "skip_thought_signature_validator",
        None,
    ]
    assert all("thoughtSignature" not in part for part in old)


def test_thinking_that_another_provider_signed_is_left_out_and_named() -> None:
    thoughts = (
        Thinking("theirs", "ErUBCkYIBxgCIkD"),
        Thinking("", "secret", redacted=True),
        Thinking("ours", "gemini:c2ln"),
        Thinking("", "gemini:dGV4dA=="),
        Thinking("unsigned"),
        Thinking(""),
    )

    body, left_out = encoded(Conversation((Message("assistant", thoughts),)))

    assert left_out == ("thinking",)
    assert body["contents"][0]["parts"] == [
        {"text": "ours", "thought": True, "thoughtSignature": "c2ln"},
        {"text": "", "thoughtSignature": "dGV4dA=="},
        {"text": "unsigned", "thought": True},
    ]


@pytest.mark.parametrize(
    ("model", "wish", "said"),
    [
        (NEW, Reasoning(effort="none"), {"thinkingLevel": "LOW"}),
        ("gemini-3.5-flash-lite", Reasoning(effort="none"), {"thinkingLevel": "MINIMAL"}),
        (NEW, Reasoning(effort="max"), {"thinkingLevel": "HIGH"}),
        (NEW, Reasoning(budget_tokens=9000), {"thinkingLevel": "MEDIUM"}),
        (NEW, Reasoning(adaptive=True, visible=False), {"includeThoughts": False}),
        ("models/gemini-flash-latest", Reasoning(effort="high"), {"thinkingLevel": "HIGH"}),
        (OLD, Reasoning(effort="none"), {"thinkingBudget": 0}),
        (OLD, Reasoning(effort="max"), {"thinkingBudget": 24576}),
        (OLD, Reasoning(budget_tokens=9000), {"thinkingBudget": 9000}),
        (OLD, Reasoning(adaptive=True), {"thinkingBudget": -1}),
        ("gemini-2.5-pro", Reasoning(effort="none"), {"thinkingBudget": 128}),
        ("gemini-2.5-pro", Reasoning(effort="max"), {"thinkingBudget": 32768}),
    ],
)
def test_how_much_to_think(model: str, wish: Reasoning, said: dict[str, Any]) -> None:
    body, _ = encoded(replace(HELLO, reasoning=wish), model)

    assert body["generationConfig"]["thinkingConfig"] == said


def test_thinking_as_the_model_likes_says_nothing_to_a_model_that_does_so_anyway() -> None:
    assert "generationConfig" not in body_of(replace(HELLO, reasoning=Reasoning(adaptive=True)))


@pytest.mark.parametrize(
    ("choice", "strict", "config"),
    [
        (None, False, None),
        (None, True, {"mode": "VALIDATED"}),
        (ToolChoice("auto"), False, {"mode": "AUTO"}),
        (ToolChoice("auto", ("weather",)), True, {"mode": "VALIDATED"}),
        (ToolChoice("none"), True, {"mode": "NONE"}),
        (ToolChoice("required"), False, {"mode": "ANY"}),
    ],
)
def test_which_tools_may_be_called(
    choice: ToolChoice | None,
    strict: bool,  # noqa: FBT001 - a case of the table
    config: dict[str, Any] | None,
) -> None:
    tools = (replace(WEATHER, strict=strict), Tool("other"))

    body = body_of(replace(HELLO, tools=tools, tool_choice=choice, parallel_tool_calls=True))

    said = body.get("toolConfig", {}).get("functionCallingConfig")
    declared = [each["name"] for each in body["tools"][0]["functionDeclarations"]]
    assert said == config
    assert declared == (["weather"] if choice and choice.names else ["weather", "other"])


def test_a_choice_without_tools_says_nothing() -> None:
    assert "toolConfig" not in body_of(replace(HELLO, tool_choice=ToolChoice("auto")))


def test_an_output_formats_description_goes_into_its_schema() -> None:
    wish = OutputFormat("json_schema", schema={"type": "object"}, description="A city.")

    config = body_of(replace(HELLO, output=wish))["generationConfig"]

    assert config["responseJsonSchema"] == {"description": "A city.", "type": "object"}
    wish = OutputFormat("json_object")
    config = body_of(replace(HELLO, output=wish))["generationConfig"]
    assert config == {"responseMimeType": "application/json"}
