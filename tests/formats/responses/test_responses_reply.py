"""Replies for clients, whole and streamed, in the shape that OpenAI's SDK types ask for.

What is written here was fed to openai-python's accumulator, the AI SDK, Codex and the Open Responses
schema when it was made; the fast suite looks at the bytes.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from pointsman.conversation import (
    Began,
    Choice,
    Delta,
    Finish,
    Finished,
    ModelReply,
    Part,
    Refusal,
    RefusalDelta,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.errors import BadRequest, UpstreamTimeout
from pointsman.formats.responses.format import ResponsesClient
from pointsman.formats.wire import Head
from pointsman.types import Usage

CLIENT = ResponsesClient()
HEAD = Head("req_0f1e", datetime(2026, 11, 21, tzinfo=UTC), "qwen")
USAGE = Usage(10, 7, cached_tokens=6, written_tokens=1, reasoning_tokens=2)
LOGPROBS = {"content": [{"token": "é", "logprob": -0.5, "bytes": None, "top_logprobs": []}]}
TOOLS = [
    {"type": "function", "name": "weather"},
    {
        "type": "namespace",
        "name": "mcp__docs__",
        "description": "",
        "tools": [{"type": "function", "name": "search"}],
    },
    {"type": "web_search"},
]


def asked(**members: object):
    return CLIENT.parse(json.dumps({"model": "auto", "input": "hi", **members}).encode())


def whole(*parts: Part, finish: Finish = "stop", **members: object):
    choice = Choice(parts, finish, logprobs=members.pop("logprobs", None))
    reply = ModelReply("qwen-2", (choice,), USAGE)
    return json.loads(CLIENT.reply(reply, asked(**members), HEAD))


def streamed(deltas: Sequence[Delta], **members: object):
    writer = CLIENT.writer(asked(stream=True, **members), HEAD)
    written = b"".join(writer.write(delta) for delta in deltas) + writer.ending(USAGE)
    return events(written)


def events(written: bytes):
    found = []
    for number, block in enumerate(written.decode().removesuffix("\n\n").split("\n\n")):
        kind, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert kind == f"event: {event['type']}"
        found.append(event)
        if event["type"] != "error" and event["sequence_number"] < 1000:
            assert event["sequence_number"] == number
    return found


def kinds(found) -> list[str]:
    return [event["type"].removeprefix("response.") for event in found]


def test_a_whole_reply_has_every_member_that_strict_types_ask_for() -> None:
    assert whole(Text("Hello.")) == {
        "id": "resp_0f1e",
        "object": "response",
        "created_at": 1795219200,
        "completed_at": 1795219200,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": "qwen",
        "output": [
            {
                "id": "msg_0f1e_0",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [
                    {"type": "output_text", "text": "Hello.", "annotations": [], "logprobs": []}
                ],
            }
        ],
        "previous_response_id": None,
        "instructions": None,
        "tools": [],
        "tool_choice": "auto",
        "truncation": "disabled",
        "parallel_tool_calls": True,
        "text": {"format": {"type": "text"}},
        "top_p": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "top_logprobs": 0,
        "temperature": 1.0,
        "reasoning": {"effort": None, "summary": None},
        "usage": {
            "input_tokens": 10,
            "input_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 1},
            "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 2},
            "total_tokens": 17,
        },
        "max_output_tokens": None,
        "max_tool_calls": None,
        "store": True,
        "background": False,
        "service_tier": "default",
        "metadata": {},
        "safety_identifier": None,
        "prompt_cache_key": None,
        "user": None,
    }


def test_it_repeats_what_was_asked() -> None:
    said = {
        "instructions": "Be brief.",
        "temperature": 0.2,
        "store": False,
        "metadata": {"a": "b"},
        "reasoning": {"effort": "low"},
        "text": {"verbosity": "low"},
        "tool_choice": "required",
    }
    reply = whole(Text("x"), tools=TOOLS, **said)

    assert reply["reasoning"] == {"effort": "low", "summary": None}
    assert reply["text"] == {"verbosity": "low", "format": {"type": "text"}}
    assert reply["tools"][0] == {
        "type": "function",
        "name": "weather",
        "description": None,
        "parameters": None,
        "strict": None,
    }
    assert reply["tools"][1:] == TOOLS[1:]
    for name in ("instructions", "temperature", "store", "metadata", "tool_choice"):
        assert reply[name] == said[name]


def test_thinking_words_refusals_and_calls_are_items_in_their_order() -> None:
    output = whole(
        Thinking("Hm.", "SIG"),
        Thinking("", "DATA", redacted=True),
        Text("I look. "),
        Text("Wait."),
        Refusal("Not that."),
        ToolCall("call_1", "mcp__docs__search", "{}", signature="GEM"),
        ToolCall("call_2", "weather", '{"a":1}'),
        tools=TOOLS,
        finish="tool_calls",
    )["output"]

    assert [item["id"] for item in output] == [
        "rs_0f1e_0",
        "rs_0f1e_1",
        "msg_0f1e_2",
        "rs_0f1e_3",
        "fc_0f1e_4",
        "fc_0f1e_5",
    ]
    assert output[0]["summary"] == [{"type": "summary_text", "text": "Hm."}]
    assert output[0]["encrypted_content"] == "pointsman:thinking:SIG"
    assert (output[1]["summary"], output[1]["encrypted_content"]) == ([], "pointsman:redacted:DATA")
    assert output[2]["content"] == [
        {"type": "output_text", "text": "I look. Wait.", "annotations": [], "logprobs": []},
        {"type": "refusal", "refusal": "Not that."},
    ]
    assert output[3]["encrypted_content"] == "pointsman:call:GEM"
    assert output[4] == {
        "id": "fc_0f1e_4",
        "type": "function_call",
        "status": "completed",
        "call_id": "call_1",
        "name": "search",
        "namespace": "mcp__docs__",
        "arguments": "{}",
    }
    assert output[5]["name"] == "weather"
    assert "namespace" not in output[5]


def test_what_was_sent_back_is_what_was_said() -> None:
    """Signatures survive the way to the client and back, flat names too."""
    parts = (
        Thinking("Hm.", "SIG"),
        Thinking("", "DATA", redacted=True),
        Thinking("So."),
        Text("I look."),
        ToolCall("call_1", "mcp__docs__search", "{}", signature="GEM"),
        ToolCall("call_2", "weather", "{}"),
    )
    output = whole(*parts, tools=TOOLS, finish="tool_calls")["output"]

    again = CLIENT.conversation(asked(input=output, tools=TOOLS))

    assert again.messages[0].parts == parts


def test_a_reply_that_was_cut_off_is_incomplete() -> None:
    reply = whole(Thinking("Hm."), Text("Hel"), finish="length")

    assert (reply["status"], reply["completed_at"]) == ("incomplete", None)
    assert reply["incomplete_details"] == {"reason": "max_output_tokens"}
    assert [item["status"] for item in reply["output"]] == ["completed", "incomplete"]
    withheld = whole(finish="content_filter")
    assert withheld["incomplete_details"] == {"reason": "content_filter"}
    assert withheld["output"] == []


def test_who_declines_without_a_word_is_given_one() -> None:
    (item,) = whole(finish="refusal")["output"]
    streamed_item = streamed([Finished("refusal")])[-1]["response"]["output"][0]

    assert item["content"] == [{"type": "refusal", "refusal": "The model declined to answer."}]
    assert streamed_item == item


def test_a_stream_of_words() -> None:
    found = streamed(
        [Began("qwen-2"), TextDelta("Caf"), TextDelta("é", logprobs=LOGPROBS), Finished("stop")]
    )

    assert kinds(found) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    created, _, item, part, delta, _, done, *_, completed = found
    assert (created["response"]["status"], created["response"]["usage"]) == ("in_progress", None)
    assert item["item"]["status"] == "in_progress"
    assert part["part"] == {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    assert delta == {
        "type": "response.output_text.delta",
        "sequence_number": 4,
        "item_id": "msg_0f1e_0",
        "output_index": 0,
        "content_index": 0,
        "delta": "Caf",
        "logprobs": [],
    }
    token = {"token": "é", "logprob": -0.5, "bytes": [195, 169], "top_logprobs": []}
    assert (done["text"], done["logprobs"]) == ("Café", [token])
    assert completed["response"] == whole(Text("Café"), stream=True, logprobs=LOGPROBS)


def test_a_stream_of_thinking_and_calls_that_are_told_in_turns() -> None:
    found = streamed(
        [
            ThinkingDelta("Hm"),
            ThinkingDelta("."),
            ThinkingDelta(signature="SIG"),
            ThinkingDelta("Well."),
            ThinkingDelta(signature="DATA", redacted=True),
            TextDelta("I look."),
            ToolCallBegan(0, "call_1", "weather"),
            ToolCallDelta(0, '{"a"'),
            ToolCallBegan(1, "call_2", "mcp__docs__search", signature="GEM"),
            ToolCallDelta(1, "{}"),
            ToolCallDelta(0, ":1}"),
            Finished("tool_calls"),
        ],
        tools=TOOLS,
    )

    thinking = [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    assert kinds(found)[2:9] == thinking
    assert kinds(found)[-5:] == [
        "function_call_arguments.done",
        "output_item.done",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    assert found[-1]["response"] == whole(
        Thinking("Hm.", "SIG"),
        Thinking("Well."),
        Thinking("", "DATA", redacted=True),
        Text("I look."),
        ToolCall("call_1", "weather", '{"a":1}'),
        ToolCall("call_2", "mcp__docs__search", "{}", signature="GEM"),
        finish="tool_calls",
        tools=TOOLS,
        stream=True,
    )
    added = next(e for e in found if e.get("item", {}).get("name") == "search")
    assert (added["item"]["namespace"], added["item"]["arguments"]) == ("mcp__docs__", "")
    done = next(e for e in found if e["type"].endswith("arguments.done"))
    assert (done["name"], done["arguments"]) == ("weather", '{"a":1}')


def test_a_stream_of_a_refusal() -> None:
    found = streamed([TextDelta("I"), RefusalDelta("No"), RefusalDelta("."), Finished("refusal")])

    assert kinds(found)[3:-2] == [
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "content_part.added",
        "refusal.delta",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
    ]
    assert found[-4]["content_index"] == 1
    assert found[-1]["response"] == whole(Text("I"), Refusal("No."), finish="refusal", stream=True)


def test_streams_that_are_cut_off_or_empty_end_as_whole_replies_do() -> None:
    cut = streamed([TextDelta("a"), ToolCallBegan(0, "c", "weather"), Finished("length")])
    silent = streamed([])

    assert kinds(cut)[-1] == "incomplete"
    assert [item["status"] for item in cut[-1]["response"]["output"]] == ["completed", "incomplete"]
    assert kinds(silent) == ["created", "in_progress", "completed"]


def test_other_choices_than_the_first_have_no_place() -> None:
    found = streamed([TextDelta("a"), TextDelta("b", choice=1), Finished("stop", choice=1)])

    assert found[-1]["response"]["output"][0]["content"][0]["text"] == "a"


def test_errors_have_openais_shape() -> None:
    error = BadRequest("`x` is wrong", param="x")

    assert json.loads(CLIENT.error(error, "req_1")) == {
        "error": {
            "message": "`x` is wrong",
            "type": "invalid_request_error",
            "param": "x",
            "code": None,
        }
    }


def test_a_broken_stream_ends_in_what_makes_each_client_raise() -> None:
    error, failed = events(CLIENT.stream_error(UpstreamTimeout("nothing came"), "req_0f1e"))

    assert (error["type"], error["message"], error["code"]) == (
        "error",
        "nothing came",
        "upstream_error",
    )
    assert error["error"]["message"] == "nothing came"
    assert failed["type"] == "response.failed"
    assert failed["sequence_number"] > error["sequence_number"]
    assert (failed["response"]["id"], failed["response"]["status"]) == ("resp_0f1e", "failed")
    assert failed["response"]["error"] == {"code": "upstream_error", "message": "nothing came"}
