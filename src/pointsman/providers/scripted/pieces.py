"""A text cut to its stops and its limit, and taken apart into what a stream sends. Pure.

Tokens are words here: a reply's pieces are what a stream sends one by one and what `logprobs`
speaks of. How many tokens a text has is estimated with `pointsman.tokens`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

from pointsman.tokens import estimate_tokens

#: The member `stop` of a request.
Stop: TypeAlias = str | list[str] | None

_PIECE = re.compile(r"\s*\S+|\s+")


def words(text: str) -> tuple[str, ...]:
    """`text` word by word, each with the space before it."""
    return tuple(_PIECE.findall(text))


def split(text: str, count: int) -> tuple[str, ...]:
    """`text` in `count` pieces of about equal length; fewer where it is shorter than that."""
    count = min(count, len(text))
    edges = [len(text) * place // count for place in range(count + 1)] if count else []
    return tuple(text[start:end] for start, end in pairwise(edges))


def said(
    text: str, stop: Stop, limit: int | None, chunks: int | None
) -> tuple[tuple[str, ...], str]:
    """The pieces of `text` up to its first stop and its limit, and why it ends there.

    `limit` in tokens; `chunks` is how many pieces there shall be, words otherwise.
    """
    starts = [at for each in _stops(stop) if (at := text.find(each)) >= 0]
    text, cut = clipped(text[: min(starts, default=None)], limit)
    return split(text, chunks) if chunks else words(text), "length" if cut else "stop"


def clipped(text: str, limit: int | None) -> tuple[str, bool]:
    """As much of `text` as fits into `limit` tokens, and whether any was cut off."""
    if limit is None or estimate_tokens(text) <= limit:
        return text, False
    ends = range(len(text) + 1)
    return text[: bisect_right(ends, limit, key=lambda end: estimate_tokens(text[:end])) - 1], True


def left(limit: int | None, text: str) -> int | None:
    """What is left of a limit, in tokens, after `text`; None where there is no limit."""
    return None if limit is None else max(0, limit - estimate_tokens(text))


def _stops(stop: Stop) -> Sequence[str]:
    stops = [stop] if isinstance(stop, str) else stop or []
    return [each for each in stops if each]
