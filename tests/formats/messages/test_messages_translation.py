"""Messages requests as conversations, and conversations as Messages requests."""

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formats.messages.bodies import ASKED, BETA

from pointsman.conversation import (
    Addressee,
    Audio,
    Conversation,
    Encoded,
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
from pointsman.errors import BadRequest, Inexpressible
from pointsman.formats.messages.format import MessagesClient, MessagesUpstream
from pointsman.types import Json

CLIENT = MessagesClient()
UPSTREAM = MessagesUpstream()
HI = Message("user", (Text("hi"),))
ASK = Conversation((HI,), sampling=Sampling(max_tokens=64))
SERVER = "qwen3:8b"  # a server of this format whose models take everything
NOTES = base64.b64encode(b"Paris is rainy.").decode()


def decoded(body: bytes) -> Conversation:
    return CLIENT.conversation(CLIENT.parse(body))


def asked(**members: Json) -> Conversation:
    hi: Json = [{"role": "user", "content": "hi"}]
    body = {"model": "auto", "max_tokens": 64, "messages": hi, **members}
    return decoded(json.dumps(body).encode())


def encoded(
    conversation: Conversation, model: str = SERVER, *drop: str
) -> tuple[dict[str, Json], tuple[str, ...]]:
    sent = UPSTREAM.encode(conversation, Addressee(model, drop=frozenset(drop)))
    return json.loads(sent.body), sent.left_out


def said(*messages: Message, model: str = SERVER) -> list[Json]:
    body, _ = encoded(replace(ASK, messages=messages), model)
    return body["messages"]


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
        Opaque("messages", "image"),
        Opaque("messages", "document"),
        Image(url="https://x/a.png"),
        File(url="https://x/a.pdf"),
        File(file_id="file_2"),
        Text("x"),
        File(None, "application/pdf", "JVBE"),
    )
    assert conversation.foreign == ("citations", "context")
    assert conversation.advisory == ("citations", "cache_control")


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


def test_a_conversation_is_written() -> None:
    conversation = Conversation(
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

    body, left_out = encoded(conversation)

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


UNSAID: list[tuple[Conversation, str]] = [
    (replace(ASK, foreign=("audio",)), "audio"),
    (replace(ASK, output=OutputFormat("json_object")), "response_format"),
    (replace(ASK, tools=(Opaque("responses", "web_search"),)), "web_search"),
    (replace(ASK, sampling=Sampling(n=2)), "n"),
    (replace(ASK, sampling=Sampling(seed=0)), "seed"),
    (replace(ASK, sampling=Sampling(min_p=0.1)), "min_p"),
    (replace(ASK, sampling=Sampling(frequency_penalty=0.1)), "frequency_penalty"),
    (replace(ASK, sampling=Sampling(presence_penalty=0.1)), "presence_penalty"),
    (replace(ASK, sampling=Sampling(logit_bias={"1": 2})), "logit_bias"),
    (replace(ASK, sampling=Sampling(logprobs=True)), "logprobs"),
    (replace(ASK, sampling=Sampling(top_logprobs=2)), "top_logprobs"),
    (replace(ASK, sampling=Sampling(temperature=1.5)), "temperature"),
    (replace(ASK, sampling=Sampling(stop=("\n",))), "stop"),
]
UNSAID_PARTS: list[tuple[Part, str]] = [
    (Audio("AAAA", "wav"), "input_audio"),
    (File(file_id="file-1"), "file"),
    (File(media_type="application/zip", data="AAAA"), "file"),
    (File(media_type="text/plain", data="/w=="), "file"),
    (Image(media_type="image/tiff", data="AAAA"), "image_url"),
    (Opaque("gemini", "executableCode"), "executableCode"),
    (ToolCall("a", "f", "{oops"), "tool_calls"),
]


@pytest.mark.parametrize(
    ("conversation", "param"),
    [
        *UNSAID,
        *((replace(ASK, messages=(HI, Message("user", (part,)))), p) for part, p in UNSAID_PARTS),
        (replace(ASK, messages=(Message("system", (Image(url="https://x"),)), HI)), "messages"),
    ],
)
def test_what_cannot_be_said_is_refused_or_named(conversation: Conversation, param: str) -> None:
    with pytest.raises(Inexpressible, match="Anthropic messages") as refused:
        encoded(conversation)
    assert refused.value.param == param

    body, left_out = encoded(conversation, SERVER, param)
    assert left_out == (param,)
    assert body["messages"][0] == {"role": "user", "content": [{"type": "text", "text": "hi"}]}


def test_what_the_configuration_drops_is_left_out_and_named() -> None:
    everything = replace(
        ASK,
        tools=(Tool("f"),),
        tool_choice=ToolChoice("required"),
        parallel_tool_calls=False,
        output=OutputFormat("json_schema", schema={}),
        sampling=Sampling(max_tokens=20_000, temperature=0.5, top_p=0.5, top_k=5, stop=("x",)),
        reasoning=Reasoning("high"),
        user="u1",
    )
    names = ("max_tokens", "temperature", "top_p", "top_k", "stop", "tools", "response_format")

    body, left_out = encoded(everything, SERVER, *names, "reasoning_effort", "user")

    assert body.keys() == {"model", "max_tokens", "messages"}
    assert set(left_out) == {*names, "reasoning_effort", "user"}
    kept, left_out = encoded(everything, SERVER, "tool_choice", "parallel_tool_calls")
    assert "tool_choice" not in kept
    assert set(left_out) == {"tool_choice", "parallel_tool_calls"}


def test_files_become_documents() -> None:
    def source(file: File) -> Json:
        return said(Message("user", (file,)))[0]["content"][0]["source"]

    pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}
    assert source(File("a.pdf", None, "JVBE")) == pdf
    assert source(File("a.pdf", "application/pdf", "JVBE")) == pdf
    assert source(File(url="https://x/a.pdf")) == {"type": "url", "url": "https://x/a.pdf"}
    assert source(File("a.md", "text/markdown", NOTES)) == {
        "type": "text",
        "media_type": "text/plain",
        "data": "Paris is rainy.",
    }


#: model, what was wished -> thinking, effort, what is left out
WISHES: list[tuple[str, Reasoning, Json, Json, tuple[str, ...]]] = [
    ("claude-opus-5-5", Reasoning("high"), {"type": "adaptive"}, "high", ()),
    ("claude-opus-5-5", Reasoning("minimal"), {"type": "adaptive"}, "low", ()),
    ("claude-opus-5-5", Reasoning("none"), None, "low", ("reasoning",)),
    ("claude-sonnet-5-5", Reasoning("none"), {"type": "between_tools"}, None, ()),
    ("claude-haiku-5-5", Reasoning("none"), {"type": "disabled"}, None, ()),
    ("claude-haiku-5-5", Reasoning("xhigh"), {"type": "adaptive"}, "xhigh", ()),
    ("claude-opus-4-6", Reasoning("xhigh"), {"type": "adaptive"}, "high", ()),
    ("claude-fable-5", Reasoning("none"), None, "low", ("reasoning",)),
    ("claude-mythos-preview", Reasoning("none"), None, "low", ("reasoning",)),
    ("claude-haiku-5-5", Reasoning(budget_tokens=9000), {"type": "adaptive"}, "medium", ()),
    (
        "claude-haiku-5-5",
        Reasoning(adaptive=True, visible=False),
        {"type": "adaptive", "display": "omitted"},
        None,
        (),
    ),
    (
        "claude-haiku-4-5-20251001",
        Reasoning("low", visible=True),
        {"type": "enabled", "budget_tokens": 2048, "display": "summarized"},
        None,
        (),
    ),
    ("claude-sonnet-4-5", Reasoning("max"), {"type": "enabled", "budget_tokens": 5000}, None, ()),
    (SERVER, Reasoning(budget_tokens=1500), {"type": "enabled", "budget_tokens": 1500}, None, ()),
    (SERVER, Reasoning(adaptive=True), {"type": "enabled", "budget_tokens": 8192}, None, ()),
    (SERVER, Reasoning("none"), {"type": "disabled"}, None, ()),
]


@pytest.mark.parametrize(("model", "wish", "thinking", "effort", "left_out"), WISHES)
def test_thinking_is_asked_for_as_the_model_takes_it(
    model: str, wish: Reasoning, thinking: Json, effort: Json, left_out: tuple[str, ...]
) -> None:
    body, named = encoded(replace(ASK, sampling=Sampling(max_tokens=10_000), reasoning=wish), model)

    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort
    assert named == left_out


def test_there_is_no_thinking_without_room_for_it() -> None:
    body, left_out = encoded(replace(ASK, reasoning=Reasoning("high")))

    assert "thinking" not in body
    assert left_out == ("reasoning",)


@pytest.mark.parametrize(
    ("model", "refuses"),
    [
        ("claude-opus-5-5", {"temperature", "tool_choice", "messages"}),
        ("anthropic/claude-opus-5.5", {"temperature", "tool_choice", "messages"}),
        ("claude-fable-5-1", {"temperature", "tool_choice", "messages"}),
        ("claude-haiku-5-5", {"temperature", "messages"}),
        ("claude-opus-4-6", {"messages"}),
        ("claude-haiku-4-5-20251001", set()),
        ("claude-3-5-haiku-20241022", set()),
        ("claude-sonnet-4-20250514", set()),
        (SERVER, set()),
    ],
)
def test_what_a_model_refuses_is_not_sent_to_it(model: str, refuses: set[str]) -> None:
    asks = [
        replace(ASK, sampling=Sampling(temperature=0.2)),
        replace(ASK, tools=(Tool("f"),), tool_choice=ToolChoice("required")),
        replace(ASK, messages=(HI, Message("assistant", (Text("Hello"),)))),
    ]
    refused = set()
    for each in asks:
        try:
            UPSTREAM.encode(each, Addressee(model))
        except Inexpressible as error:
            refused.add(error.param)

    assert refused == refuses
    defaults = replace(ASK, sampling=Sampling(max_tokens=64, temperature=1, top_p=1))
    assert UPSTREAM.encode(defaults, Addressee(model)) == Encoded(
        UPSTREAM.encode(ASK, Addressee(model)).body
    )


words = st.text(min_size=1, max_size=8).filter(str.strip)
ids = st.from_regex(r"toolu_[a-z0-9]{4}", fullmatch=True)
hints = st.none() | st.just({"type": "ephemeral"})
schemas = st.dictionaries(words, words, min_size=1, max_size=2)
objects = st.dictionaries(words, st.integers() | words, max_size=2)
plain = st.builds(Text, words, hints)
pictures = st.just(Image(media_type="image/png", data="iVBO")) | words.map(lambda u: Image(url=u))
files = st.sampled_from(
    [
        File("Notes", "text/plain", NOTES),
        File(None, "application/pdf", "JVBE"),
        File(url="https://x"),
    ]
)
thoughts = st.builds(Thinking, words, words) | st.builds(
    Thinking, st.just(""), words, redacted=st.just(True)
)


@st.composite
def rounds(draw: st.DrawFn) -> list[Message]:
    """A user's words, an answer and the results of the calls in it."""
    call_ids = draw(st.lists(ids, max_size=2, unique=True))
    calls = [
        ToolCall(
            each, draw(words), json.dumps(draw(objects), separators=(",", ":"), ensure_ascii=False)
        )
        for each in call_ids
    ]
    results = [
        ToolResult(
            call.id,
            tuple(draw(st.lists(plain | pictures, max_size=2))),
            draw(st.booleans()),
            call.name,
        )
        for call in calls
    ]
    parts = draw(st.lists(plain | thoughts, min_size=1, max_size=3))
    messages = [Message("assistant", (*parts, *calls))]
    if results:
        messages.append(Message("tool", tuple(results)))
    return [*messages, Message("user", tuple(draw(st.lists(plain | pictures | files, min_size=1))))]


conversations = st.builds(
    Conversation,
    messages=st.lists(rounds(), max_size=2).map(
        lambda rounds: (
            Message("system", (Text("Be brief."),)),
            HI,
            *(m for r in rounds for m in r),
        )
    ),
    tools=st.lists(
        st.builds(Tool, words, st.none() | words, schemas, st.none() | st.booleans(), hints),
        min_size=1,
        max_size=2,
    ).map(tuple),
    tool_choice=st.sampled_from(
        [
            ToolChoice("auto"),
            ToolChoice("none"),
            ToolChoice("required"),
            ToolChoice("required", ("f",)),
        ]
    ),
    output=st.none() | st.builds(OutputFormat, st.just("json_schema"), schema=schemas),
    sampling=st.builds(
        Sampling,
        max_tokens=st.integers(2048, 9999),
        temperature=st.none() | st.floats(0, 0.9),
        top_p=st.none() | st.floats(0, 0.9),
        top_k=st.none() | st.integers(0, 99),
        stop=st.lists(words, max_size=2).map(tuple),
    ),
    reasoning=st.sampled_from(
        [
            None,
            Reasoning("none"),
            Reasoning(budget_tokens=1024),
            Reasoning(budget_tokens=2000, visible=True),
        ]
    ),
    stream=st.booleans(),
    user=st.none() | words,
)


@given(conversations)
def test_what_is_encoded_can_be_decoded(conversation: Conversation) -> None:
    sent = UPSTREAM.encode(conversation, Addressee(SERVER))

    assert decoded(sent.body) == conversation
    assert sent.left_out == ()


def test_thinking_comes_back_to_who_signed_it() -> None:
    thoughts: Json = [
        {"type": "thinking", "thinking": "", "signature": "EqQB"},
        {"type": "redacted_thinking", "data": "b3Bh"},
        {"type": "text", "text": "Hello."},
    ]
    answer = UPSTREAM.read(json.dumps({"content": thoughts}).encode(), 0).choices[0].parts

    assert said(HI, Message("assistant", answer), HI)[1]["content"] == thoughts


def test_words_of_refusal_are_words() -> None:
    assert said(HI, Message("assistant", (Refusal("No."),)), HI)[1] == {
        "role": "assistant",
        "content": [{"type": "text", "text": "No."}],
    }
