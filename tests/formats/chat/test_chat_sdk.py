"""OpenAI's own library puts our streams together, and takes our replies at their strictest."""

import json
from datetime import UTC, datetime

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from pointsman.conversation import (
    Began,
    Choice,
    Finished,
    ModelReply,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.formats.chat.format import ChatClient, ChatUpstream
from pointsman.formats.sse import Splitter
from pointsman.formats.wire import Head
from pointsman.types import Usage

CLIENT = ChatClient()
HEAD = Head("req_1", datetime(2026, 11, 21, tzinfo=UTC), "qwen")
HELLO = {"role": "user", "content": "hi"}
REQUEST = CLIENT.parse(
    json.dumps(
        {
            "model": "auto",
            "messages": [HELLO],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ).encode()
)
CHOICE = Choice(
    (
        Thinking("Let me see.", "sig"),
        Thinking("", "secret", redacted=True),
        Text("Hi there"),
        ToolCall("a", "f", '{"x":1}', "proof"),
        ToolCall("b", "g", "{}"),
    ),
    "tool_calls",
)
DELTAS = [
    Began("qwen"),
    ThinkingDelta("Let me "),
    ThinkingDelta("see."),
    ThinkingDelta(signature="sig"),
    ThinkingDelta(signature="secret", redacted=True),
    TextDelta("Hi"),
    TextDelta(" there"),
    ToolCallBegan(0, "a", "f", signature="proof"),
    ToolCallDelta(0, '{"x":'),
    ToolCallDelta(0, "1}"),
    ToolCallBegan(1, "b", "g"),
    ToolCallDelta(1, "{}"),
    Finished("tool_calls"),
]


@pytest.fixture
def streamed() -> ChatCompletion:
    writer = CLIENT.writer(REQUEST, HEAD)
    stream = b"".join(map(writer.write, DELTAS)) + writer.ending(Usage(3, 5))
    *chunks, _done = [each.data or b"" for each in Splitter().feed(stream)]
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for chunk in chunks:
        state.handle_chunk(ChatCompletionChunk.model_validate_json(chunk, strict=True))
    return state.get_final_completion()


def test_the_stream_is_put_together_as_it_was_meant(streamed: ChatCompletion) -> None:
    message = streamed.choices[0].message.model_dump(exclude_unset=True)
    for call in message["tool_calls"]:
        call["function"].pop("parsed_arguments", None)
    echo = {"messages": [HELLO, message], "model": "auto"}

    conversation = CLIENT.conversation(CLIENT.parse(json.dumps(echo).encode()))

    assert streamed.usage is not None
    assert streamed.usage.total_tokens == 8
    assert conversation.messages[1].parts == CHOICE.parts
    assert conversation.foreign == ()


def test_a_whole_reply_is_valid_and_comes_back_unharmed() -> None:
    body = CLIENT.reply(ModelReply("qwen", (CHOICE,), Usage(3, 5)), REQUEST, HEAD)

    completion = ChatCompletion.model_validate_json(body, strict=True)
    echo = {"messages": [HELLO, completion.choices[0].message.model_dump()], "model": "auto"}

    conversation = CLIENT.conversation(CLIENT.parse(json.dumps(echo).encode()))
    assert conversation.messages[1].parts == CHOICE.parts
    assert ChatUpstream().read(completion.model_dump_json().encode(), 1).choices == (CHOICE,)
