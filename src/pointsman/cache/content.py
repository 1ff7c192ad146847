"""A reply as the cache keeps it: read off what the client got, written again for the next one. Pure.

It is kept in the canonical form, so that a streamed reply can be given again whole, and the other
way round. What that form could not say again is not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from pointsman.conversation import (
    Began,
    Choice,
    Delta,
    Finished,
    ModelReply,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
)
from pointsman.formats import members, registry
from pointsman.formats.chat.quirks import Quirks
from pointsman.formats.collecting import choices
from pointsman.formats.translate import splitter
from pointsman.formats.wire import ClientFormat, Framing, Head, UpstreamFormat
from pointsman.types import FormatName, Json, ModelRequest, Usage

#: Characters of one chunk of a replayed stream: about what providers send at a time.
CHUNK = 24
#: Members of a request that may be ignored by choice, and that some formats repeat in the reply.
ECHOED = ("metadata", "user", "safety_identifier", "prompt_cache_key", "store")
#: Members by which a client tells replies apart, and what it said itself.
_ITS_OWN = ("id", "created", "created_at", "completed_at", *ECHOED)
#: Chunks that a reply is cut into at most; those of a longer one are larger.
MOST_CHUNKS = 400


#: Stands for a reply where only what is around it is wanted.
_NOTHING_SAID = ModelReply("", (Choice((Text(""),), "stop"),), Usage())


class _Part(msgspec.Struct, omit_defaults=True, array_like=True):
    """A text, or a thought with its signature."""

    text: str
    thought: bool = False
    signature: str | None = None
    redacted: bool = False


class _Choice(msgspec.Struct, omit_defaults=True):
    parts: list[_Part]
    index: int = 0
    stop_sequence: str | None = None
    logprobs: msgspec.Raw = msgspec.Raw(b"null")


class _Reply(msgspec.Struct):
    model: str
    choices: list[_Choice]


class _Head(msgspec.Struct):
    """The first line of what is kept."""

    format: FormatName
    usage: Usage
    #: What follows is the client's own body, else the canonical form.
    whole: bool


class Kept(msgspec.Struct, frozen=True):
    """What is kept of a reply: what it says and, where it came whole, its very bytes."""

    format: FormatName
    usage: Usage
    body: bytes | None
    #: The canonical form; None where it is still to be read off the body.
    said: ModelReply | None

    @classmethod
    def of(cls, reply: ModelReply, name: FormatName, body: bytes | None = None) -> Kept:
        """A reply, and the body in that format as which it came whole."""
        return cls(name, reply.usage, body, reply)

    @property
    def reply(self) -> ModelReply:
        """What it says. Raises UpstreamError where the body is none that `encode` was given."""
        if self.said is not None:
            return self.said
        read = _upstream(self.format).read(self.body or b"", self.usage.input_tokens)
        return replace(read, usage=self.usage)


def read_whole(body: bytes, request: ModelRequest) -> ModelReply:
    """A whole reply, as the client of `request` got it. Raises UpstreamError where it is none."""
    return _upstream(request.format).read(body, request.input_tokens)


def framing(name: FormatName) -> Framing:
    """How streams of a client's format are cut into events."""
    return _upstream(name).framing


def read_stream(pieces: Iterable[bytes], request: ModelRequest) -> ModelReply:
    """A streamed reply, as the client got it; without choices where one of them has no end.

    Raises UpstreamError where it is none.
    """
    upstream = _upstream(request.format)
    reader = upstream.reader(request.input_tokens, keep_usage=True)
    events = splitter(upstream.framing).feed(b"".join(pieces))
    said = [delta for event in events for delta in reader.read(event)]
    made = choices(said)
    complete = len(made) == sum(isinstance(delta, Finished) for delta in said)
    return ModelReply(reader.model or "", made if complete else (), reader.usage)


def objection(reply: ModelReply) -> str | None:
    """Why a reply is not to be given again; None where nothing speaks against it.

    Only answers that are finished and nothing but words are kept: no truncated ones, no refusals,
    no tool calls.
    """
    if not reply.choices:
        return "empty"
    for choice in reply.choices:
        if choice.finish != "stop":
            return choice.finish
        if not all(isinstance(part, Text | Thinking) for part in choice.parts):
            return "not only text"
        texts = [isinstance(part, Text) for part in choice.parts]
        if any(a and b for a, b in pairwise(texts)):
            return "several texts"  # a stream would make one of them
        if not any(isinstance(part, Text) and part.text.strip() for part in choice.parts):
            return "empty"
    return None


def encode(kept: Kept) -> bytes:
    """The bytes to keep, of a reply without objection."""
    head = msgspec.json.encode(_Head(kept.format, kept.usage, kept.body is not None))
    body = kept.body
    if body is None:
        reply = kept.reply
        made = _Reply(reply.model, [_choice(choice) for choice in reply.choices])
        body = msgspec.json.encode(made)
    return head + b"\n" + body


def decode(data: bytes) -> Kept:
    """What was kept. Raises msgspec.DecodeError for what `encode` did not write."""
    line, _, body = data.partition(b"\n")
    head = msgspec.json.decode(line, type=_Head)
    if head.whole:
        members.raw(body)
        return Kept(head.format, head.usage, body, None)
    made = msgspec.json.decode(body, type=_Reply)
    said = (
        Choice(
            tuple(_part(part) for part in choice.parts),
            "stop",
            choice.index,
            choice.stop_sequence,
            _json(choice.logprobs),
        )
        for choice in made.choices
    )
    return Kept.of(ModelReply(made.model, tuple(said), head.usage), head.format)


def text_of(reply: ModelReply) -> str:
    """What the first choice says."""
    parts = reply.choices[0].parts if reply.choices else ()
    return "".join(part.text for part in parts if isinstance(part, Text))


def written(kept: Kept, request: ModelRequest, client: ClientFormat, head: Head) -> bytes:
    """The reply as the whole body that the client of `request` gets; it says who made it.

    One that came whole is given as it came, but for what tells one reply from another.
    """
    if kept.body is None:
        reply = kept.reply
        return client.reply(reply, request, replace(head, model=reply.model))
    fresh = members.raw(client.reply(_NOTHING_SAID, request, head))
    own = {name: fresh[name] for name in _ITS_OWN if name in fresh}
    said = members.raw(kept.body)
    return members.joined({name: own.get(name, member) for name, member in said.items()})


def streamed(
    reply: ModelReply, request: ModelRequest, client: ClientFormat, head: Head
) -> tuple[list[bytes], bytes]:
    """The reply as the pieces of a stream, and its ending."""
    writer = client.writer(request, head)
    pieces = [writer.write(delta) for delta in deltas(reply)]
    return [piece for piece in pieces if piece], writer.ending(reply.usage)


def deltas(reply: ModelReply) -> Iterator[Delta]:
    """What a stream of the reply would have said, in chunks of a believable size."""
    yield Began(reply.model or None)
    for choice in reply.choices:
        logprobs = choice.logprobs
        for part in choice.parts:
            if isinstance(part, Thinking):
                yield from _thought(part, choice.index)
            elif isinstance(part, Text):
                # Nobody knows any more which token came in which chunk: all go with the first.
                for piece in pieces_of(part.text):
                    yield TextDelta(piece, choice.index, logprobs)
                    logprobs = None
        yield Finished("stop", choice.index, choice.stop_sequence)


def pieces_of(text: str) -> Sequence[str]:
    """A text in pieces that break between words where they can; joined they are the text."""
    size = max(CHUNK, len(text) // MOST_CHUNKS)
    pieces: list[str] = []
    start = 0
    while start < len(text):
        end = min(start + size, len(text))
        if end < len(text):
            end = max(text.rfind(" ", start + 1, end), text.rfind("\n", start + 1, end), start)
            end = end if end > start else min(start + size, len(text))
        pieces.append(text[start:end])
        start = end
    return pieces


def _thought(part: Thinking, index: int) -> Iterator[Delta]:
    if part.redacted:
        yield ThinkingDelta(part.text, part.signature, redacted=True, choice=index)
        return
    for piece in pieces_of(part.text):
        yield ThinkingDelta(piece, choice=index)
    if part.signature is not None:
        yield ThinkingDelta(signature=part.signature, choice=index)


def _choice(choice: Choice) -> _Choice:
    parts = [
        _Part(part.text, True, part.signature, part.redacted)
        if isinstance(part, Thinking)
        else _Part(part.text)
        for part in choice.parts
        if isinstance(part, Text | Thinking)
    ]
    logprobs = msgspec.Raw(msgspec.json.encode(choice.logprobs))
    return _Choice(parts, choice.index, choice.stop_sequence, logprobs)


def _part(part: _Part) -> Text | Thinking:
    return Thinking(part.text, part.signature, part.redacted) if part.thought else Text(part.text)


def _json(raw: msgspec.Raw) -> Json:
    value: Json = msgspec.json.decode(raw)
    return value


@cache
def _upstream(name: FormatName) -> UpstreamFormat:
    """Reads what a client of the format got: the same words, whoever says them."""
    return registry.upstreams((name,), Quirks())[0]
