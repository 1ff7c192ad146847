"""Errors in OpenAI's shape, written and read."""

from __future__ import annotations

import msgspec

from pointsman.errors import PointsmanError
from pointsman.formats import sse
from pointsman.formats.wire import Fault
from pointsman.types import Json


class _Stated(msgspec.Struct):
    message: object = None
    type: object = None
    param: object = None
    code: object = None


class _Body(_Stated):
    """An error in its envelope, or without one (vLLM, Mistral; `detail` is FastAPI's)."""

    error: _Stated | str | None = None
    detail: object = None


_STATUSES = range(100, 600)
_BODY = msgspec.json.Decoder(_Body | list[_Body])


def body(error: PointsmanError) -> bytes:
    """The body of an error reply."""
    return msgspec.json.encode({"error": written(error)})


def written(error: PointsmanError) -> dict[str, Json]:
    """An error's members."""
    return {
        "message": str(error),
        "type": error.type,
        "param": error.param,
        "code": error.code,
    }


def stream_event(error: PointsmanError) -> bytes:
    """The event that ends a stream which broke; no `[DONE]` follows it."""
    return sse.event(body(error))


def fault(body: bytes) -> Fault:
    """What an error reply says, in any of the shapes that servers of this format use.

    Empty where it is none of them.
    """
    try:
        read = _BODY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Fault()
    if isinstance(read, list):  # Gemini's OpenAI layer
        read = read[0] if read else _Body()
    if isinstance(read.error, str):
        return Fault(message=read.error)
    said = read.error or read
    message = said.message or read.detail
    return Fault(
        message=message if isinstance(message, str) else "",
        type=_text(said.type),
        param=_text(said.param),
        code=code_of(said.code),
    )


def message_of(body: bytes) -> str:
    """The message of an error's body; empty where it has none."""
    return fault(body).message


def code_of(value: object) -> str | None:
    """A code is a string or null in OpenAI's errors.

    llama.cpp, vLLM and others have a number there. Where that is the status once more it is no code.
    """
    return None if isinstance(value, int) and value in _STATUSES else _text(value)


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
