"""Entries page by page."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.entries import NOON, entry

from pointsman.ledger.pages import Cursor, page, pages
from pointsman.storage.memory import MemoryStore
from pointsman.types import ALL_ENTRIES


async def books(*seconds: int) -> MemoryStore:
    """An entry at each of those seconds after noon, in that order."""
    store = MemoryStore()
    for place, second in enumerate(seconds):
        await store.reserve(entry(f"r{place:02}", NOON + timedelta(seconds=second)))
    return store


@given(st.lists(st.integers(0, 2), max_size=9), st.integers(1, 4))
async def test_each_entry_is_shown_once_whatever_its_time(seconds: list[int], size: int) -> None:
    store = await books(*seconds)

    shown = [each async for batch in pages(store, size, ALL_ENTRIES) for each in batch]

    assert shown == list(await store.list(limit=100))
    assert len(shown) == len(seconds)


async def test_a_page_says_where_the_next_begins() -> None:
    store = await books(1, 1, 1)

    first = await page(store, 2)
    assert first.next is not None
    second = await page(store, 2, after=Cursor.read(str(first.next)))

    assert [each.request_id for each in first.entries] == ["r02", "r01"]
    assert [each.request_id for each in second.entries] == ["r00"]
    assert second.next is None


async def test_what_comes_between_two_pages_moves_nothing() -> None:
    store = await books(1, 2, 3)
    first = await page(store, 2)
    await store.reserve(entry("later", NOON + timedelta(seconds=9)))

    second = await page(store, 2, after=first.next)

    assert [each.request_id for each in second.entries] == ["r00"]


async def test_pages_before_a_time() -> None:
    store = await books(1, 2, 3)

    found = await page(store, 5, before=NOON + timedelta(seconds=2))

    assert [each.request_id for each in found.entries] == ["r00"]


FIRST, LAST = datetime(1970, 1, 1), datetime(9998, 1, 1)  # noqa: DTZ001 - the zone comes with each


@given(st.datetimes(FIRST, LAST, timezones=st.just(UTC)), st.text(min_size=1))
def test_a_cursor_comes_back(time: datetime, request_id: str) -> None:
    cursor = Cursor(time, request_id.encode(errors="ignore").decode() or "r1")

    assert Cursor.read(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text", ["", "x", "%%%", "4pyT", "eWVzdGVyZGF5IHIx", "OTk5OS0xMi0zMVQyMzo1OTo1OS45OTk5OTlaIHI="]
)
def test_no_cursor(text: str) -> None:
    with pytest.raises(ValueError, match="no cursor"):
        Cursor.read(text)


@pytest.mark.parametrize(
    "said", ["2026-11-23T12:00:00+00:00 ", "2026-11-23T12:00:00 r1", "2026-11-23T12:00:00Z"]
)
def test_half_a_cursor_is_none(said: str) -> None:
    with pytest.raises(ValueError, match="no cursor"):
        Cursor.read(b64encode(said.encode()).decode())


@pytest.mark.parametrize("more", ["x", " ", "%", "=="])
def test_a_cursor_with_something_to_it_is_none(more: str) -> None:
    whole = str(Cursor(NOON, "r1"))
    for text in (whole + more, more + whole):
        with pytest.raises(ValueError, match="no cursor"):
            Cursor.read(text)
