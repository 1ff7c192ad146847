"""The upstream of `overhead.py`: answers at once, in the shapes of OpenAI's chat completions.

A whole reply is the same bytes each time. A stream has as many tokens as `max_tokens` says, one an
event, `GAP_S` apart so that each is a read of its own; each event carries the moment at which it
was sent, which is what `pointsman.providers.scripted` can't do, and why this bench has an upstream
of its own. Where usage is asked for, every event has a `usage` member (null but for the last), as
OpenAI sends it: the dear case for a gateway whose client did not ask.
"""

import asyncio
import json
import time

import msgspec
from starlette.types import Receive, Scope, Send

from http_stack import SSE, begin, chunk, read

GAP_S = 0.003
DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 412, "completion_tokens": 290, "total_tokens": 702}
HEAD = {"id": "chatcmpl-CkzJ4GmqyT2Pj8bUwK1vXsA9", "created": 1767225600, "model": "gpt-6-luna"}
MESSAGE = {"role": "assistant", "content": "text " * 230, "refusal": None}
CHOICE = {"index": 0, "message": MESSAGE, "logprobs": None, "finish_reason": "stop"}
REPLY = json.dumps({**HEAD, "object": "chat.completion", "choices": [CHOICE], "usage": USAGE})


class Options(msgspec.Struct):
    """`stream_options` of a request."""

    include_usage: bool = False


class Asked(msgspec.Struct):
    """What counts of a request."""

    stream: bool = False
    max_tokens: int = 1
    stream_options: Options = msgspec.field(default_factory=Options)


def event(delta: object, finish: str | None, usage: dict[str, object]) -> bytes:
    """Return one event with one choice."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    body = {**HEAD, "object": "chat.completion.chunk", "choices": [choice], **usage}
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one chat request."""
    del scope
    asked = msgspec.json.decode(await read(receive), type=Asked)
    if not asked.stream:
        await begin(send, 200, b"application/json", REPLY.encode())
        return
    wanted = asked.stream_options.include_usage
    usage: dict[str, object] = {"usage": None} if wanted else {}
    before, after = event({"content": "@"}, None, usage).split(b"@")
    await begin(send, 200, SSE)
    for _ in range(asked.max_tokens):
        await chunk(send, b"%bt%d%b" % (before, time.monotonic_ns(), after))
        await asyncio.sleep(GAP_S)
    await chunk(send, event({}, "stop", usage))
    if wanted:
        last = {**HEAD, "object": "chat.completion.chunk", "choices": [], "usage": USAGE}
        await chunk(send, b"data: " + msgspec.json.encode(last) + b"\n\n")
    await chunk(send, DONE)
    await chunk(send, b"", more=False)
