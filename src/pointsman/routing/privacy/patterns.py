"""The user's own patterns, under a matcher whose time is linear whatever the pattern."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from pointsman.errors import ConfigError


class Match(Protocol):
    """A place where a pattern matches."""

    def span(self) -> tuple[int, int]:
        """Begin and end, in bytes."""


class Pattern(Protocol):
    """A compiled pattern; texts are UTF-8."""

    def finditer(self, text: bytes) -> Iterator[Match]:
        """Every place where it matches, from the left."""

    def search(self, text: bytes) -> object | None:
        """None where nothing in the text matches."""


def compile_all(patterns: Mapping[str, str]) -> Mapping[str, Pattern]:
    """Each pattern compiled, by its name. Raises `ConfigError` for one that RE2 does not take."""
    if not patterns:
        return {}
    try:
        import re2  # type: ignore[import-untyped]  # noqa: PLC0415 - only who has patterns pays
    except ImportError as error:
        raise ConfigError(
            "patterns of your own under [privacy] need RE2: pip install google-re2"
        ) from error
    options = re2.Options()
    options.log_errors = False
    compiled: dict[str, Pattern] = {}
    for name, pattern in patterns.items():
        try:
            compiled[name] = re2.compile(pattern.encode(), options)
        except (re2.error, UnicodeEncodeError) as error:
            raise ConfigError(f"privacy pattern {name!r} can't be used: {error}") from error
        if compiled[name].search(b"") is not None:
            raise ConfigError(f"privacy pattern {name!r} matches the empty text, so any text")
    return compiled


def spans_of(pattern: Pattern, text: str) -> Iterator[tuple[int, int]]:
    """Where a pattern matches something, in characters."""
    written = text.encode("utf-8", "replace")
    counted = at = 0
    for found in pattern.finditer(written):
        start, end = found.span()
        if start < end:
            at += len(written[counted:start].decode("utf-8", "replace"))
            length = len(written[start:end].decode("utf-8", "replace"))
            yield at, at + length
            counted, at = end, at + length
