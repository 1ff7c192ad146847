"""Requests that only load or unload a model: no messages, no prompt.

Clients send them to warm a model up, and with `keep_alive: 0` to free its memory.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from pointsman.formats.ollama.reply import said, timestamp
from pointsman.types import FormatName, Json, ModelRequest

Load: TypeAlias = Literal["load", "unload"]

_EMPTY = frozenset({b"", b"null", b"[]", b'""'})
#: A duration in Go's words that comes to nothing: `0`, `0s`, `0h0m`.
_NO_TIME = re.compile(r"[+-]?(0+(\.0*)?\s*[a-zµ]*)+")


def load_asked(request: ModelRequest) -> Load | None:
    """Whether a checked request only loads or unloads its model; None where it wants an answer."""
    name = "prompt" if request.format == "ollama_generate" else "messages"
    if b"".join(request.members.get(name, b"").split()) not in _EMPTY:
        return None
    keep_alive: Json = msgspec.json.decode(request.members.get("keep_alive", b"null"))
    if isinstance(keep_alive, str):
        return "unload" if _NO_TIME.fullmatch(keep_alive) else "load"
    return "unload" if keep_alive == 0 and keep_alive is not False else "load"


def load_reply(
    model: str, time: datetime, *, unload: bool = False, format_name: FormatName = "ollama"
) -> bytes:
    """The reply to such a request: one object, even where a stream was asked for."""
    return msgspec.json.encode(
        {"model": model, "created_at": timestamp(time)}
        | said("", generate=format_name == "ollama_generate")
        | {"done": True, "done_reason": "unload" if unload else "load"}
    )
