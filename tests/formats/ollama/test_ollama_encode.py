"""The canonical form in Ollama's words, and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pointsman.conversation import (
    Addressee,
    Audio,
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
from pointsman.errors import BadRequest, Inexpressible
from pointsman.formats.ollama.format import GenerateUpstream, OllamaClient, OllamaUpstream
from pointsman.types import Json

HI = Message("user", (Text("hi"),))
WEATHER = Tool("weather", "Tells the weather.", {"type": "object", "properties": {}})
TO = Addressee("qwen3:8b")


def encoded(conversation: Conversation, to: Addressee = TO) -> dict[str, Json]:
    return json.loads(OllamaUpstream().encode(conversation, to).body)


def left_out(conversation: Conversation, to: Addressee = TO) -> tuple[str, ...]:
    return OllamaUpstream().encode(conversation, to).left_out


def decoded(body: dict[str, object]) -> Conversation:
    client = OllamaClient()
    return client.conversation(client.parse(json.dumps({"model": "m", **body}).encode()))


def test_a_prompt_that_is_too_long_is_an_error_and_not_cut() -> None:
    to = Addressee("qwen3:8b", extra={"num_ctx": 16384, "keep_alive": "1h"})

    assert encoded(Conversation((HI,), stream=True), to) == {
        "model": "qwen3:8b",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "truncate": False,
        "options": {"num_ctx": 16384},
        "keep_alive": "1h",
    }


def test_a_conversation_with_tools() -> None:
    said = Conversation(
        (
            Message("developer", (Text("Be brief."),)),
            Message("user", (Text("Weather"), Text("in Paris?"))),
            Message(
                "assistant", (Thinking("hm", "sig"), ToolCall("c1", "weather", '{"city":"Paris"}'))
            ),
            Message(
                "tool", (ToolResult("c1", (Text("sunny"), Image("image/png", "iVBORw0KGgo="))),)
            ),
        ),
        tools=(WEATHER,),
    )

    sent = encoded(said)

    assert sent["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather\nin Paris?"},
        {
            "role": "assistant",
            "content": "",
            "thinking": "hm",
            "tool_calls": [
                {"id": "c1", "function": {"name": "weather", "arguments": {"city": "Paris"}}}
            ],
        },
        {
            "role": "tool",
            "content": "sunny",
            "images": ["iVBORw0KGgo="],
            "tool_name": "weather",
            "tool_call_id": "c1",
        },
    ]
    assert sent["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "weather",
                "description": "Tells the weather.",
                "parameters": {"type": "object", "properties": {}},
            },
        }
    ]
    assert left_out(said) == ("thought_signature",)


def test_results_find_their_calls_without_ids() -> None:
    called = {"function": {"name": "weather", "arguments": {"city": "Paris"}}}
    other = {"function": {"name": "now", "arguments": {}}}
    asked = {"role": "assistant", "tool_calls": [called, other, called]}
    answers = [
        {"role": "tool", "tool_name": "now", "content": "noon"},
        {"role": "tool", "content": "sunny"},
        {"role": "tool", "tool_name": "weather", "content": "sunny still"},
    ]
    again = [asked, {"role": "tool", "content": "rain"}]

    said = decoded({"messages": [asked, *answers, *again]})

    calls = [part for part in said.messages[0].parts if isinstance(part, ToolCall)]
    results = [m.parts[0] for m in said.messages if m.role == "tool"]
    first, second, third = (call.id for call in calls)
    later = said.messages[4].parts[0]
    assert isinstance(later, ToolCall)
    assert [r.call_id for r in results if isinstance(r, ToolResult)] == [
        second,
        first,
        third,
        later.id,
    ]
    assert [r.name for r in results if isinstance(r, ToolResult)] == ["now"] + ["weather"] * 3
    assert len({first, second, third, later.id}) == 4
    with pytest.raises(BadRequest):
        decoded({"messages": [{"role": "tool", "content": "?"}]})


@pytest.mark.parametrize(
    ("wish", "think"),
    [
        (Reasoning("none"), False),
        (Reasoning("minimal"), "low"),
        (Reasoning("medium"), True),
        (Reasoning("high"), "high"),
        (Reasoning("xhigh"), "max"),
        (Reasoning(budget_tokens=0), False),
        (Reasoning(budget_tokens=10_000), True),
        (Reasoning(adaptive=True), None),
    ],
)
def test_reasoning(wish: Reasoning, think: bool | str | None) -> None:  # noqa: FBT001
    assert encoded(Conversation((HI,), reasoning=wish)).get("think") == think


def test_forms_of_the_answer() -> None:
    schema: Json = {"type": "object"}

    for output, form in [
        (OutputFormat("json_object"), "json"),
        (OutputFormat("json_schema", schema=schema, strict=True), schema),
        (OutputFormat("json_schema"), "json"),
    ]:
        assert encoded(Conversation((HI,), output=output))["format"] == form


def test_tools_may_be_withheld() -> None:
    plain = Conversation((HI,), tools=(WEATHER, replace(WEATHER, name="other")))

    none = replace(plain, tool_choice=ToolChoice("none"))
    some = replace(plain, tool_choice=ToolChoice("auto", ("other",)))

    assert "tools" not in encoded(none)
    assert left_out(none) == ("tools",)
    names = [tool["function"]["name"] for tool in json.loads(json.dumps(encoded(some)["tools"]))]
    assert names == ["other"]


ARGUMENTS = "messages[].tool_calls[].arguments"


@pytest.mark.parametrize(
    ("said", "param"),
    [
        (Conversation((HI,), sampling=Sampling(n=2)), "n"),
        (Conversation((HI,), sampling=Sampling(logit_bias={"1": 1.0})), "logit_bias"),
        (Conversation((HI,), tools=(WEATHER,), tool_choice=ToolChoice("required")), "tool_choice"),
        (Conversation((HI,), tools=(WEATHER,), parallel_tool_calls=False), "parallel_tool_calls"),
        (Conversation((HI,), tools=(Opaque("messages", "web_search"),)), "web_search"),
        (Conversation((HI,), foreign=("prediction",)), "prediction"),
        (Conversation((Message("user", (Image(url="https://x/y.png"),)),)), "image_url"),
        (Conversation((Message("user", (Audio("AA==", "wav"),)),)), "audio"),
        (Conversation((Message("user", (File(file_id="f"),)),)), "file_id"),
        (Conversation((Message("assistant", (ToolCall("c", "f", "[1]"),)),)), ARGUMENTS),
        (Conversation((HI,), output=OutputFormat("json_schema", schema=True)), "response_format"),
    ],
)
def test_what_ollama_cannot_say_is_refused_or_dropped_by_name(
    said: Conversation, param: str
) -> None:
    with pytest.raises(Inexpressible) as refused:
        encoded(said)

    assert refused.value.param == param
    assert left_out(said, replace(TO, drop=frozenset({param}))) == (param,)


def test_hints_and_bookkeeping_are_left_out_by_name() -> None:
    said = Conversation(
        (
            Message(
                "user",
                (Text("hi", {"type": "ephemeral"}), Image("image/png", "iVBOR", detail="low")),
            ),
            Message("user", (ToolResult("c1", (Text("no"),), is_error=True),), name="ann"),
        ),
        sampling=Sampling(
            max_tokens=9, temperature=1.0, stop=("x",), logprobs=True, top_logprobs=2
        ),
        reasoning=Reasoning("high", adaptive=True, visible=False),
        user="u1",
        advisory=("metadata",),
    )
    to = replace(TO, drop=frozenset({"temperature", "reasoning_effort"}))

    sent = encoded(said, to)

    assert sent["options"] == {"num_predict": 9, "stop": ["x"]}
    assert (sent["logprobs"], sent["top_logprobs"]) == (True, 2)
    assert set(left_out(said, to)) == {
        "metadata",
        "user",
        "cache_control",
        "detail",
        "is_error",
        "temperature",
        "reasoning_effort",
        "reasoning.visible",
        "adaptive_thinking",
    }


def test_a_conversation_is_not_said_as_a_prompt() -> None:
    with pytest.raises(Inexpressible):
        GenerateUpstream().encode(Conversation((HI,)), TO)


texts = st.builds(Text, st.text(min_size=1, max_size=9))
pictures = st.sampled_from([Image("image/png", "iVBORw0KGgoA"), Image("image/jpeg", "/9j/4AAQ")])
objects = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=2)
users = st.builds(
    lambda role, images, words: Message(role, (*images, *words)),
    st.sampled_from(["system", "user"]),
    st.lists(pictures, max_size=2),
    st.lists(texts, max_size=1),
)


@st.composite
def rounds(draw: st.DrawFn) -> tuple[Message, ...]:
    """A turn of the assistant's, with the results of its calls."""
    names = draw(st.lists(st.sampled_from(["f", "g"]), max_size=3))
    start = draw(st.integers(0, 10**9))
    calls = [
        ToolCall(
            f"call_{start}_{i}",
            name,
            json.dumps(draw(objects), separators=(",", ":"), ensure_ascii=False),
        )
        for i, name in enumerate(names)
    ]
    thought = draw(st.lists(st.builds(Thinking, st.text(min_size=1, max_size=9)), max_size=1))
    words = draw(st.lists(texts, max_size=1))
    results = [
        Message(
            "tool", (ToolResult(call.id, tuple(draw(st.lists(texts, max_size=1))), name=call.name),)
        )
        for call in calls
    ]
    return (Message("assistant", (*thought, *words, *calls)), *results)


conversations = st.builds(
    lambda first, more, sampling, output, reasoning, stream, tools: Conversation(
        (first, *(message for each in more for message in each)),
        tools=tools,
        sampling=sampling,
        output=output,
        reasoning=reasoning,
        stream=stream,
    ),
    users,
    st.lists(rounds(), max_size=3, unique_by=lambda said: said[0].parts),
    st.builds(
        Sampling,
        max_tokens=st.none() | st.integers(1, 9999),
        temperature=st.none() | st.floats(0, 2),
        top_k=st.none() | st.integers(1, 99),
        min_p=st.none() | st.floats(0.01, 1),
        stop=st.lists(st.text(min_size=1, max_size=3), max_size=2).map(tuple),
        seed=st.none() | st.integers(0, 99),
        presence_penalty=st.none() | st.floats(-2, 2),
        logprobs=st.just(True),
        top_logprobs=st.none() | st.integers(1, 5),
    ),
    st.sampled_from(
        [None, OutputFormat("json_object"), OutputFormat("json_schema", schema={"a": 1})]
    ),
    st.sampled_from([None, *(Reasoning(e) for e in ("none", "low", "medium", "high", "max"))]),
    st.booleans(),
    st.sampled_from([(), (WEATHER,)]),
)


@given(conversations)
def test_what_is_encoded_decodes_to_the_same(said: Conversation) -> None:
    client = OllamaClient()

    written = OllamaUpstream().encode(said, TO)

    read = client.conversation(client.parse(written.body))
    assert read == said
    assert written.left_out == ()
