"""Chat requests from the canonical form: what upstreams get, and what is never lost in silence."""

import json

import pytest

from pointsman.conversation import (
    Addressee,
    Conversation,
    Effort,
    File,
    Image,
    Message,
    Opaque,
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
from pointsman.errors import Inexpressible
from pointsman.formats.chat.format import ChatUpstream
from pointsman.types import Json

LOCAL = ChatUpstream()
RICH = ChatUpstream(
    limit_member="max_completion_tokens",
    developer_role=True,
    reasoning_history=True,
    reasoning_object=True,
    cache_control=True,
    allowed_tools=True,
    local_sampling=False,
)
HELLO = Message("user", (Text("hello"),))


def encode(
    upstream: ChatUpstream, *messages: Message, drop: tuple[str, ...] = (), **members: object
) -> tuple[dict[str, Json], tuple[str, ...]]:
    conversation = Conversation(messages or (HELLO,), **members)
    encoded = upstream.encode(conversation, Addressee("m", drop=frozenset(drop)))
    return json.loads(encoded.body), encoded.left_out


def test_a_plain_request_holds_nothing_that_was_not_asked_for() -> None:
    assert encode(LOCAL) == (
        {"model": "m", "messages": [{"role": "user", "content": "hello"}]},
        (),
    )


def test_a_stream_always_asks_for_usage() -> None:
    body, _ = encode(LOCAL, stream=True)

    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}


def test_words_alone_are_one_string_which_every_server_takes() -> None:
    body, _ = encode(
        LOCAL,
        Message("developer", (Text("a"), Text("b"))),
        Message("user", (Text("c"), Text("d")), "ann"),
        Message("assistant", (Text("e"), Text("f"))),
        Message("assistant", (ToolCall("c", "f", "{}"),)),
        Message("tool", (ToolResult("c", (Text("g"), Text("h"))),)),
    )

    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert body["messages"] == [
        {"role": "system", "content": "a\nb"},
        {"role": "user", "content": "c\nd", "name": "ann"},
        {"role": "assistant", "content": "ef"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "g\nh"},
    ]


def test_what_tools_show_follows_their_results() -> None:
    image = Image("image/png", "AAAA")
    body, _ = encode(
        LOCAL,
        HELLO,
        Message("assistant", (ToolCall("1", "f", "{}"), ToolCall("2", "f", "{}"))),
        Message("tool", (ToolResult("1", (Text("see"), image)),)),
        Message("tool", (ToolResult("2", (Text("42"),)),)),
        Message("user", (Text("and?"),)),
    )

    url = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert body["messages"][2:] == [
        {"role": "tool", "tool_call_id": "1", "content": "see"},
        {"role": "tool", "tool_call_id": "2", "content": "42"},
        {"role": "user", "content": [{"type": "text", "text": "(returned by call 1)"}, url]},
        {"role": "user", "content": "and?"},
    ]


def test_hints_are_left_out_by_name_where_the_server_does_not_know_them() -> None:
    hint: Json = {"type": "ephemeral"}
    messages = (
        Message("developer", (Text("a", hint),)),
        Message("assistant", (Thinking("hm", "sig"), ToolCall("c", "f", "{}", "proof"))),
        Message("tool", (ToolResult("c", (Text("no"),), is_error=True),)),
    )
    tools = (Tool("f", cache_control=hint),)

    local, left_out = encode(LOCAL, *messages, tools=tools, advisory=("store",))
    rich, kept = encode(RICH, *messages, tools=tools)

    assert set(left_out) == {"store", "cache_control", "thinking", "thought_signature", "is_error"}
    assert "hm" not in json.dumps(local)
    assert kept == ("is_error",)
    assert rich["messages"][0] == {
        "role": "developer",
        "content": [{"type": "text", "text": "a", "cache_control": hint}],
    }
    assert rich["messages"][1] == {
        "role": "assistant",
        "content": None,
        "reasoning_content": "hm",
        "reasoning_details": [
            {"type": "reasoning.text", "text": "hm", "index": 0, "signature": "sig"}
        ],
        "tool_calls": [
            {
                "id": "c",
                "type": "function",
                "function": {"name": "f", "arguments": "{}"},
                "extra_content": {"google": {"thought_signature": "proof"}},
            }
        ],
    }
    assert rich["tools"] == [{"type": "function", "function": {"name": "f"}, "cache_control": hint}]


@pytest.mark.parametrize(
    ("wish", "effort", "left_out"),
    [
        (Reasoning(effort="xhigh"), "xhigh", ()),
        (Reasoning(budget_tokens=5000), "low", ()),
        (Reasoning(budget_tokens=0), "none", ()),
        (Reasoning("high", adaptive=True), "high", ("adaptive_thinking",)),
        (Reasoning(adaptive=True), None, ("adaptive_thinking",)),
        (Reasoning(visible=True), None, ("reasoning.visible",)),
    ],
)
def test_thinking_is_asked_for_by_effort(
    wish: Reasoning, effort: Effort | None, left_out: tuple[str, ...]
) -> None:
    body, lost = encode(LOCAL, reasoning=wish)

    assert body.get("reasoning_effort") == effort
    assert lost == left_out


def test_a_budget_stays_one_where_the_server_takes_it() -> None:
    body, _ = encode(RICH, reasoning=Reasoning("low", 2000, visible=False))

    assert body["reasoning"] == {"max_tokens": 2000, "exclude": True}
    assert "reasoning_effort" not in body


def test_no_thinking_is_no_thinking_whatever_the_budget() -> None:
    wish = Reasoning("none", 2000)

    assert encode(RICH, reasoning=wish)[0]["reasoning"] == {"effort": "none"}
    assert encode(LOCAL, reasoning=wish)[0]["reasoning_effort"] == "none"


def test_servers_differ_in_their_word_for_the_limit() -> None:
    wish = Sampling(max_tokens=9)

    assert encode(LOCAL, sampling=wish)[0]["max_tokens"] == 9
    assert encode(RICH, sampling=wish)[0]["max_completion_tokens"] == 9


def test_allowed_tools_are_said_or_are_all_there_is() -> None:
    tools = (Tool("a"), Tool("b"), Tool("c"))
    choice = ToolChoice("auto", ("a", "b"))

    local, _ = encode(LOCAL, tools=tools, tool_choice=choice)
    rich, _ = encode(RICH, tools=tools, tool_choice=choice)
    forced, _ = encode(LOCAL, tools=tools, tool_choice=ToolChoice("required", ("b",)))

    assert [tool["function"]["name"] for tool in local["tools"]] == ["a", "b"]
    assert local["tool_choice"] == "auto"
    assert len(rich["tools"]) == 3
    assert rich["tool_choice"]["allowed_tools"]["mode"] == "auto"
    assert len(forced["tools"]) == 3
    assert forced["tool_choice"] == {"type": "function", "function": {"name": "b"}}


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"foreign": ("context_management",)}, "context_management"),
        ({"tools": (Opaque("messages", "web_search"),)}, "web_search"),
        ({"sampling": Sampling(top_k=3)}, "top_k"),
        ({"sampling": Sampling(min_p=0.5)}, "min_p"),
    ],
)
def test_what_chat_can_not_say_is_refused_or_named(members: dict[str, object], name: str) -> None:
    with pytest.raises(Inexpressible) as caught:
        encode(RICH, **members)

    body, left_out = encode(RICH, drop=(name,), **members)

    assert caught.value.param == name
    assert left_out == (name,)
    assert name not in body


@pytest.mark.parametrize(
    ("role", "part"),
    [
        ("user", Opaque("messages", "server_tool_use")),
        ("user", File(file_id="file-1")),
        ("user", File(url="https://x/a.pdf")),
        ("user", Thinking("hm")),
        ("assistant", Image(url="https://x/y.png")),
    ],
)
def test_parts_that_chat_can_not_say_are_refused(role: str, part: Part) -> None:
    with pytest.raises(Inexpressible):
        encode(RICH, Message(role, (Text("a"), part)))


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_parameter_is_dropped_by_any_of_its_names(name: str) -> None:
    body, left_out = encode(RICH, drop=(name, "seed"), sampling=Sampling(max_tokens=9, seed=1))

    assert body.keys() == {"model", "messages"}
    assert left_out == ("max_completion_tokens", "seed")


def test_the_configurations_own_members_win() -> None:
    to = Addressee("m", extra={"temperature": 0.1, "reasoning_format": "none"})
    encoded = LOCAL.encode(Conversation((HELLO,), sampling=Sampling(temperature=1)), to)

    assert json.loads(encoded.body)["temperature"] == 0.1
    assert json.loads(encoded.body)["reasoning_format"] == "none"


def test_a_refusal_stays_one() -> None:
    body, _ = encode(
        LOCAL, HELLO, Message("assistant", (Refusal("No."),)), Message("assistant", ())
    )

    assert body["messages"][1:] == [
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "assistant", "content": ""},
    ]
