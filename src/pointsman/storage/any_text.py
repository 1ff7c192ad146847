"""Text as clients send it, in databases that can't hold all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy
from sqlalchemy import Dialect, TypeDecorator

T = TypeVar("T")

#: PostgreSQL has no NUL in its text: this stands before a digit for it, and for itself.
_ESCAPE = "\x10"
_NUL_ESCAPED, _ESCAPE_ESCAPED = f"{_ESCAPE}0", f"{_ESCAPE}1"


class Text(TypeDecorator[str]):
    """Any text: it comes back as it went in, and equal ones are equal in the database."""

    impl = sqlalchemy.Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[object], object] | None:
        """What makes it fit for the database, where that takes anything."""
        return escaped if dialect.name == "postgresql" else None

    def result_processor(
        self,
        dialect: Dialect,
        coltype: object,  # noqa: ARG002
    ) -> Callable[[object], str | None] | None:
        """The way back."""
        return _unescaped if dialect.name == "postgresql" else None


def escaped(text: T) -> T | str:
    """As PostgreSQL takes it; what is no text stays as it is."""
    if not isinstance(text, str) or not ("\0" in text or _ESCAPE in text):
        return text
    return text.replace(_ESCAPE, _ESCAPE_ESCAPED).replace("\0", _NUL_ESCAPED)


def _unescaped(text: object) -> str | None:
    if not isinstance(text, str) or _ESCAPE not in text:
        return text if isinstance(text, str) else None
    return text.replace(_NUL_ESCAPED, "\0").replace(_ESCAPE_ESCAPED, _ESCAPE)
