"""Errors in OpenAI's shape."""

from __future__ import annotations

import msgspec

from pointsman.errors import PointsmanError
from pointsman.formats import sse


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


def stream_event(error: PointsmanError) -> bytes:
    """The event that ends a stream which broke; no `[DONE]` follows it."""
    return sse.event(body(error))
