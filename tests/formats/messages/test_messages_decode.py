"""Messages requests as conversations."""

import pytest
from tests.formats.messages.bodies import ASKED, BETA
from tests.formats.messages.dialogue import HI, NOTES, asked, decoded

from pointsman.conversation import (
    Conversation,
    File,
    Image,
    Message,
    Opaque,
    OutputFormat,
    Reasoning,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from pointsman.errors import BadRequest
from pointsman.types import Json


def test_a_request_is_decoded_in_full() -> None:
    assert decoded(ASKED) == Conversation(
        messages=(
            Message("system", (Text("Be brief.", {"type": "ephemeral", "ttl": "1h"}),)),
            Message(
                "user",
                (
                    Image(media_type="image/png", data="iVBORw0KGgo="),
                    File("Notes", "text/plain", NOTES),
                    Text("Weather here?"),
                ),
            ),
            Message(
                "assistant",
                (
                    Thinking("Look it up.", "EqQBCgIYAhIM"),
                    ToolCall("toolu_01", "get_weather", '{"city":"Paris"}'),
                ),
            ),
            Message("tool", (ToolResult("toolu_01", (Text("15 C"),), name="get_weather"),)),
            Message("user", (Text("And tomorrow?"),)),
            Message("system", (Text("Answer in French."),)),
        ),
        tools=(
            Tool(
                "get_weather",
                "Weather of a city",
                {
                    "type": "object",
                    "properties": {"city": {"type": "string"}},
                    "required": ["city"],
                },
                strict=True,
                cache_control={"type": "ephemeral"},
            ),
            Opaque("messages", "web_search_20250305"),
        ),
        tool_choice=ToolChoice("auto"),
        parallel_tool_calls=False,
        output=OutputFormat("json_schema", schema={"type": "object"}),
        sampling=Sampling(max_tokens=2048, stop=("END",)),
        reasoning=Reasoning("high", adaptive=True, visible=True),
        user="u1",
        advisory=("service_tier",),
    )


def test_what_no_other_format_can_say_is_named() -> None:
    beta = decoded(BETA)

    assert beta.foreign == ("container", "mcp_servers")
    assert beta.advisory == ("context_management",)
    assert beta.reasoning == Reasoning(budget_tokens=1024)
    assert asked(brand_new=1, another=None).foreign == ("brand_new",)
    assert asked(thread={"type": "create"}).foreign == ("thread",)  # the SDK counts on a 400
    assert asked(max_tokens=0).foreign == ("max_tokens",)
    assert asked(thinking={"type": "brand_new"}).foreign == ("thinking",)
    assert asked(output_config={"task_budget": 7}).foreign == ("output_config.task_budget",)
    assert asked(metadata={"user_id": None, "team": "x"}).advisory == ("metadata",)


def test_blocks_that_no_other_format_can_say_are_opaque() -> None:
    blocks: Json = [
        {"type": "search_result", "source": "x", "title": "t", "content": []},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "document", "source": {"type": "content", "content": "x"}},
        {"type": "image", "source": {"type": "url", "url": "https://x/a.png"}},
        {"type": "document", "source": {"type": "url", "url": "https://x/a.pdf"}},
        {"type": "document", "source": {"type": "file", "file_id": "file_2"}},
        {"type": "text", "text": "x", "citations": []},
        {"type": "document", "citations": {"enabled": True}, "cache_control": {}, "context": "c"}
        | {"source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}},
    ]

    conversation = asked(messages=[{"role": "user", "content": blocks}])

    assert conversation.messages[0].parts == (
        Opaque("messages", "search_result"),
        Opaque("messages", "file_id"),
        Opaque("messages", "document"),
        Image(url="https://x/a.png"),
        File(url="https://x/a.pdf"),
        File(file_id="file_2"),
        Text("x"),
        File(None, "application/pdf", "JVBE"),
    )
    assert conversation.foreign == (
        "messages[].content[].citations",
        "messages[].content[].context",
    )
    assert conversation.advisory == ("cache_control",)


def test_a_system_message_is_gone_once_the_user_spoke_on() -> None:
    passing: Json = {"role": "system", "content": "Now.", "clear_at": "next_user_message"}
    user: Json = {"role": "user", "content": "hi"}

    assert asked(messages=[user, passing]).messages == (HI, Message("system", (Text("Now."),)))
    assert asked(messages=[user, passing, user]).messages == (HI, HI)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"tools": [{"name": "f"}]}, "tools.0.input_schema"),
        ({"tools": [{"input_schema": {}}]}, "tools.0.name"),
        ({"tool_choice": {"type": "some"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
        ({"stop_sequences": [1]}, "stop_sequences"),
        ({"temperature": "hot"}, "temperature"),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a"}]}]},
            "messages.0.content.0.name",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": 1}]}]},
            "messages.0.content.0.source",
        ),
    ],
)
def test_what_a_translation_needs_is_checked(members: dict[str, Json], param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        asked(**members)

    assert refused.value.param == param
