"""`data:` addresses, which hold what they lead to."""

from __future__ import annotations

import re

_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^;,]*)*;base64,", re.IGNORECASE)


def read(url: str) -> tuple[str | None, str] | None:
    """The media type, where it is said, and the base64; None where it is another address."""
    found = _DATA_URL.match(url)
    return (found[1] or None, url[found.end() :]) if found else None


def write(media_type: str | None, data: str) -> str:
    """The address that holds `data`, in base64."""
    return f"data:{media_type or 'application/octet-stream'};base64,{data}"
