"""Usage in OpenAI's words, read and written."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from pointsman.formats.chat.shape import NOTHING
from pointsman.formats.counting import MOST_TOKENS, figure, services
from pointsman.types import Json, Usage

#: More than this in US dollars for one reply is a mistake of the upstream's, not a figure.
MOST_DOLLARS = 1_000_000


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: object = None
    image_tokens: object = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | None = None
    audio_tokens: object = None
    image_tokens: object = None


class _Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int = 0
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    #: OpenRouter's, in US dollars.
    cost: msgspec.Raw = NOTHING


_COST = msgspec.json.Decoder(Decimal)
_DECODER = msgspec.json.Decoder(_Usage, strict=False)


def stated(usage: msgspec.Raw, *service: object) -> Usage | None:
    """What the upstream says was used; None where it does not, or says what can't be.

    `service` is what it says beside that of how it served the request.
    """
    try:
        read = _DECODER.decode(usage)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    prompt = read.prompt_tokens_details or _PromptDetails()
    completion = read.completion_tokens_details or _CompletionDetails()
    found = Usage(
        input_tokens=read.prompt_tokens,
        output_tokens=read.completion_tokens,
        cached_tokens=prompt.cached_tokens or 0,
        written_tokens=prompt.cache_write_tokens or 0,
        reasoning_tokens=completion.reasoning_tokens or 0,
        stated_cost=_cost(read.cost),
        audio_input_tokens=figure(prompt.audio_tokens),
        audio_output_tokens=figure(completion.audio_tokens),
        image_input_tokens=figure(prompt.image_tokens),
        image_output_tokens=figure(completion.image_tokens),
        service=services(*service),
    )
    return found if _possible(found) else None


def written(usage: Usage) -> dict[str, Json]:
    """The `usage` object of a reply; it says where it is our count and not the upstream's."""
    marked: dict[str, Json] = {"estimated": True} if usage.estimated else {}
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.written_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        **marked,
    }


def _cost(stated: msgspec.Raw) -> Decimal | None:
    try:
        found = _COST.decode(stated)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if found.is_finite() and 0 <= found <= MOST_DOLLARS else None


def _possible(usage: Usage) -> bool:
    figures = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_tokens,
        usage.written_tokens,
        usage.reasoning_tokens,
    )
    return all(0 <= figure <= MOST_TOKENS for figure in figures)
