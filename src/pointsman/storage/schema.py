"""The ledger's tables, one schema for SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
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
    LargeBinary,
    MetaData,
    Table,
    TypeDecorator,
)
from sqlalchemy.schema import SchemaItem

from pointsman.storage.any_text import Text

_PICOS_PER_DOLLAR = Decimal(10**12)
_PICO_DOLLAR = 1 / _PICOS_PER_DOLLAR
#: Its own context, so that nobody else's precision or rounding reaches the books.
_MONEY = Context(prec=50, rounding=ROUND_HALF_EVEN)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = _EPOCH.date()
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
        return int(rounded(value).scaleb(12, _MONEY))

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Pico-dollars to dollars, without trailing zeros."""
        return None if value is None else dollars(value)


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


class Day(TypeDecorator[date]):
    """A day in UTC: a date in Python, days since 1970 in the database."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """A date to days."""
        return None if value is None else (value - _FIRST_DAY).days

    def process_result_value(self, value: int | None, dialect: Dialect) -> date | None:  # noqa: ARG002
        """Days to a date."""
        return None if value is None else _FIRST_DAY + timedelta(days=value)


def dollars(picos: int) -> Decimal:
    """US dollars from pico-dollars, without trailing zeros."""
    return _MONEY.divide(Decimal(picos), _PICOS_PER_DOLLAR)


def rounded(amount: Decimal) -> Decimal:
    """US dollars as the books have them: whole pico-dollars."""
    return amount.quantize(_PICO_DOLLAR, context=_MONEY)


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
    # The end user whom the client named.
    Column("user", Text),
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
    # Held back in `balances` while it is open.
    Column("reserved", Money, nullable=False, server_default="0"),
    # The process that has it open, where several share the books.
    Column("gateway", Text),
    # How it ended. All but the outcome are NULL while it is `open`, or a mark of how far it has
    # come: deployment, tier, tokens and cost.
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
    # As JSON: what changes the price and seldom is, such as audio, searches, another service.
    Column("usage_details", Text),
    Column("cost", Money),
    Column("overhead", Money),
    Column("baseline_cost", Money),
    # A verifier looked at the first answer; it went to a better model.
    Column("verified", Boolean),
    Column("escalated", Boolean),
    Column("latency_ms", Float),
    Column("ttft_ms", Float),
    Column("settled_at", Instant),
)
Index("entries_newest", entries.c.time, entries.c.request_id)
Index("entries_of_organisation", entries.c.organisation, entries.c.time)
Index("entries_of_key", entries.c.key, entries.c.time)
Index("entries_of_outcome", entries.c.outcome, entries.c.time)
# On PostgreSQL the revision makes these partial too; named here, that would load its whole dialect.
_has_user = entries.c.user.is_not(None)
Index("entries_of_user", entries.c.user, entries.c.time, sqlite_where=_has_user)
_is_answered = entries.c.deployment.is_not(None)
Index("entries_of_deployment", entries.c.deployment, entries.c.time, sqlite_where=_is_answered)

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
Index("cache_checks_of_entry", cache_checks.c.request_id)


def _of_entry() -> ForeignKey:
    """Goes with its entry, whoever deletes that."""
    return ForeignKey(entries.c.request_id, ondelete="CASCADE")


def _sums() -> list[SchemaItem]:
    """The sums of `ReportRow`, by its names."""
    return [
        *(
            Column(name, BigInteger, nullable=False)
            for name in (
                *("requests", "input_tokens", "output_tokens", "cached_tokens"),
                *("written_tokens", "reasoning_tokens"),
            )
        ),
        *(
            Column(name, Money, nullable=False)
            for name in ("cost", "overhead", "baseline_cost", "saved", "estimated_cost")
        ),
        *(
            Column(name, BigInteger, nullable=False)
            for name in ("compared", "unpriced", "estimated", "verified", "escalated", "completed")
        ),
        Column("latency_ms", Float, nullable=False),
    ]


#: Sums over the settled entries of a day, written with each settlement; empty text is none.
rollups = Table(
    "rollups",
    metadata,
    Column("day", Day, primary_key=True, autoincrement=False),
    Column("organisation", Text, primary_key=True),
    Column("deployment", Text, primary_key=True),
    Column("served_tier", Text, primary_key=True),
    Column("outcome", Text, primary_key=True),
    Column("cache", Text, primary_key=True),
    *_sums(),
    sqlite_with_rowid=False,
)

#: The same sums for each key, whoever answered.
key_totals = Table(
    "key_totals",
    metadata,
    Column("organisation", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("day", Day, primary_key=True, autoincrement=False),
    Column("outcome", Text, primary_key=True),
    Column("cache", Text, primary_key=True),
    *_sums(),
    sqlite_with_rowid=False,
)

#: The same sums apart for each key and what was asked for: many more rows, read where these matter.
key_rollups = Table(
    "key_rollups",
    metadata,
    Column("organisation", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("day", Day, primary_key=True, autoincrement=False),
    Column("model_asked", Text, primary_key=True),
    Column("deployment", Text, primary_key=True),
    Column("served_tier", Text, primary_key=True),
    Column("outcome", Text, primary_key=True),
    Column("cache", Text, primary_key=True),
    *_sums(),
    sqlite_with_rowid=False,
)

#: Money of a day's entries: what is settled, and what open ones may still cost. Of each
#: organisation (then the name is empty) and of each key.
balances = Table(
    "balances",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("organisation", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("day", Day, primary_key=True, autoincrement=False),
    Column("spent", Money, nullable=False),
    Column("reserved", Money, nullable=False),
    sqlite_with_rowid=False,
)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    # As JSON.
    Column("grant", Text, nullable=False),
    Column("created", Instant, nullable=False),
    Column("expires", Instant),
    Column("active", Boolean, nullable=False),
    # SHA-256 of the key, and of the one that it was rotated from.
    Column("digest", LargeBinary, nullable=False),
    Column("previous", LargeBinary),
    Column("grace_until", Instant),
    Column("member", Text),
)

#: How often something was changed, for others to notice: `keys`, `evidence`, `tenants`.
changes = Table(
    "changes",
    metadata,
    Column("what", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
)

prompts = Table(
    "prompts",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("time", Instant, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("reply", Text),
    # Kinds of what was replaced, as JSON.
    Column("redacted", Text, nullable=False),
)
Index("prompts_oldest", prompts.c.time)

#: Answers that are known to be good or bad: a signal speaks of them, or a rating.
observed = Table(
    "observed",
    metadata,
    Column("request_id", Text, _of_entry(), primary_key=True),
    # The entry's, to find the newest by.
    Column("time", Instant, nullable=False),
    Column("organisation", Text, nullable=False),
    # By name, as JSON.
    Column("signals", Text, nullable=False),
)
Index("observed_newest", observed.c.time, observed.c.request_id)
Index("observed_of_organisation", observed.c.organisation, observed.c.time, observed.c.request_id)

#: What was believed at one time; rows are never changed.
versions = Table(
    "versions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("outcomes", BigInteger, nullable=False),
    Column("last", Text, nullable=False),
    Column("comparison", Text, nullable=False),
)

learning_changes = Table(
    "learning_changes",
    metadata,
    # Clocks differ: what was written last is what holds.
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    # In force from then on; NULL where that did not change.
    Column("version", Text),
    Column("evidence", Text, nullable=False),
)
Index("learning_changes_by_id", learning_changes.c.id, unique=True)

experiments = Table(
    "experiments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Column("of", Text, nullable=False),
    Column("a", Text, nullable=False),
    Column("b", Text, nullable=False),
    Column("share", Float, nullable=False),
    Column("state", Text, nullable=False),
    Column("stopped", Instant),
    Column("reason", Text, nullable=False),
    Column("until_decided", Boolean, nullable=False),
)

#: Entries that take part in an experiment.
participants = Table(
    "participants",
    metadata,
    Column("request_id", Text, _of_entry(), primary_key=True),
    Column("experiment", Text, nullable=False),
)
Index("participants_of_experiment", participants.c.experiment)

#: The processes that share the books, and when each was last heard of.
gateways = Table(
    "gateways",
    metadata,
    Column("id", Text, primary_key=True),
    Column("beat", Instant, nullable=False),
)
