"""OpenAI's `/images`: every picture is one pixel. Pure."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from pointsman.providers.scripted.exchange import Answer, Question, whole
from pointsman.providers.scripted.reading import read
from pointsman.tokens import estimate_tokens
from pointsman.types import Json, Usage

#: A PNG of one grey pixel, in base64.
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg=="
)
MAX_IMAGES = 10  # OpenAI's limit of `n`


class Varied(Struct):
    """What variations are asked of."""

    n: Annotated[int, Meta(ge=1, le=MAX_IMAGES)] | None = None


class Drawn(Varied, kw_only=True):
    """What is to be drawn."""

    prompt: str


def drawn(question: Question) -> Answer:
    """The pictures of a prompt. Raises BadRequest."""
    asked = read(question.body, question.content_type, Drawn)
    return _pictures(question, asked.n or 1, asked.prompt)


def varied(question: Question) -> Answer:
    """The pictures of another. Raises BadRequest."""
    asked = read(question.body, question.content_type, Varied)
    return _pictures(question, asked.n or 1, "")


def _pictures(question: Question, count: int, prompt: str) -> Answer:
    script = question.script
    data: list[Json] = [{"b64_json": PIXEL}] * count
    body: dict[str, Json] = {"created": question.created, "data": data}
    usage = script.usage or Usage(estimate_tokens(prompt), count)
    if not script.no_usage:
        body["usage"] = {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "total_tokens": usage.input_tokens + usage.output_tokens,
        }
    return whole(body, billed=None if script.no_usage else usage.output_tokens)
