"""A streamed reply between upstream and client."""

from collections.abc import AsyncGenerator

import pytest

from pointsman.calling.stream import EventRelay
from pointsman.errors import UpstreamBroken
from pointsman.formats.chat.follow import StreamReader
from pointsman.formats.translate import Transcript
from pointsman.types import ProviderReply

HEADERS = {"content-type": "text/event-stream"}
FIRST = b'data: {"choices": [{"delta": {"role": "assistant"}}]}\n\n'
TEXT = b'data: {"choices": [{"delta": {"content": "hi"}}]}\n\n'
END = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
ERROR = b'data: {"error": {"message": "boom"}}\n\n'
DONE = b"data: [DONE]\n\n"


def relay(*chunks: bytes, ends: Exception | None = None) -> EventRelay:
    async def sent() -> AsyncGenerator[bytes, None]:
        for chunk in chunks:
            yield chunk
        if ends is not None:
            raise ends

    reply = ProviderReply(200, HEADERS, sent())
    reader = StreamReader(prompt_tokens=1, keep_usage=False)
    return EventRelay(reply, Transcript(reader, "sse", None))


async def passed_on(stream: EventRelay) -> list[bytes]:
    """What the client gets; an error is the last of it."""
    await stream.prime()
    pieces: list[bytes] = []
    try:
        async for piece in stream.pieces():
            pieces.append(piece)  # noqa: PERF401 - those before the error are wanted
    except UpstreamBroken as error:
        pieces.append(str(error).encode())
    await stream.close()
    return pieces


async def test_text_that_came_with_the_error_is_not_lost() -> None:
    assert await passed_on(relay(FIRST, TEXT + ERROR)) == [
        FIRST,
        TEXT,
        b"the upstream reported an error in the stream: boom",
    ]


async def test_how_the_connection_ends_after_done_is_no_matter() -> None:
    broken = UpstreamBroken("no last chunk")

    assert await passed_on(relay(FIRST, END, DONE, ends=broken)) == [FIRST, END]


async def test_what_follows_done_is_not_passed_on() -> None:
    assert await passed_on(relay(FIRST + END + DONE + TEXT)) == [FIRST + END]


async def test_a_last_event_without_its_blank_line_counts() -> None:
    assert await passed_on(relay(FIRST, END.rstrip())) == [FIRST, END]


async def test_a_stream_that_just_ends_is_broken() -> None:
    assert (await passed_on(relay(FIRST, TEXT)))[
        -1
    ] == b"the stream ended before the model was done"


async def test_nothing_may_not_go_on_for_ever() -> None:
    waiting = b": waiting\n\n" * 100_000

    with pytest.raises(UpstreamBroken, match="bytes of comments"):
        await relay(*[waiting] * 10).prime()


@pytest.mark.parametrize("nothing", [b"", b": waiting\n\n", DONE])
async def test_nothing_is_no_beginning(nothing: bytes) -> None:
    with pytest.raises(UpstreamBroken, match="before it began"):
        await relay(nothing).prime()
