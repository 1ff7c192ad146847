"""Whatever the chat format can say survives it: requests, replies, and streams cut anywhere."""

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pointsman.conversation import (
    Addressee,
    Audio,
    Began,
    Choice,
    Conversation,
    Delta,
    File,
    Finished,
    Image,
    Message,
    ModelReply,
    OutputFormat,
    Part,
    Reasoning,
    Refusal,
    RefusalDelta,
    Sampling,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    Tool,
    ToolCall,
    ToolCallBegan,
    ToolCallDelta,
    ToolChoice,
    ToolResult,
)
from pointsman.formats.chat.format import ChatClient, ChatUpstream
from pointsman.formats.collecting import collected, joined
from pointsman.formats.reasoning import BUDGETS
from pointsman.formats.sse import DONE, Splitter, event
from pointsman.formats.wire import Head
from pointsman.types import Usage

CLIENT = ChatClient()
UPSTREAM = ChatUpstream(
    developer_role=True,
    reasoning_history=True,
    reasoning_object=True,
    verbosity=True,
    cache_control=True,
    allowed_tools=True,
)
HEAD = Head("req_1", datetime(2026, 11, 21, tzinfo=UTC), "qwen")
REQUEST = CLIENT.parse(b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}]}')

words = st.text(max_size=12)
some = words.filter(bool)
names = st.text("abcdefgh_", min_size=1, max_size=6)
base64 = st.sampled_from(["", "AAAA", "AB+/"])
proofs = st.sampled_from(["EqQB", "b3Bh/+=="])
rates = st.none() | st.floats(0.1, 2)
counts = st.none() | st.integers(1, 9)
flags = st.none() | st.booleans()
hints = st.none() | st.just({"type": "ephemeral"})
schemas = st.none() | st.just({"type": "object", "properties": {"a": {"type": "string"}}})

texts = st.builds(Text, words, hints)
media = (
    st.builds(Image, st.just("image/png"), base64, detail=st.sampled_from([None, "low"]))
    | st.builds(Image, url=st.just("https://x/y.png"))
    | st.builds(Audio, base64, st.sampled_from(["wav", "mp3"]))
    | st.builds(File, st.none() | some, st.just("application/pdf"), base64)
)
mixed = st.tuples(media, texts, media) | st.tuples(media)
thoughts = st.lists(
    st.builds(Thinking, some, st.none() | proofs)
    | st.builds(Thinking, st.just(""), proofs, st.just(True)),
    max_size=3,
).map(lambda pieces: tuple(joined(pieces)))


@st.composite
def calls(draw: st.DrawFn) -> tuple[ToolCall, ...]:
    count = draw(st.integers(0, 3))
    return tuple(
        ToolCall(f"call_{i}", draw(names), draw(words), draw(st.none() | some))
        for i in range(count)
    )


@st.composite
def spoken(draw: st.DrawFn) -> tuple[Part, ...]:
    """What an assistant says, in the order in which chat has it."""
    text = draw(st.just(()) | st.tuples(st.builds(Text, some)))
    refusal = draw(st.just(()) | st.tuples(st.builds(Refusal, some)))
    return (*draw(thoughts), *text, *refusal, *draw(calls()))


messages = (
    st.builds(Message, st.sampled_from(["system", "developer"]), st.tuples(texts))
    | st.builds(Message, st.just("user"), st.tuples(texts) | mixed, st.none() | some)
    | st.builds(Message, st.just("assistant"), spoken())
    | st.builds(
        Message,
        st.just("tool"),
        st.tuples(st.builds(ToolResult, st.just("r1"), st.tuples(st.builds(Text, words)))),
    )
)


def sensible(told: Conversation) -> Conversation:
    """Without choices among tools where there are none, and tokens' rivals without tokens."""
    if not told.sampling.logprobs:
        told = replace(told, sampling=replace(told.sampling, top_logprobs=None))
    return told if told.tools else replace(told, tool_choice=None, parallel_tool_calls=None)


choices = st.one_of(
    st.none(),
    st.builds(ToolChoice, st.sampled_from(["auto", "none", "required"])),
    st.builds(ToolChoice, st.sampled_from(["auto", "required"]), st.tuples(names)),
    st.builds(ToolChoice, st.sampled_from(["auto", "required"]), st.tuples(names, names)),
)
outputs = st.one_of(
    st.none(),
    st.just(OutputFormat("json_object")),
    st.builds(OutputFormat, st.just("json_schema"), some, schemas, flags, st.none() | words),
)
samplings = st.builds(
    Sampling,
    max_tokens=counts,
    temperature=rates,
    top_p=rates,
    top_k=counts,
    min_p=rates,
    stop=st.lists(some, max_size=2).map(tuple),
    n=counts,
    seed=st.none() | st.integers(-(2**53), 2**53),
    frequency_penalty=rates,
    presence_penalty=rates,
    logit_bias=st.none() | st.dictionaries(some, st.integers(-100, 100), min_size=1, max_size=2),
    logprobs=st.booleans(),
    top_logprobs=counts,
)
reasonings = st.one_of(
    st.none(),
    st.builds(Reasoning, st.sampled_from(list(BUDGETS)), visible=flags),
    st.builds(Reasoning, st.none(), st.integers(1, 9), visible=flags),
    st.builds(Reasoning, visible=st.booleans()),
)
conversations = st.builds(
    Conversation,
    messages=st.lists(messages, min_size=1, max_size=4).map(tuple),
    tools=st.lists(
        st.builds(Tool, names, st.none() | words, schemas, flags, hints), max_size=2
    ).map(tuple),
    tool_choice=choices,
    parallel_tool_calls=flags,
    output=outputs,
    sampling=samplings,
    reasoning=reasonings,
    stream=st.booleans(),
    verbosity=st.sampled_from([None, "low", "medium", "high"]),
    user=st.none() | words,
).map(sensible)


@given(conversations)
def test_a_request_keeps_its_meaning(conversation: Conversation) -> None:
    encoded = UPSTREAM.encode(conversation, Addressee("m"))

    assert encoded.left_out == ()
    assert CLIENT.conversation(CLIENT.parse(encoded.body)) == conversation


@st.composite
def answers(draw: st.DrawFn) -> Choice:
    """A choice as chat can say it: what ends it is bound to what was said."""
    parts = draw(spoken())
    usual = "stop"
    if any(isinstance(part, Refusal) for part in parts):
        usual = "refusal"
    if any(isinstance(part, ToolCall) for part in parts):
        usual = "tool_calls"
    return Choice(parts, draw(st.sampled_from([usual, "length", "content_filter"])))


def deltas_of(choice: Choice) -> list[Delta]:
    """The choice as a model says it: a letter at a time."""
    said: list[Delta] = [Began("qwen")]
    numbers = itertools.count()
    for part in choice.parts:
        match part:
            case Text(text):
                said += [TextDelta(letter) for letter in text]
            case Thinking(text, signature, redacted):
                said += [ThinkingDelta(letter) for letter in text]
                if signature is not None:
                    said.append(ThinkingDelta("", signature, redacted))
            case Refusal(text):
                said += [RefusalDelta(letter) for letter in text]
            case ToolCall(call_id, name, arguments, signature):
                number = next(numbers)
                said.append(ToolCallBegan(number, call_id, name, signature=signature))
                said += [ToolCallDelta(number, letter) for letter in arguments]
    return [*said, Finished(choice.finish)]


def cut(stream: bytes, sizes: Sequence[int]) -> list[bytes]:
    ends = list(itertools.accumulate(sizes, initial=0))
    pieces = [stream[a:b] for a, b in itertools.pairwise(ends)]
    return [*pieces, stream[ends[-1] :]]


@given(answers(), st.lists(st.integers(1, 40), max_size=60))
def test_streamed_and_not_streamed_are_the_same_message(choice: Choice, sizes: list[int]) -> None:
    whole = CLIENT.reply(ModelReply("qwen", (choice,), Usage(3, 5)), REQUEST, HEAD)
    writer = CLIENT.writer(REQUEST, HEAD)
    stream = b"".join(map(writer.write, deltas_of(choice))) + writer.ending(Usage())
    reader, splitter = UPSTREAM.reader(1, keep_usage=False), Splitter()

    deltas = [
        delta
        for piece in cut(stream, sizes)
        for each in splitter.feed(piece)
        for delta in reader.read(each)
    ]

    assert UPSTREAM.read(whole, 1) == ModelReply("qwen", (choice,), Usage(3, 5))
    assert collected(deltas) == choice
    assert reader.done
    assert reader.finished
    assert reader.model == "qwen"


@given(st.lists(answers(), min_size=2, max_size=3))
def test_choices_that_are_said_at_once_are_kept_apart(answered: list[Choice]) -> None:
    numbered = [Choice(choice.parts, choice.finish, index) for index, choice in enumerate(answered)]
    writers = [CLIENT.writer(REQUEST, HEAD) for _ in numbered]
    streams = []
    for choice, writer in zip(numbered, writers, strict=True):
        chunks = [
            json.loads(each.data or b"")
            for each in Splitter().feed(b"".join(map(writer.write, deltas_of(choice))))
        ]
        for chunk in chunks:
            chunk["choices"][0]["index"] = choice.index
        streams.append([event(json.dumps(chunk).encode()) for chunk in chunks])
    woven = [each for row in itertools.zip_longest(*streams, fillvalue=b"") for each in row]
    reader = UPSTREAM.reader(1, keep_usage=False)

    deltas = [
        delta for each in Splitter().feed(b"".join(woven) + DONE) for delta in reader.read(each)
    ]

    for choice in numbered:
        own = [
            delta
            for delta in deltas
            if not isinstance(delta, Began) and delta.choice == choice.index
        ]
        assert collected(own, choice.index) == choice


@given(answers(), st.lists(st.integers(1, 40), max_size=60))
def test_a_stream_passes_through_the_same_wherever_it_is_cut(
    choice: Choice, sizes: list[int]
) -> None:
    writer = CLIENT.writer(REQUEST, HEAD)
    stream = b"".join(map(writer.write, deltas_of(choice)))
    reader, splitter = UPSTREAM.reader(1, keep_usage=False), Splitter()

    passed_on = b"".join(
        reader.follow(each) for piece in cut(stream + DONE, sizes) for each in splitter.feed(piece)
    )

    assert passed_on == stream
    assert reader.ending() == DONE
