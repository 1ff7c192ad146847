"""Answers that are known to be good or bad, as rows, and what is said to their tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Dialect, Select, and_, bindparam, cast, func, literal, select

from pointsman.storage.any_text import Text
from pointsman.storage.filters import Condition, is_settled, of_age, of_given_scope
from pointsman.storage.schema import entries, feedback, observed, participants
from pointsman.storage.statements import Prepared, the_entry, upsert
from pointsman.types import Entry, Informed, Observed, Outcome, Signals

_encode = msgspec.json.Encoder().encode
_signals = msgspec.json.Decoder(dict[str, float])


class _Decided(msgspec.Struct):
    """Of a decision as JSON, what is read here."""

    informed: Informed | None = None


_decided = msgspec.json.Decoder(_Decided)
#: Different texts that a `Reading` remembers of each kind.
_ALIKE = 1_000

#: The columns of `_ANSWER`.
ObservedRow: TypeAlias = tuple[
    str, datetime, str, str, str, str, Outcome, float, str, str, Decimal | None, float, str
]
#: In the order of `Observed`, the decision as it is stored.
_ANSWER = (
    entries.c.request_id,
    entries.c.time,
    entries.c.organisation,
    entries.c.tier,
    func.coalesce(entries.c.served_tier, ""),
    func.coalesce(entries.c.deployment, ""),
    entries.c.outcome,
    entries.c.score,
    entries.c.domain,
    entries.c.decision,
    entries.c.cost,
    func.coalesce(entries.c.latency_ms, 0.0),
    func.coalesce(observed.c.signals, "{}"),
)
#: Neither waited for nor from the cache.
_is_answer: Condition = and_(is_settled, entries.c.cache.in_(("miss", "bypass")))
#: In a decision as it is encoded, no text of anybody's can look like this: its quotes are escaped.
_has_features: Condition = and_(
    entries.c.decision.like('%"features":"%'), entries.c.decision.not_like('%"features":"",%')
)


def keep_signals(dialect: Dialect) -> Prepared:
    """Write the signals of the entry `request_id` beside those that are there, name by name."""
    given = bindparam("signals", type_=Text())
    insert = upsert(observed, dialect)
    added = insert.from_select(list(observed.c), _beside_entry(given))
    together = _merged(observed.c.signals, insert.excluded.signals, dialect)
    return Prepared(
        added.on_conflict_do_update(
            index_elements=[observed.c.request_id], set_={"signals": together}
        ),
        dialect,
    )


def keep_rated(dialect: Dialect) -> Prepared:
    """Write that something is known of the entry `request_id`, if there is one in the given scope."""
    rated = _beside_entry(literal("{}", Text())).where(*of_given_scope(entries))
    added = upsert(observed, dialect).from_select(list(observed.c), rated)
    return Prepared(added.on_conflict_do_nothing(), dialect)


def take_part(dialect: Dialect) -> Prepared:
    """Write that an entry takes part in an experiment."""
    return Prepared(upsert(participants, dialect).on_conflict_do_nothing(), dialect)


def newest(organisation: str | None, limit: int) -> Select[*tuple[object, ...]]:
    """At most `limit` answers that something is known of, the newest first."""
    return (
        select(*_ANSWER)
        .join_from(observed, entries)
        .where(*of_age(observed, organisation), _is_answer, _has_features)
        .where(entries.c.served_tier.is_not(None))
        .order_by(observed.c.time.desc(), observed.c.request_id.desc())
        .limit(max(limit, 0))
    )


def ratings_since(organisation: str | None, time: datetime) -> Select[int, str, float]:
    """Of answers of that time or later: the ratings' numbers, ids of requests, ratings."""
    return (
        select(feedback.c.id, feedback.c.request_id, feedback.c.rating)
        .join(observed, observed.c.request_id == feedback.c.request_id)
        .where(*of_age(observed, organisation), observed.c.time >= time)
        .where(feedback.c.rating.is_not(None))
    )


def of_experiment(experiment: str) -> Select[*tuple[object, ...]]:
    """Answers that took part, the oldest first."""
    return (
        select(*_ANSWER)
        .join_from(participants, entries)
        .outerjoin(observed, observed.c.request_id == entries.c.request_id)
        .where(participants.c.experiment == experiment, _is_answer)
        .order_by(entries.c.time, entries.c.request_id)
    )


def ratings_in(experiment: str) -> Select[int, str, float]:
    """Of what took part, the same."""
    return (
        select(feedback.c.id, feedback.c.request_id, feedback.c.rating)
        .join(participants, participants.c.request_id == feedback.c.request_id)
        .where(participants.c.experiment == experiment, feedback.c.rating.is_not(None))
    )


def signals_row(signals: Signals) -> Mapping[str, str]:
    """What `keep_signals` takes."""
    return {"request_id": signals.request_id, "signals": _encode(signals.parts).decode()}


def participant_row(entry: Entry) -> Mapping[str, str] | None:
    """What `take_part` takes; None where the entry takes part in nothing."""
    informed = entry.decision.informed
    if informed is None or informed.experiment is None:
        return None
    return {"request_id": entry.request_id, "experiment": informed.experiment}


class Reading:
    """Reads rows, of which there may be many: what several of them say alike is one object."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._name = lru_cache(_ALIKE)(str)
        self._signals = lru_cache(_ALIKE)(_signals.decode)
        self._chances = lru_cache(_ALIKE)(dict[str, float])

    def read(self, row: ObservedRow) -> Observed | None:
        """The answer of a row; None where nothing is written of what was learned by then."""
        informed = _decided.decode(row[9]).informed
        if informed is None:
            return None
        request_id, time, organisation, tier, served, deployment, outcome, score, domain = row[:9]
        chances = self._chances(tuple(informed.propensities.items()))
        return Observed(
            request_id,
            time,
            self._name(organisation),
            self._name(tier),
            self._name(served),
            self._name(deployment),
            outcome,
            score,
            self._name(domain),
            replace(informed, version=self._name(informed.version), propensities=chances),
            *row[10:12],
            self._signals(row[12]),
        )


def _beside_entry(signals: ColumnElement[str]) -> Select[*tuple[object, ...]]:
    """A row of `observed` for the entry `request_id`, if there is one."""
    columns = (entries.c.request_id, entries.c.time, entries.c.organisation)
    return select(*columns, signals).where(the_entry)


def _merged(
    there: ColumnElement[str], added: ColumnElement[str], dialect: Dialect
) -> ColumnElement[str]:
    """One JSON object of two; what both have is as in the second."""
    if dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415 - dear to import

        return cast(cast(there, JSONB).concat(cast(added, JSONB)), Text())
    return func.json_patch(there, added, type_=Text())
