"""Errors in OpenAI's shape."""

from __future__ import annotations

import msgspec

from pointsman.errors import PointsmanError
from pointsman.formats import sse


class _Error(msgspec.Struct):
    message: str


class _Body(msgspec.Struct):
    error: _Error


def body(error: PointsmanError) -> bytes:
    """The body of an error reply."""
    return msgspec.json.encode(
        {
            "error": {
                "message": str(error),
                "type": error.type,
                "param": error.param,
                "code": error.code,
            }
        }
    )


def message_of(body: bytes) -> str:
    """The message of an error's body; empty where it has none."""
    try:
        return msgspec.json.decode(body, type=_Body).error.message
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def stream_event(error: PointsmanError) -> bytes:
    """The event that ends a stream which broke; no `[DONE]` follows it."""
    return sse.event(body(error))
