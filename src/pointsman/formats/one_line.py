"""JSON on one line, as files of lines have it. Pure."""

from __future__ import annotations

import msgspec


def one_line(body: bytes) -> bytes:
    """The same JSON without whitespace around its tokens; what is none becomes a JSON string."""
    try:
        return msgspec.json.format(body, indent=-1)
    except msgspec.DecodeError:
        return msgspec.json.encode(body.decode("utf-8", "replace"))
