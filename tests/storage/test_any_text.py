"""Text that a database can't hold as it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import dialect as postgresql
from sqlalchemy.dialects.sqlite import dialect as sqlite

from pointsman.storage.any_text import Text

stored = Text().bind_processor(postgresql())
read = Text().result_processor(postgresql(), None)
#: Much of what is written otherwise.
texts = st.text(st.sampled_from("\0\x1001ab") | st.characters(exclude_categories=["Cs"]))


@given(texts, texts)
def test_it_comes_back_as_it_went_in_and_what_differs_differs(one: str, other: str):
    assert "\0" not in stored(one)
    assert read(stored(one)) == one
    assert (stored(one) == stored(other)) == (one == other)


def test_ordinary_text_is_stored_as_it_is_and_none_is_none():
    assert stored("日本 🚂\n") == "日本 🚂\n"
    assert stored(None) is None
    assert read(None) is None


def test_a_database_that_takes_anything_gets_it_as_it_is():
    assert Text().bind_processor(sqlite()) is None
    assert Text().result_processor(sqlite(), None) is None
