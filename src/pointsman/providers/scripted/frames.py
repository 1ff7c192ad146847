"""What every body is made of: frames, events, errors, usage, and how likely a word was. Pure.

A `Frame` is a piece of a body with the text that it gives away, so that whoever sends it knows
what was given when the reader leaves.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec

from pointsman.types import Json, Usage

DONE = b"data: [DONE]\n\n"
FINGERPRINT = "fp_scripted"
_FILLERS = tuple(f" word{number}" for number in range(20))  # alternatives among the likely words

_ERRORS: Mapping[int, tuple[str, str | None]] = {  # status: type, code
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}


class Frame(msgspec.Struct, frozen=True):
    """A piece of the body."""

    data: bytes
    #: The text in it, by choice: reasoning and content; of tool calls, names and arguments.
    given: tuple[tuple[int, str], ...] = ()


def event(body: dict[str, Json], index: int = 0, given: str = "") -> Frame:
    """An event of a stream, with the text that it gives of the choice `index`."""
    data = b"data: " + msgspec.json.encode(body) + b"\n\n"
    return Frame(data, ((index, given),) if given else ())


def error_body(
    status: int,
    message: str,
    *,
    type_: str | None = None,
    code: str | None = None,
    param: str | None = None,
) -> bytes:
    """An error in OpenAI's shape; type and code are the status's usual ones where not given."""
    server = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    usual = "server_error" if server else "invalid_request_error"
    usual_type, usual_code = _ERRORS.get(status, (usual, None))
    error: Json = {
        "message": message,
        "type": type_ or usual_type,
        "param": param,
        "code": code or usual_code,
    }
    return msgspec.json.encode({"error": error})


def spent(usage: Usage) -> dict[str, Json]:
    """Usage as chat and completions say it."""
    read: dict[str, Json] = {"cached_tokens": usage.cached_tokens}
    if usage.written_tokens:
        read["cache_write_tokens"] = usage.written_tokens
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": read,
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def likely(piece: str, others: int) -> Sequence[tuple[str, float]]:
    """A piece and `others` that it was chosen from, the likeliest first, with logprobs."""
    logprob = -(zlib.crc32(piece.encode()) % 500) / 1000
    fillers = [filler for filler in _FILLERS if filler != piece]
    return [(piece, logprob), *((filler, -1.0 - n) for n, filler in enumerate(fillers[:others]))]
