"""A row of the fault table: what an upstream does, and what may come of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, TypeAlias

from tests.support.chat_bytes import completion, events, said
from tests.support.faulty_upstream import (
    LAST_CHUNK,
    STREAM_HEAD,
    Asked,
    Behave,
    Send,
    Step,
    chunk,
    head,
    whole,
)

#: An `answer` is complete, an `error` has an error status, a `broken` one began and then failed.
Kind: TypeAlias = Literal["answer", "error", "broken"]
#: Where nobody listens, or the upstream is none that `FaultyUpstream` could be.
Place: TypeAlias = Literal["upstream", "nobody", "no such host", "black hole", "tls", "no tls"]

#: The key that the gateway has for the upstreams: no client and no book may ever see it.
CANARY = "sk-canary-7f3a"

#: Settings of a deployment that is given up on soon: with each phase, or with the whole.
IMPATIENT = {"timeouts": {"first_byte_s": 0.4, "between_chunks_s": 0.4, "connect_s": 0.4}}
BRIEF = {"timeouts": {"total_s": 0.6}}
#: The beginning of a stream's body.
PART = b"".join(said()[:3])
#: The head of a stream that is as long as its connection.
OPEN_END = head(200, "text/event-stream")


@dataclass(frozen=True)
class Row:
    """One fault, met by a request that is not streamed, and by streamed ones."""

    id: str
    what: str
    behave: Behave
    #: What comes of it, not streamed and streamed.
    whole: Kind = "error"
    stream: Kind = "error"
    place: Place = "upstream"
    #: The upstream acts before it reads anything.
    deaf: bool = False
    #: More of the deployment's settings.
    settings: Mapping[str, object] = field(default_factory=dict)
    #: No other deployment is asked, because the request is at fault.
    final: bool = False
    #: The answer may be a part of the text only: the upstream says that this is all.
    partial: bool = False
    #: Sent before, and answered well: this many requests.
    before: int = 0
    #: Takes long: not in the fast suite.
    full: bool = False

    @property
    def spared(self) -> Kind:
        """What comes of it, streamed, where there is a second, healthy deployment."""
        return "answer" if self.stream == "error" and not self.final else self.stream


def healthy(asked: Asked) -> Iterable[Step]:
    """Nothing is wrong."""
    return sse(*events()) if asked.stream else [Send(whole(completion()))]


def always(*steps: Step) -> Behave:
    """The same steps, streamed or not."""
    return lambda _: steps


def either(unstreamed: Iterable[Step], streamed: Iterable[Step]) -> Behave:
    """Other steps where a stream is asked for. Both are used again for the next request."""
    unstreamed, streamed = tuple(unstreamed), tuple(streamed)
    return lambda asked: streamed if asked.stream else unstreamed


def streaming(*steps: Step) -> Behave:
    """A healthy upstream, but for its streams."""
    return either([Send(whole(completion()))], steps)


def sse(*pieces: bytes) -> list[Step]:
    """A whole stream, a packet for each piece of its body."""
    return [Send(STREAM_HEAD), *(Send(chunk(piece)) for piece in pieces), Send(LAST_CHUNK)]


def begun(*pieces: bytes) -> list[Step]:
    """A stream without its end."""
    return sse(*pieces)[:-1]


def replying(body: bytes) -> list[Step]:
    """A whole reply."""
    return [Send(whole(body))]


def status(number: int, *headers: str, words: str = "It was said so.") -> Behave:
    """An error in OpenAI's shape; 401 and 403 tell the key that was sent, as some do."""
    words = f"Incorrect API key provided: {CANARY}." if number in {401, 403} else words
    error = {"message": words, "type": "its_type", "param": None, "code": "its_code"}
    body = json.dumps({"error": error}).encode()
    return always(Send(whole(body, *headers, status=number)))


def using(usage: object) -> Behave:
    """A healthy upstream that says this of its usage."""
    return either(replying(completion(usage=usage)), sse(*events(usage)))


def at_first(times: int, fault: Behave) -> Behave:
    """A fault for an upstream's first requests; then it is well."""
    return lambda asked: fault(asked) if asked.number < times else healthy(asked)


@lru_cache(maxsize=1)
def bomb(size: int) -> bytes:
    """`size` bytes, packed into a thousandth."""
    return gzip.compress(b'{"choices": "' + b"x" * size)
