"""Replies: passed on as they came, read for the books."""

import json

import pytest

from pointsman.errors import UpstreamBroken
from pointsman.formats.chat.follow import StreamReader, look, reply_text
from pointsman.formats.sse import DONE, Splitter, event
from pointsman.formats.wire import Fault
from pointsman.types import Usage

USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 4,
    "total_tokens": 14,
    "prompt_tokens_details": {"cached_tokens": 6},
    "completion_tokens_details": {"reasoning_tokens": 2},
}


def chunk(content: str | None = None, finish: str | None = None, **more: object) -> bytes:
    delta = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event(json.dumps({"id": "x", "choices": [choice], **more}).encode())


def read(reader: StreamReader, stream: bytes) -> bytes:
    return b"".join(map(reader.follow, Splitter().feed(stream)))


def reader(*, keep_usage: bool = False) -> StreamReader:
    return StreamReader(prompt_tokens=10, keep_usage=keep_usage)


def test_a_whole_reply_tells_its_usage() -> None:
    body = json.dumps({"choices": [{"message": {"content": "hi"}}], "usage": USAGE}).encode()

    assert look(body, 99).usage == Usage(10, 4, cached_tokens=6, reasoning_tokens=2)
    assert reply_text(body) == "hi"


def test_usage_that_is_missing_or_absurd_is_counted_and_marked() -> None:
    choice = {
        "message": {
            "content": "12345678",
            "tool_calls": [{"function": {"name": "f", "arguments": "{}."}}],
        }
    }
    for usage in (
        {},
        {"usage": None},
        {"usage": {}},
        {"usage": {"prompt_tokens": None, "completion_tokens": 4}},
        {"usage": {"prompt_tokens": -1, "completion_tokens": 4}},
        {"usage": {"prompt_tokens": 1, "completion_tokens": 10**12}},
        {"usage": {"prompt_tokens": 1, "completion_tokens": 10**40}},
        {"usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": -2}}},
        {"usage": "none"},
    ):
        body = json.dumps({"choices": [choice], **usage}).encode()

        assert look(body, 99).usage == Usage(99, 3, estimated=True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>captive portal</html>",
        b'{"error": {"message": "no"}}',
        b'{"object": "list"}',
        b"[]",
        b'{"choices": "x"}',
    ],
)
def test_a_success_status_is_no_proof_of_a_reply(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        look(body, 1)


def test_events_pass_as_they_came_and_done_is_held_back() -> None:
    stream = chunk("Hel") + b": ping\n\n" + chunk("lo") + chunk(finish="stop")
    following = reader()

    assert read(following, stream + DONE) == stream
    assert following.ending() == DONE
    assert following.done
    assert following.finished
    assert following.usage == Usage(10, 2, estimated=True)


def test_usage_that_was_not_asked_for_is_taken_out() -> None:
    text, end = chunk("Hi", usage=None), chunk(finish="stop", usage=USAGE)
    alone = event(json.dumps({"id": "x", "choices": [], "usage": USAGE}).encode())
    following = reader()

    passed_on = read(following, text + end + alone + DONE)

    assert b"usage" not in passed_on
    assert b'"content": "Hi"' in passed_on
    assert b'"finish_reason": "stop"' in passed_on
    assert following.usage == Usage(10, 4, cached_tokens=6, reasoning_tokens=2)


def test_the_last_usage_that_can_be_true_counts() -> None:
    alone = [{"choices": [], "usage": {**USAGE, "completion_tokens": n}} for n in (3, 7, -1)]
    following = reader()

    read(following, chunk("Hi") + b"".join(event(json.dumps(each).encode()) for each in alone))

    assert following.usage.output_tokens == 7


def test_an_empty_head_passes_on_and_is_no_beginning() -> None:
    head = {"choices": [], "prompt_filter_results": [{"prompt_index": 0}], "usage": None}
    following = reader()

    passed_on = read(following, event(json.dumps(head).encode()))

    assert b"prompt_filter_results" in passed_on
    assert b"usage" not in passed_on
    assert not following.begun


def test_a_byte_order_mark_and_events_without_data_do_no_harm() -> None:
    bom = b"\xef\xbb\xbf"
    following = reader()

    assert read(following, bom + chunk("Hi") + b"data:\n\n") == bom + chunk("Hi")
    assert following.begun


def test_the_upstreams_name_for_the_model_is_seen() -> None:
    following = reader()

    read(following, chunk("Hi", model="qwen2.5-7b"))

    assert following.model == "qwen2.5-7b"


def test_usage_that_was_asked_for_stays() -> None:
    alone = event(json.dumps({"id": "x", "choices": [], "usage": USAGE}).encode())
    nothing_yet = chunk("Hi", usage=None)

    assert told(nothing_yet + alone) == nothing_yet + alone + DONE


def told(stream: bytes) -> bytes:
    """All that a client which asks for usage gets."""
    following = reader(keep_usage=True)
    return read(following, stream) + following.ending()


def usage_in(stream: bytes) -> list[tuple[object, object]]:
    """Choices and usage of the chunks that have any usage."""
    chunks = [json.loads(each.data) for each in Splitter().feed(stream) if each.data != b"[DONE]"]
    return [(each["choices"], each["usage"]) for each in chunks if each.get("usage")]


@pytest.mark.parametrize(
    "stream",
    [
        chunk("Hi") + chunk(finish="stop", usage=USAGE),
        chunk("Hi") + event(json.dumps({"id": "x", "usage": USAGE}).encode()),
        chunk("Hi", usage={**USAGE, "completion_tokens": 1}) + chunk(finish="stop", usage=USAGE),
        chunk("Hi", usage=USAGE) + event(b'{"choices": [], "usage": {"completion_tokens": -1}}'),
    ],
    ids=["beside the finish", "without choices", "with each chunk", "impossible at last"],
)
def test_usage_is_told_once_and_alone_wherever_it_came(stream: bytes) -> None:
    passed_on = told(stream)

    assert usage_in(passed_on) == [([], USAGE)]
    assert b'"content": "Hi"' in passed_on or b'"content":"Hi"' in passed_on
    assert passed_on.endswith(DONE)


def test_usage_that_the_upstream_keeps_to_itself_is_our_count() -> None:
    (stated,) = usage_in(told(chunk("Hi there") + chunk(finish="stop")))

    assert stated[0] == []
    assert stated[1]["prompt_tokens"] == 10
    assert stated[1]["completion_tokens"] > 0


@pytest.mark.parametrize("keep", [False, True])
def test_usage_within_a_choice_stays_where_it_is(keep: bool) -> None:  # noqa: FBT001
    """Moonshot's place for it."""
    choice = {"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop", "usage": USAGE}
    stream = event(json.dumps({"id": "x", "choices": [choice]}).encode())

    assert b"total_tokens" in read(reader(keep_usage=keep), stream)


def test_usage_that_nobody_asked_for_is_not_told() -> None:
    following = reader()
    stream = chunk("Hi") + chunk(finish="stop", usage=USAGE)

    assert usage_in(read(following, stream) + following.ending()) == []


def test_an_error_in_the_stream_is_kept_for_the_end() -> None:
    following = reader()

    assert read(following, chunk("Hi") + event(b'{"error": {"message": "boom"}}')) == chunk("Hi")
    assert following.error == Fault("boom")


def test_an_error_without_an_envelope_is_one_too() -> None:
    following = reader()
    stated = {"object": "error", "message": "gone", "type": "BadRequestError", "code": 40303}

    assert read(following, event(json.dumps(stated).encode())) == b""
    assert following.error == Fault("gone", "BadRequestError", code="40303")
    assert not following.begun


def test_what_is_no_json_breaks_the_stream() -> None:
    with pytest.raises(UpstreamBroken, match="not a chat reply"):
        read(reader(), event(b'{"choices": ['))


def test_what_is_odd_but_a_reply_is_taken() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    call = {"function": {"name": "f", "arguments": {"x": 1}}}
    message = {"content": parts, "reasoning_content": {}, "tool_calls": [call]}
    usage = {"prompt_tokens": 3.0, "completion_tokens": 2}
    body = json.dumps({"choices": [{"message": message}], "usage": usage}).encode()

    assert look(body, 1).usage == Usage(3, 2)
    assert reply_text(body) == "ab"


def test_our_own_count_goes_by_bytes() -> None:
    body = json.dumps({"choices": [{"message": {"content": "\u6c34" * 400}}]}).encode()

    assert look(body, 1).usage.output_tokens == 300
