"""What is learned from, and what was learned, in either database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeAlias, TypeVar, cast
from zlib import crc32

from msgspec.structs import asdict, replace
from sqlalchemy import Connection, Dialect, Select, func, select

from pointsman.errors import NotFound
from pointsman.storage import learned_rows, observed_rows, statements
from pointsman.storage.observed_rows import ObservedRow, signals_row
from pointsman.storage.rows import feedback_row
from pointsman.storage.schema import changes
from pointsman.storage.statements import Prepared
from pointsman.types import (
    EVERYWHERE,
    Change,
    Experiment,
    Feedback,
    Observed,
    Scope,
    Signals,
    Version,
)

T = TypeVar("T")
#: A statement and its values.
Step: TypeAlias = tuple[Prepared, Mapping[str, object]]

#: New evidence is counted in several rows, so that ratings at a time need not wait for one another.
_COUNTED = [f"evidence {number}" for number in range(16)]

#: Rows that are in memory at a time, as the database has them.
_ROWS = 200


class LearningReader(ABC):
    """The reading half of `ports.EvidenceStore`, `ports.VersionStore`, `ports.ExperimentStore`."""

    @abstractmethod
    async def ask(self, query: Callable[[Connection], T]) -> T:
        """What a query finds, all of it of one moment. Raises LedgerUnavailable."""

    async def observed(self, *, organisation: str | None = None, limit: int) -> Sequence[Observed]:
        """See `ports.EvidenceStore`."""
        return await self.ask(partial(_observed, organisation=organisation, limit=limit))

    async def evidence_stamp(self) -> str:
        """See `ports.EvidenceStore`."""
        counts = select(func.sum(changes.c.count)).where(changes.c.what.in_(_COUNTED))
        return str(await self.ask(lambda db: db.scalar(counts)) or 0)

    async def versions(self, *, organisation: str | None = None) -> Sequence[Version]:
        """See `ports.VersionStore`."""
        page = learned_rows.all_versions(organisation)
        return await self.ask(lambda db: [Version(**row) for row in db.execute(page).mappings()])

    async def changes(
        self, *, organisation: str | None = None, limit: int = 100
    ) -> Sequence[Change]:
        """See `ports.VersionStore`."""
        page = learned_rows.newest_changes(organisation, limit)
        return await self.ask(lambda db: [Change(**row) for row in db.execute(page).mappings()])

    async def in_force(self) -> Mapping[str, str]:
        """See `ports.VersionStore`."""
        found = learned_rows.in_force()
        return await self.ask(lambda db: dict(db.execute(found).all()))

    async def experiments(self, *, organisation: str | None = None) -> Sequence[Experiment]:
        """See `ports.ExperimentStore`."""
        page = learned_rows.all_experiments(organisation)
        return await self.ask(lambda db: [Experiment(**row) for row in db.execute(page).mappings()])

    async def taken_part(self, experiment: str) -> Sequence[Observed]:
        """See `ports.ExperimentStore`."""
        return await self.ask(partial(_taken_part, experiment=experiment))


class LearningStore(LearningReader):
    """These ports in full, and `ports.FeedbackStore`."""

    def __init__(self, dialect: Dialect) -> None:
        """Prepares its statements; does no I/O."""
        self.dialect = dialect
        self._add = statements.add_feedback(dialect)
        self._keep_rated = observed_rows.keep_rated(dialect)
        self._keep_signals = observed_rows.keep_signals(dialect)
        self._count_evidence = statements.count_change(dialect)
        self._add_version = learned_rows.add_version(dialect)
        self._add_change = learned_rows.add_change(dialect)
        self._put_experiment = learned_rows.put_experiment(dialect)

    @abstractmethod
    async def carry_out(self, steps: Sequence[Step]) -> Sequence[int]:
        """Do them in one transaction; returns how many rows each changed, once that is durable.

        Raises LedgerUnavailable.
        """

    async def carry_out_many(
        self, statement: Prepared, rows: Sequence[Mapping[str, object]]
    ) -> None:
        """Do it with each of the rows, in one transaction. Raises LedgerUnavailable."""
        await self.carry_out([(statement, row) for row in rows])

    async def add(self, feedback: Feedback, scope: Scope = EVERYWHERE) -> None:
        """See `ports.FeedbackStore`. Raises LedgerUnavailable."""
        row = {**feedback_row(feedback), "organisation": scope.organisation, "key": scope.key}
        steps: list[Step] = [(self._add, row)]
        if feedback.rating is not None:
            steps += [(self._keep_rated, row), self._counting(feedback.request_id)]
        added, *_ = await self.carry_out(steps)
        if not added:
            raise NotFound(f"there is no entry {feedback.request_id!r}", param="request_id")

    async def add_signals(self, signals: Sequence[Signals]) -> None:
        """See `ports.EvidenceStore`."""
        # In one order, so that two gateways never wait for one another in a circle.
        rows = [signals_row(each) for each in signals if each.parts]
        rows.sort(key=lambda row: row["request_id"])
        if rows:
            kept = [(self._keep_signals, row) for row in rows]
            await self.carry_out([*kept, self._counting(rows[0]["request_id"])])

    async def add_version(self, version: Version) -> None:
        """See `ports.VersionStore`."""
        await self.carry_out([(self._add_version, asdict(version))])

    async def add_change(self, change: Change) -> None:
        """See `ports.VersionStore`. One that is there already is not added again."""
        await self.carry_out([(self._add_change, asdict(change))])

    async def put_experiment(self, experiment: Experiment) -> None:
        """See `ports.ExperimentStore`."""
        await self.carry_out([(self._put_experiment, asdict(experiment))])

    def _counting(self, request_id: str) -> Step:
        """Others are to notice that something is known of it."""
        which = crc32(request_id.encode(errors="replace")) % len(_COUNTED)
        return self._count_evidence, {"what": _COUNTED[which]}


def _observed(db: Connection, organisation: str | None, limit: int) -> Sequence[Observed]:
    found = _read(db, observed_rows.newest(organisation, limit))
    if not found:
        return []
    since = found[-1].time
    return _rated(found[::-1], db.execute(observed_rows.ratings_since(organisation, since)))


def _taken_part(db: Connection, experiment: str) -> Sequence[Observed]:
    found = _read(db, observed_rows.of_experiment(experiment))
    return _rated(found, db.execute(observed_rows.ratings_in(experiment)))


def _read(db: Connection, page: Select[*tuple[object, ...]]) -> Sequence[Observed]:
    """A few rows at a time: a decision is longer than what is read of it by far."""
    rows = db.execute(page.execution_options(yield_per=_ROWS))
    reading = observed_rows.Reading()
    found = (reading.read(cast("ObservedRow", row)) for row in rows)
    return [each for each in found if each is not None]


def _rated(
    found: Sequence[Observed], ratings: Iterable[tuple[int, str, float]]
) -> Sequence[Observed]:
    """With what users said of them."""
    said: defaultdict[str, list[float]] = defaultdict(list)
    for _, request_id, rating in sorted(ratings):
        said[request_id].append(rating)
    return [
        replace(each, ratings=tuple(said[each.request_id])) if each.request_id in said else each
        for each in found
    ]
