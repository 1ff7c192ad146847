"""The upstream of `overhead.py`: answers at once, in the shape of whatever format it is asked in.

A whole reply is the same bytes each time. A stream has as many tokens as the request allows, one an
event, `GAP_S` apart so that each is a read of its own; each event carries the moment at which it
was sent, which is what `pointsman.providers.scripted` can't do, and why this bench has an upstream
of its own. Where chat is asked for usage, every event has a `usage` member (null but for the last),
as OpenAI sends it: the dear case for a gateway whose client did not ask.
"""

import asyncio
import time

import msgspec
from starlette.types import Receive, Scope, Send

import overhead_formats as formats
from http_stack import begin, chunk, read
from overhead_formats import Canned

GAP_S = 0.003
#: By how the path ends, in this order.
ANSWERS = {
    "/chat/completions": formats.chat(),
    "/completions": formats.completions(),
    "/responses": formats.responses(),
    "/messages": formats.messages(),
    "/api/chat": formats.ollama(),
    ":generateContent": formats.gemini(),
    ":streamGenerateContent": formats.gemini(),
}
WITH_USAGE = {
    "/chat/completions": formats.chat(usage=True),
    "/completions": formats.completions(usage=True),
}


class StreamOptions(msgspec.Struct):
    """`stream_options` of OpenAI's."""

    include_usage: bool = False


class Options(msgspec.Struct):
    """`options` of Ollama's."""

    num_predict: int | None = None


class Generation(msgspec.Struct, rename="camel"):
    """`generationConfig` of Google's."""

    max_output_tokens: int | None = None


class Asked(msgspec.Struct):
    """What counts of a request, in any format."""

    stream: bool = False
    max_tokens: int | None = None
    max_output_tokens: int | None = None
    stream_options: StreamOptions = msgspec.field(default_factory=StreamOptions)
    options: Options = msgspec.field(default_factory=Options)
    generation: Generation = msgspec.field(default_factory=Generation, name="generationConfig")

    @property
    def tokens(self) -> int:
        """How many a stream may have."""
        limits = (self.max_tokens, self.max_output_tokens, self.options.num_predict)
        return next(filter(None, (*limits, self.generation.max_output_tokens)), 1)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request."""
    asked = msgspec.json.decode(await read(receive), type=Asked)
    path = scope["path"]
    ending = next(each for each in ANSWERS if path.endswith(each))
    answer = ANSWERS[ending]
    if not asked.stream and not ending.startswith(":stream"):
        await begin(send, 200, b"application/json", answer.whole)
        return
    if asked.stream_options.include_usage:
        answer = WITH_USAGE[ending]
    await stream(send, answer, asked.tokens)


async def stream(send: Send, answer: Canned, tokens: int) -> None:
    """Send so many tokens, each with its moment."""
    before, after = answer.token.split(formats.HERE.encode())
    await begin(send, 200, answer.kind)
    if answer.opening:
        await chunk(send, answer.opening)
    for _ in range(tokens):
        await chunk(send, b"%bt%d%b" % (before, time.monotonic_ns(), after))
        await asyncio.sleep(GAP_S)
    await chunk(send, answer.closing)
    await chunk(send, b"", more=False)
