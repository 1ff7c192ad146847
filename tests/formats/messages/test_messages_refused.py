"""What Messages requests can't say, and what single models don't take."""

import pytest
from msgspec.structs import replace
from tests.formats.messages.dialogue import ASK, HI, NOTES, SERVER, UPSTREAM, encoded, said

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
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
)
from pointsman.errors import Inexpressible
from pointsman.types import Json

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
    (replace(ASK, tool_choice=ToolChoice("required")), "tool_choice"),
    (replace(ASK, sampling=Sampling(temperature=1.5)), "temperature"),
    (replace(ASK, sampling=Sampling(stop=("\n",))), "stop"),
]
UNSAID_PARTS: list[tuple[Part, str]] = [
    (Audio("AAAA", "wav"), "audio"),
    (File(file_id="file-1"), "file_id"),
    (File(media_type="application/zip", data="AAAA"), "file"),
    (File(media_type="text/plain", data="/w=="), "file"),
    (Image(media_type="image/tiff", data="AAAA"), "image_url"),
    (Opaque("gemini", "executableCode"), "executableCode"),
    (Text(" "), "messages[].content"),
]


@pytest.mark.parametrize(
    ("conversation", "param"),
    [
        *UNSAID,
        *((replace(ASK, messages=(HI, Message("user", (part,)))), p) for part, p in UNSAID_PARTS),
        (
            replace(ASK, messages=(Message("system", (Image(url="https://x"),)), HI)),
            "messages[].content",
        ),
    ],
)
def test_what_cannot_be_said_is_refused_or_named(conversation: Conversation, param: str) -> None:
    with pytest.raises(Inexpressible, match="Anthropic messages") as refused:
        encoded(conversation)
    assert refused.value.param == param

    body, left_out = encoded(conversation, SERVER, param)
    assert left_out == (param,)
    assert body["messages"][0] == {"role": "user", "content": [{"type": "text", "text": "hi"}]}


def test_arguments_that_are_no_object_are_refused_or_none() -> None:
    param = "messages[].tool_calls[].arguments"
    asked = replace(ASK, messages=(HI, Message("assistant", (ToolCall("a", "f", "{oops"),))))

    with pytest.raises(Inexpressible, match="arguments of `f` that are no JSON object") as refused:
        encoded(asked)
    assert refused.value.param == param

    body, left_out = encoded(asked, SERVER, param)
    assert body["messages"][1]["content"][0]["input"] == {}
    assert left_out == (param,)


def test_an_empty_message_is_refused_where_the_user_says_it() -> None:
    nothing = Message("assistant", ())

    body, left_out = encoded(replace(ASK, messages=(Message("system", (Text(""),)), HI, nothing)))
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    assert left_out == ("messages[].content",)

    for empty in [(Message("user", (Text(""),)),), (Message("system", (Text(""),)),), (nothing,)]:
        with pytest.raises(Inexpressible) as refused:
            encoded(replace(ASK, messages=empty))
        assert refused.value.param == "messages[].content"


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
    ("claude-opus-5-5", Reasoning("none"), None, "low", ("reasoning_effort",)),
    ("claude-sonnet-5-5", Reasoning("none"), {"type": "between_tools"}, None, ()),
    ("claude-haiku-5-5", Reasoning("none"), {"type": "disabled"}, None, ()),
    ("claude-haiku-5-5", Reasoning("xhigh"), {"type": "adaptive"}, "xhigh", ()),
    ("claude-opus-4-6", Reasoning("xhigh"), {"type": "adaptive"}, "high", ()),
    ("claude-fable-5", Reasoning("none"), None, "low", ("reasoning_effort",)),
    ("claude-mythos-preview", Reasoning("none"), None, "low", ("reasoning_effort",)),
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
    assert left_out == ("reasoning_effort",)


@pytest.mark.parametrize(
    ("model", "refuses"),
    [
        ("claude-opus-5-5", {"temperature", "tool_choice", "prefill"}),
        ("anthropic/claude-opus-5.5", {"temperature", "tool_choice", "prefill"}),
        ("claude-fable-5-1", {"temperature", "tool_choice", "prefill"}),
        ("claude-haiku-5-5", {"temperature", "prefill"}),
        ("claude-opus-4-6", {"prefill"}),
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
