"""The ledger's tables, one schema for SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

_PICOS_PER_DOLLAR = Decimal(10**12)
_PICO_DOLLAR = 1 / _PICOS_PER_DOLLAR
#: Its own context, so that nobody else's precision or rounding reaches the books.
_MONEY = Context(prec=50, rounding=ROUND_HALF_EVEN)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Money(TypeDecorator[Decimal]):
    """US dollars: a Decimal in Python, whole pico-dollars (1e-12 USD) in the database.

    A dollar per million tokens is 10^6 pico-dollars per token, so every price with up to six
    decimals per million tokens is exact. Finer amounts are rounded half to even, here and only
    here. 64 bits hold 9.2 million dollars, for one amount and for a sum.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Dollars to pico-dollars."""
        if value is None:
            return None
        return int(value.quantize(_PICO_DOLLAR, context=_MONEY).scaleb(12, _MONEY))

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Pico-dollars to dollars, without trailing zeros."""
        return None if value is None else _MONEY.divide(Decimal(value), _PICOS_PER_DOLLAR)


class Instant(TypeDecorator[datetime]):
    """A point in time: an aware datetime in Python, microseconds since 1970 UTC in the database.

    A naive datetime is a TypeError.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """A datetime to microseconds."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Microseconds to a datetime in UTC."""
        return None if value is None else _EPOCH + value * _MICROSECOND


metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
    }
)

entries = Table(
    "entries",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("client_request_id", Text),
    Column("time", Instant, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("model_asked", Text, nullable=False),
    Column("stream", Boolean, nullable=False),
    # The whole decision as JSON, and beside it copies of what one wants to query by.
    Column("decision", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("scorer", Text, nullable=False),
    Column("domain", Text, nullable=False),
    # What the cache said, and the whole of it as JSON.
    Column("cache", Text, nullable=False, server_default="bypass"),
    Column("lookup", Text),
    # How it ended. All but the outcome are NULL while it is `open`.
    Column("outcome", Text, nullable=False),
    Column("attempts", Text),
    Column("served_tier", Text),
    Column("deployment", Text),
    Column("reason", Text),
    Column("error", Text),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cached_tokens", BigInteger),
    Column("written_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("usage_estimated", Boolean),
    Column("stated_cost", Money),
    Column("cost", Money),
    Column("baseline_cost", Money),
    Column("latency_ms", Float),
    Column("ttft_ms", Float),
    Column("settled_at", Instant),
)
Index("entries_newest", entries.c.time, entries.c.request_id)
_is_open = entries.c.outcome == "open"
# On PostgreSQL the revision makes it partial too; named here, that would load its whole dialect.
Index("entries_open", entries.c.outcome, sqlite_where=_is_open)

feedback = Table(
    "feedback",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("request_id", Text, ForeignKey(entries.c.request_id), nullable=False),
    Column("time", Instant, nullable=False),
    Column("rating", Float),
    Column("comment", Text),
)
Index("feedback_of_entry", feedback.c.request_id)

cache_checks = Table(
    "cache_checks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("request_id", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("reply_id", Text, nullable=False),
    Column("similarity", Float, nullable=False),
    Column("probability", Float, nullable=False),
    Column("false", Boolean, nullable=False),
    Column("by", Text, nullable=False),
    Column("decider", Text, nullable=False),
)
Index("cache_checks_of_route", cache_checks.c.route)
