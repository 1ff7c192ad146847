"""JSON from strangers: what is ambiguous or harmful is a clear 400."""

from __future__ import annotations

import json
import math
import re

from pointsman.errors import BadRequest
from pointsman.types import Json

MAX_DEPTH = 128
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class _Refused(ValueError):
    """Raised inside the parser's hooks."""


def decode(body: bytes) -> Json:
    """The value that `body` holds.

    Raises BadRequest for what is not JSON in UTF-8, and for what parsers disagree on or choke on:
    duplicate keys, NaN and Infinity, numbers out of range, lone surrogates, nesting over
    MAX_DEPTH levels.
    """
    try:
        value: Json = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _bad(f"the body is not valid UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        what = "is empty" if not body.strip() else f"is not valid JSON: {error}"
        raise _bad(f"the body {what}") from error
    except _Refused as error:
        raise _bad(f"the body {error}") from error
    except RecursionError as error:
        raise _bad(f"the body is nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:  # an integer of thousands of digits
        raise _bad("the body holds a number that is out of range") from error
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise _bad(f"the body is nested deeper than {MAX_DEPTH} levels")
    if _SURROGATE.search(body) and not _encodable(value):
        raise _bad("the body holds a lone surrogate, which is no character")
    return value


def _bad(message: str) -> BadRequest:
    return BadRequest(message, code="invalid_json")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _Refused(f"has the key {twice[:64]!r} twice in one object")
    return value


def _constant(name: str) -> float:
    raise _Refused(f"holds {name}, which is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Refused("holds a number that is out of range")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)


def _depth(value: Json) -> int:
    """Levels of arrays and objects, counted level by level so that no depth can hurt."""
    level = [value] if isinstance(value, (dict, list)) else []
    depth = 0
    while level and depth <= MAX_DEPTH:
        depth += 1
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, (dict, list))
        ]
    return depth


def _encodable(value: Json) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
