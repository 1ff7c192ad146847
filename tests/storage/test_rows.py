"""Entries through rows and tables and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import Engine
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from pointsman.storage import statements
from pointsman.storage.connection import blank
from pointsman.storage.rows import entry_row, feedback_row, read_entry, settlement_row
from pointsman.storage.schema import Instant, Money, metadata
from pointsman.types import (
    Attempt,
    Decision,
    Entry,
    Feedback,
    Plan,
    Score,
    Settlement,
    Usage,
)

DIALECT = sqlite_dialect(paramstyle="qmark")
NOW = datetime(2026, 5, 1, tzinfo=UTC)

numbers = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 2**63 - 1)
picos = st.integers(-(2**63), 2**63 - 1)
dollars = picos.map(lambda n: Decimal(n).scaleb(-12))
times = st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
    min_value=datetime(1971, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    max_value=datetime(9000, 1, 1),  # noqa: DTZ001
)
scores = st.builds(
    Score,
    value=numbers,
    parts=st.dictionaries(st.text(), numbers),
    dimensions=st.dictionaries(st.text(), numbers),
)
decisions = st.builds(
    Decision,
    scored=scores,
    plan=st.from_type(Plan),
    estimated_cost_usd=st.none() | st.decimals(allow_nan=False, allow_infinity=False),
)
settlements = st.builds(
    Settlement,
    outcome=st.sampled_from(["completed", "client_left", "failed", "interrupted", "refused"]),
    attempts=st.lists(st.builds(Attempt, latency_ms=numbers), max_size=3).map(tuple),
    usage=st.none()
    | st.builds(
        Usage,
        *[counts] * 5,
        estimated=st.booleans(),
        stated_cost=st.none() | dollars,
        written_1h_tokens=counts,
        audio_input_tokens=counts,
        audio_output_tokens=counts,
        image_input_tokens=counts,
        image_output_tokens=counts,
        searches=counts,
        service=st.lists(st.text(), max_size=2).map(tuple),
    ),
    cost=st.none() | dollars,
    baseline_cost=st.none() | dollars,
    latency_ms=numbers,
    ttft_ms=st.none() | numbers,
)
entries = st.builds(
    Entry,
    time=times,
    decision=decisions,
    settlement=st.none() | settlements,
    feedback=st.lists(
        st.builds(
            Feedback, request_id=st.just("said"), time=times, rating=st.none() | st.floats(-1, 1)
        ),
        max_size=2,
    ).map(tuple),
)


@given(entries)
def test_an_entry_comes_back_from_its_rows(entry: Entry):
    said = [feedback_row(feedback) for feedback in entry.feedback]
    assert read_entry(entry_row(entry, settled_at=NOW), said) == entry


@pytest.fixture(scope="module")
def database() -> Iterator[Engine]:
    source = blank()
    metadata.create_all(source)
    yield source
    source.dispose()


@given(entry=entries)
def test_an_entry_comes_back_from_the_database(database: Engine, entry: Entry):
    reserve = statements.reserve(DIALECT)
    with database.connect() as db:  # rolled back at the end
        db.exec_driver_sql(reserve.sql, reserve.values(entry_row(entry, settled_at=NOW)))
        row = db.execute(statements.entry(entry.request_id)).mappings().one()
        said = [feedback_row(feedback) for feedback in entry.feedback]
        assert read_entry(row, said) == entry


def test_what_seldom_is_takes_no_room_where_it_is_not():
    plain = Settlement("completed", usage=Usage(10, 5, 3, 2, 1))
    assert settlement_row(plain, NOW)["usage_details"] is None
    searched = replace(plain, usage=Usage(10, 5, searches=2, service=("priority",)))
    said = settlement_row(searched, NOW)["usage_details"]
    assert said == '{"searches":2,"service":["priority"]}'


@given(picos)
def test_every_pico_dollar_comes_back(count: int):
    amount = Money().process_result_value(count, DIALECT)
    assert amount == Decimal(count).scaleb(-12)
    assert Money().process_bind_param(amount, DIALECT) == count


@pytest.mark.parametrize(
    ("amount", "count"),
    [
        ("0.0000000000005", 0),
        ("0.0000000000015", 2),
        ("0.00000000000050000000000000000000000000000000001", 1),
        ("-0.0000000000015", -2),
        ("3", 3 * 10**12),
    ],
)
def test_finer_amounts_are_rounded_once_half_to_even(amount: str, count: int):
    with localcontext(prec=3):
        assert Money().process_bind_param(Decimal(amount), DIALECT) == count


@pytest.mark.parametrize("amount", ["0", "0.00045", "10", "1200"])
def test_amounts_read_as_one_would_write_them(amount: str):
    count = Money().process_bind_param(Decimal(amount), DIALECT)
    assert str(Money().process_result_value(count, DIALECT)) == amount


@given(times)
def test_every_microsecond_comes_back_in_utc(time: datetime):
    found = Instant().process_result_value(Instant().process_bind_param(time, DIALECT), DIALECT)
    assert found == time
    assert found.tzinfo is UTC


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(TypeError):
        Instant().process_bind_param(datetime(2026, 5, 1), DIALECT)  # noqa: DTZ001
