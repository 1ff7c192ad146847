"""What older Gemini models do not take, by their names.

From Google's documentation and from 400s that users of other gateways reported in 2026; none of it
was tried at Google's own servers. Where it is wrong for a model, `drop` and `extra` set it right.
"""

from __future__ import annotations

import re

_OLDER = re.compile(r"(?:^|/)gemini-[12](?:\.|-)")
_FIRST_OR_2_0 = re.compile(r"(?:^|/)gemini-(?:1\.|2\.0)")


def is_older(model: str) -> bool:
    """Whether it is a Gemini 1 or 2.

    These count thinking in tokens instead of levels, check no thought signatures, take no media in
    tool results and no JSON schema beside tools. Every other name is taken for a later one, so
    that aliases like `gemini-flash-latest` mean what they say.
    """
    return _OLDER.search(model) is not None


def fetches_urls(model: str) -> bool:
    """Whether Google reads public https addresses for it: since Gemini 2.5."""
    return _FIRST_OR_2_0.search(model) is None


def thinking_range(model: str) -> tuple[int, int]:
    """The least and greatest thinking budget in tokens that all of the Gemini 2.5 models take.

    Pro can't be told not to think (128 to 32,768); the Flash models can (0, or up to 24,576).
    """
    return (128, 32_768) if "pro" in model else (0, 24_576)


def least_level(model: str) -> str:
    """The lowest thinking level that a model after Gemini 2 is known to take.

    None can be told not to think, and most answer 400 to MINIMAL (3.1 Pro, 3.7 Flash and others).
    """
    return "MINIMAL" if "flash-lite" in model else "LOW"
