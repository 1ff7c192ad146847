"""OpenAI's embeddings: a vector is a hashed bag of words. Pure.

Equal texts have equal vectors, and texts are the closer the more words they share.
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from pointsman.errors import BadRequest
from pointsman.providers.scripted import prompts, prose
from pointsman.providers.scripted.exchange import Answer, Question, whole
from pointsman.providers.scripted.reading import refusals
from pointsman.types import Json

DIMENSIONS = 64
MAX_DIMENSIONS = 3072  # of OpenAI's largest, text-embedding-3-large


class Asked(Struct):
    """The members that change the reply."""

    model: str
    input: prompts.Prompts
    dimensions: Annotated[int, Meta(ge=1, le=MAX_DIMENSIONS)] | None = None
    encoding_format: Literal["float", "base64"] | None = None


def answer(question: Question) -> Answer:
    """Answer an embeddings request. Raises BadRequest, which names the member at fault."""
    with refusals():
        asked = _DECODER.decode(question.body)
    given = prompts.each(asked.input, "input")
    if any(not each.text for each in given):
        raise BadRequest("'input' must not hold an empty string.", param="input")
    data: list[Json] = []
    for index, each in enumerate(given):
        packed = _vector(each.text, asked.dimensions or DIMENSIONS)
        vector = _said(packed, in_base64=asked.encoding_format == "base64")
        data.append({"object": "embedding", "index": index, "embedding": vector})
    body: dict[str, Json] = {"object": "list", "data": data, "model": question.model}
    script = question.script
    if not script.no_usage:
        used = script.usage.input_tokens if script.usage else sum(each.tokens for each in given)
        body["usage"] = {"prompt_tokens": used, "total_tokens": used}
    return whole(body)


def _vector(text: str, dimensions: int) -> bytes:
    """A unit vector, as little-endian 32-bit floats."""
    counts = [0] * dimensions
    for word in prose.words(text) or {text}:
        counts[zlib.crc32(word.encode()) % dimensions] += 1
    length = math.hypot(*counts)
    return struct.pack(f"<{dimensions}f", *(count / length for count in counts))


def _said(packed: bytes, *, in_base64: bool) -> Json:
    if in_base64:
        return base64.b64encode(packed).decode()
    floats: Sequence[float] = struct.unpack(f"<{len(packed) // 4}f", packed)
    return [*floats]


_DECODER = msgspec.json.Decoder(Asked)
