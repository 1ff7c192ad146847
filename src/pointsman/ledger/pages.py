"""Entries page by page: none is lost or shown twice, though several have the same time."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from pointsman.ports import Books
from pointsman.types import ALL_ENTRIES, Entry, Filter

_INSTANT = timedelta(microseconds=1)


class Cursor(msgspec.Struct, frozen=True, order=True):
    """The place of an entry in the books; a page after it holds older ones."""

    time: datetime
    request_id: str

    @classmethod
    def of(cls, entry: Entry) -> Cursor:
        """Where the entry is."""
        return cls(entry.time, entry.request_id)

    @classmethod
    def read(cls, text: str) -> Cursor:
        """What `str` wrote. Raises ValueError."""
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
            time, _, request_id = raw.decode().partition(" ")
            stated = datetime.fromisoformat(time)
            cursor = cls(stated.astimezone(UTC), request_id)
            _ = cursor.time + _INSTANT
        except (ValueError, OverflowError) as error:
            raise ValueError("this is no cursor") from error
        if stated.tzinfo is None or not request_id:
            raise ValueError("this is no cursor: half of it is missing")
        return cursor

    def __str__(self) -> str:
        """As text for addresses; it means nothing to others."""
        return base64.urlsafe_b64encode(
            f"{self.time.isoformat()} {self.request_id}".encode()
        ).decode()


class Page(msgspec.Struct, frozen=True):
    """Some entries, the newest first."""

    entries: Sequence[Entry]
    #: Where the next page begins; None where this is the last one.
    next: Cursor | None


async def page(
    books: Books,
    limit: int,
    *,
    after: Cursor | None = None,
    before: datetime | None = None,
    which: Filter = ALL_ENTRIES,
) -> Page:
    """At most `limit` entries after a cursor, or older than `before`, or the newest ones.

    Raises LedgerUnavailable.
    """
    asked = limit + 1
    while True:
        # Those of the cursor's own instant are asked for again, and left out.
        until = after.time + _INSTANT if after else before
        found = await books.list(limit=asked, before=until, which=which)
        rest = [entry for entry in found if after is None or Cursor.of(entry) < after]
        if len(rest) > limit or len(found) < asked:
            break
        asked *= 2
    more = len(rest) > limit
    return Page(rest[:limit], Cursor.of(rest[limit - 1]) if more else None)


async def pages(books: Books, size: int, which: Filter) -> AsyncGenerator[Sequence[Entry]]:
    """All entries, `size` at a time. Raises LedgerUnavailable."""
    found = await page(books, size, which=which)
    yield found.entries
    while found.next is not None:
        found = await page(books, size, after=found.next, which=which)
        yield found.entries
