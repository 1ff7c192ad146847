"""What a path's query may say, checked. All raise BadRequest that names the parameter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pointsman.errors import BadRequest

_PAGE = 50
_LONGEST_PAGE = 1000


def limit_of(query: Mapping[str, str]) -> int:
    """How many are wanted."""
    text = query.get("limit")
    if text is None:
        return _PAGE
    if (
        len(text) > len(str(_LONGEST_PAGE))
        or not text.isascii()
        or not text.isdigit()
        or not 1 <= int(text) <= _LONGEST_PAGE
    ):
        raise BadRequest(f"`limit` must be a whole number from 1 to {_LONGEST_PAGE}", param="limit")
    return int(text)


def time_of(query: Mapping[str, str], name: str) -> datetime | None:
    """The time under that name, where there is one; local where it names no zone."""
    text = query.get(name)
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text.replace(" ", "+"))
        return time if time.tzinfo else time.astimezone()
    except (ValueError, OverflowError) as error:
        raise BadRequest(
            f"`{name}` must be a time such as 2026-11-21T10:00:00Z", param=name
        ) from error
