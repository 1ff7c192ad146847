"""What was learned as rows: versions, changes, experiments; and what is said to their tables. Pure."""

from __future__ import annotations

from sqlalchemy import Delete, Dialect, Select, delete, func, select

from pointsman.storage.filters import Rows, of_age
from pointsman.storage.schema import experiments, learning_changes, versions
from pointsman.storage.statements import Prepared, replacing, upsert

_TABLES = (versions, learning_changes, experiments)


def add_version(dialect: Dialect) -> Prepared:
    """Write a version; one that is there stays as it is."""
    return Prepared(upsert(versions, dialect).on_conflict_do_nothing(), dialect)


def add_change(dialect: Dialect) -> Prepared:
    """Write a change; one that is there stays as it is, in its place."""
    columns = [column.name for column in learning_changes.c if not column.primary_key]
    insert = upsert(learning_changes, dialect)
    added = insert.on_conflict_do_nothing(index_elements=[learning_changes.c.id])
    return Prepared(added, dialect, *columns)


def put_experiment(dialect: Dialect) -> Prepared:
    """Write an experiment, in place of what is there for its id."""
    return replacing(experiments, dialect)


def all_versions(organisation: str | None) -> Select[*tuple[object, ...]]:
    """The oldest first."""
    return _oldest(versions, organisation)


def all_experiments(organisation: str | None) -> Select[*tuple[object, ...]]:
    """The oldest first."""
    return _oldest(experiments, organisation)


def newest_changes(organisation: str | None, limit: int) -> Select[*tuple[object, ...]]:
    """At most `limit`, the last first."""
    columns = [column for column in learning_changes.c if not column.primary_key]
    return (
        select(*columns)
        .where(*of_age(learning_changes, organisation))
        .order_by(learning_changes.c.number.desc())
        .limit(max(limit, 0))
    )


def in_force() -> Select[str, str]:
    """Organisations, and the version that the last change of each named."""
    last = (
        select(func.max(learning_changes.c.number))
        .where(learning_changes.c.version.is_not(None))
        .group_by(learning_changes.c.organisation)
    )
    return select(learning_changes.c.organisation, learning_changes.c.version).where(
        learning_changes.c.number.in_(last)
    )


def forget(organisation: str | None) -> list[Delete]:
    """Delete all that was learned of one organisation, or of all."""
    return [delete(table).where(*of_age(table, organisation)) for table in _TABLES]


def _oldest(table: Rows, organisation: str | None) -> Select[*tuple[object, ...]]:
    return select(table).where(*of_age(table, organisation)).order_by(table.c.time, table.c.id)
