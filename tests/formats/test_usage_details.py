"""What a bill depends on beside plain tokens, as streams tell it, and as strange servers do."""

import msgspec
import pytest

from pointsman.formats import raw
from pointsman.formats.chat import usage as chat
from pointsman.formats.chat.follow import StreamReader
from pointsman.formats.counting import figure, services
from pointsman.formats.gemini import chunk as gemini
from pointsman.formats.messages import usage as messages
from pointsman.formats.messages.reader import MessagesReader
from pointsman.formats.sse import Splitter
from pointsman.types import Json, Usage

STRANGE: tuple[Json, ...] = (None, 3, "many", [], [1], {}, {"audio_tokens": -1}, {"x": {}}, True)


def _events(*data: Json) -> bytes:
    return b"".join(b"data: " + msgspec.json.encode(each) + b"\n\n" for each in data)


def test_a_chat_stream_says_how_it_was_served_before_it_says_what_was_used() -> None:
    reader = StreamReader(prompt_tokens=5, keep_usage=True)
    stream = _events(
        {"choices": [{"index": 0, "delta": {"content": "Hi"}}], "service_tier": "flex"},
        {"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 2}},
    )

    for event in Splitter().feed(stream):
        reader.follow(event)

    assert reader.usage == Usage(10, 2, service=("flex",))


def test_a_messages_stream_says_at_first_what_was_written_and_how_it_is_served() -> None:
    reader = MessagesReader(prompt_tokens=5)
    first = {
        "input_tokens": 3,
        "cache_creation_input_tokens": 248,
        "cache_creation": {"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100},
        "output_tokens": 1,
        "service_tier": "standard",
        "inference_geo": "us",
    }
    last = {"output_tokens": 9, "server_tool_use": {"web_search_requests": 2}}
    stream = _events(
        {"type": "message_start", "message": {"model": "claude", "usage": first}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": last},
    )

    for event in Splitter().feed(stream):
        reader.follow(event)

    assert reader.usage == Usage(
        251, 9, written_tokens=248, written_1h_tokens=100, searches=2, service=("us",)
    )


@pytest.mark.parametrize("strange", STRANGE)
def test_strange_details_do_not_spoil_the_figures(strange: Json) -> None:
    talk = {"input_tokens": 10, "output_tokens": 2}
    odd = {"cache_creation": strange, "server_tool_use": strange, "speed": strange}
    google = {"promptTokenCount": 10, "candidatesTokenCount": 2, "promptTokensDetails": strange}
    image = {**talk, "input_tokens_details": strange, "output_tokens_details": strange}

    assert messages.stated({**talk, **odd}).usage(0, 0).input_tokens == 10
    assert gemini.usage_of(msgspec.json.encode(google), 0, 0, 0).output_tokens == 2
    assert raw.usage(msgspec.json.encode({"usage": image})) == Usage(10, 2)


@pytest.mark.parametrize("strange", [-1, "x", 10**12, True, 1.5, []])
def test_a_strange_share_is_none(strange: Json) -> None:
    stated = {"prompt_tokens": 10, "prompt_tokens_details": {"audio_tokens": strange}}

    assert figure(strange) == 0
    assert chat.stated(msgspec.Raw(msgspec.json.encode(stated)), strange) in (
        Usage(10),
        Usage(10, service=("x",)),
    )


def test_the_usual_service_is_none() -> None:
    assert services("default", "standard", None, 5, "global", "", " Auto ", "x" * 99) == ()
    assert services("Flex", "us") == ("flex", "us")
