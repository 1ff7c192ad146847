"""A request as it came with what is told of it, and the answer before it is handed out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from pointsman.providers.scripted.frames import Frame
from pointsman.providers.scripted.script import Script
from pointsman.types import Json

JSON_TYPE = "application/json"
STREAM_TYPE = "text/event-stream; charset=utf-8"


class Question(msgspec.Struct, frozen=True):
    """A request, and all that its answer may depend on."""

    body: bytes
    #: A digest of the body, from which ids are made.
    key: str
    content_type: str
    script: Script
    #: The name under which the answer is given.
    model: str
    #: Unix seconds.
    created: int


class Answer(msgspec.Struct, frozen=True):
    """A success or an error, ready to be handed out."""

    frames: Sequence[Frame]
    content_type: str = JSON_TYPE
    #: Output tokens that it claims; None where it does not say.
    billed: int | None = None

    @property
    def streamed(self) -> bool:
        """Whether it is a stream of events."""
        return self.content_type == STREAM_TYPE


def whole(body: Json, *, said: str = "", billed: int | None = None) -> Answer:
    """An answer of one JSON body that gives the text `said`."""
    return Answer([Frame(msgspec.json.encode(body), ((0, said),))], billed=billed)


def digest(data: bytes) -> str:
    """A hexadecimal digest."""
    return hashlib.sha256(data).hexdigest()
