"""Errors in Ollama's shape, written and read."""

from __future__ import annotations

import re

import msgspec

from pointsman.errors import PointsmanError, UnknownModel
from pointsman.formats.ollama import shape
from pointsman.formats.wire import Fault

#: How Pointsman says it; Ollama's clients look for its own words, `model 'x' not found`.
_UNKNOWN = re.compile(r"there is no model (?P<name>'.*?'|\".*?\")(?P<rest>.*)", re.DOTALL)


class _Body(msgspec.Struct):
    error: object = None


_BODY = msgspec.json.Decoder(_Body)


def body(error: PointsmanError) -> bytes:
    """The body of an error reply."""
    return msgspec.json.encode({"error": _message(error)})


def stream_line(error: PointsmanError) -> bytes:
    """The line that ends a stream which broke; none with `done: true` follows it."""
    return body(error) + b"\n"


def fault(body: bytes) -> Fault:
    """What an error reply says; empty where it is not in this format."""
    try:
        return shape.fault(_BODY.decode(body).error)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Fault()


def _message(error: PointsmanError) -> str:
    if not isinstance(error, UnknownModel):
        return str(error)
    said = _UNKNOWN.fullmatch(str(error))
    return f"model {said['name']} not found{said['rest']}" if said else f"model not found: {error}"
