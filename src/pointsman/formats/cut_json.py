"""JSON that stops short, as a reply does whose connection broke: what is there can be read. Pure."""

from __future__ import annotations

import re

#: Deeper than any reply is.
_DEEPEST = 100
#: A string, its end or what is left of it; a bracket or a sign; any other value.
_TOKEN = re.compile(
    rb'"(?P<said>(?:[^"\\]|\\u[0-9a-fA-F]{4}|\\[^u])*+)(?P<end>"|[^"]{0,5}\Z)'
    rb'|(?P<sign>[{}\[\]:,])|[^\s"{}\[\]:,]+'
)
#: The first half of a character that takes two escapes.
_HALF = re.compile(rb"(\\+)u[dD][89abAB][0-9a-fA-F]{2}\Z")
_ENDS = {b"{": b"}", b"[": b"]"}


def closed(text: bytes) -> bytes:
    """An object or a list of which the end is missing, ended after the last that is whole.

    A string is kept as far as it goes; of a number nobody knows how it would have gone on. Empty
    where it is neither, or nested too deeply. What is no JSON stays none.
    """
    text = text.strip()
    if text[:1] not in _ENDS:
        return b""
    missing: list[bytes] = []
    kept, is_value = 0, True
    for token in _TOKEN.finditer(text):
        sign, end = token["sign"], token["end"]
        if sign in _ENDS:
            missing.append(_ENDS[sign])
            kept, is_value = token.end(), sign == b"["
        elif sign in {b":", b","}:
            is_value = sign == b":" or missing[-1] == b"]"
        elif sign is not None:
            kept, is_value = token.end(), False
            if missing.pop() != sign:
                return b""
        elif is_value and end not in {None, b'"'}:
            said = text[kept : token.start()] + b'"' + _in_whole_characters(token["said"])
            return b"".join((text[:kept], said, b'"', *reversed(missing)))
        elif is_value and (end is not None or token.end() < len(text)):
            kept, is_value = token.end(), False
        if not 0 < len(missing) <= _DEEPEST:
            break
    return b"" if len(missing) > _DEEPEST else b"".join((text[:kept], *reversed(missing)))


def _in_whole_characters(said: bytes) -> bytes:
    """The beginning of a string, without the piece of a character at its end."""
    half = _HALF.search(said)
    if half is not None and len(half[1]) % 2:
        said = said[: half.end(1) - 1]
    return said.decode("utf-8", "ignore").encode()
