"""What SQLite does by itself when an entry is written, so that one statement is all it takes.

The triggers are temporary: the one connection that writes makes them, and no schema has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Dialect, Insert, literal_column

from pointsman.storage import balances, rollups
from pointsman.storage.schema import Money, entries

_the_entry = entries.c.request_id == literal_column("NEW.request_id")


def triggers(dialect: Dialect) -> Iterator[str]:
    """Keep rollups and balances in step with the entries."""
    sums = rollups.book(dialect, _the_entry)
    yield _trigger(
        "entry_opened",
        "INSERT",
        "NEW.outcome = 'open' AND NEW.reserved <> 0",
        [balances.hold(dialect, _the_entry)],
        dialect,
    )
    yield _trigger(
        "entry_holds_more",
        "UPDATE OF reserved",
        "OLD.outcome = 'open' AND NEW.outcome = 'open'",
        [balances.hold_more(dialect, _the_entry, literal_column("OLD.reserved", Money))],
        dialect,
    )
    yield _trigger(
        "entry_came_settled",
        "INSERT",
        "NEW.outcome <> 'open'",
        [*sums, balances.spend(dialect, _the_entry)],
        dialect,
    )
    yield _trigger(
        "entry_settled",
        "UPDATE OF outcome",
        "OLD.outcome = 'open' AND NEW.outcome <> 'open'",
        [*sums, balances.settle(dialect, _the_entry)],
        dialect,
    )


def _trigger(name: str, event: str, when: str, body: Iterable[Insert], dialect: Dialect) -> str:
    written = "".join(f"{_literal(each, dialect)};\n" for each in body)
    return (
        f"CREATE TEMP TRIGGER {name} AFTER {event} ON main.entries WHEN {when} BEGIN\n{written}END"
    )


def _literal(statement: Insert, dialect: Dialect) -> str:
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
