"""Tools on offer, and the choice among them, as OpenAI's reference and Codex 0.169 write them."""

import json

import pytest

from pointsman.conversation import (
    Message,
    Opaque,
    Tool,
    ToolCall,
    ToolChoice,
)
from pointsman.formats.responses.format import ResponsesClient

CLIENT = ResponsesClient()
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
NAMESPACE = {
    "type": "namespace",
    "name": "mcp__docs__",
    "description": "Documentation.",
    "tools": [{"type": "function", "name": "search", "parameters": {}}],
}


def parsed(**members: object):
    return CLIENT.parse(json.dumps({"model": "auto", "input": "hi", **members}).encode())


def told(**members: object):
    return CLIENT.conversation(parsed(**members))


def test_only_the_api_itself_can_say_hosted_tools_and_their_items() -> None:
    conversation = told(
        input=[
            {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {}},
            {"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": "x"},
            {"type": "item_reference", "id": "msg_1"},
            {"id": "msg_2"},
        ],
        tools=[{"type": "file_search"}, {"type": "custom", "name": "apply_patch"}, WEATHER],
    )

    assert conversation.messages == (
        Message(
            "assistant",
            tuple(
                Opaque("responses", kind)
                for kind in (
                    "web_search_call",
                    "custom_tool_call",
                    "item_reference",
                    "item_reference",
                )
            ),
        ),
    )
    assert conversation.tools == (
        Opaque("responses", "file_search"),
        Opaque("responses", "custom"),
        Tool("weather", schema={"type": "object"}, strict=False),
    )


def test_search_without_the_web_is_a_mere_offer() -> None:
    """Codex makes it with every request."""
    conversation = told(tools=[{"type": "web_search", "external_web_access": False}])

    assert (conversation.tools, conversation.advisory) == ((), ("web_search",))


@pytest.mark.parametrize("kind", ["web_search", "web_search_preview"])
def test_search_is_an_offer_among_functions_and_alone_a_demand(kind: str) -> None:
    among, alone = told(tools=[{"type": kind}, WEATHER]), told(tools=[{"type": kind}])

    assert [getattr(tool, "name", None) for tool in among.tools] == ["weather"]
    assert among.advisory == (kind,)
    assert alone.tools == (Opaque("responses", kind),)


def test_functions_in_namespaces_get_flat_names_also_in_earlier_calls() -> None:
    conversation = told(
        input=[
            {
                "type": "function_call",
                "call_id": "call_1",
                "name": "search",
                "namespace": "mcp__docs__",
                "arguments": "{}",
            }
        ],
        tools=[NAMESPACE, WEATHER],
        tool_choice={"type": "function", "name": "search", "namespace": "mcp__docs__"},
    )

    assert [tool.name for tool in conversation.tools if isinstance(tool, Tool)] == [
        "mcp__docs__search",
        "weather",
    ]
    assert conversation.messages[0].parts == (ToolCall("call_1", "mcp__docs__search", "{}"),)
    assert conversation.tool_choice == ToolChoice("required", ("mcp__docs__search",))


def test_flat_names_stay_apart_and_short() -> None:
    long = {**NAMESPACE, "name": "mcp__" + "x" * 70}
    plain = {"type": "function", "name": "mcp__docs__search"}
    names = [tool.name for tool in told(tools=[plain, NAMESPACE, long]).tools]

    assert len(set(names)) == 3
    assert max(map(len, names)) <= 64


@pytest.mark.parametrize(
    ("choice", "canonical"),
    [
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "name": "weather"}, ToolChoice("required", ("weather",))),
        (
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "weather"}],
            },
            ToolChoice("auto", ("weather",)),
        ),
    ],
)
def test_tool_choices(choice: object, canonical: ToolChoice) -> None:
    assert told(tools=[WEATHER], tool_choice=choice).tool_choice == canonical


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "web_search_preview"},
        {"type": "custom", "name": "apply_patch"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp", "server_label": "x"}]},
    ],
)
def test_choices_of_other_tools_are_foreign(choice: object) -> None:
    assert told(tool_choice=choice).foreign == ("tool_choice",)
