"""What is deleted when books or prompts are forgotten, a portion at a time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Delete, Update, delete, select

from pointsman.storage import balances, learned_rows, rollups
from pointsman.storage.filters import is_settled, of_age
from pointsman.storage.schema import cache_checks, entries, feedback, prompts

#: Rows that are deleted before other writes get their turn.
PORTION = 200


def entries_with_all(organisation: str | None, before: datetime | None) -> Sequence[Delete]:
    """Delete a portion of the settled entries and what hangs on them; the entries come last.

    What is known of how good they are goes with them by itself: see `schema.observed`.
    """
    portion = (
        select(entries.c.request_id)
        .where(*of_age(entries, organisation, before), is_settled)
        .order_by(entries.c.time, entries.c.request_id)
        .limit(PORTION)
    )
    return [
        delete(table).where(table.c.request_id.in_(portion))
        for table in (feedback, prompts, cache_checks, entries)
    ]


def sums(organisation: str | None) -> Sequence[Update | Delete]:
    """Delete what the entries added up to, and what was learned from them, of all time."""
    return (
        *rollups.forget(organisation),
        *balances.forget(organisation),
        *learned_rows.forget(organisation),
    )


def kept_prompts(organisation: str | None, before: datetime | None) -> Delete:
    """Delete a portion of the prompts."""
    portion = (
        select(prompts.c.request_id)
        .where(*of_age(prompts, organisation, before))
        .order_by(prompts.c.time)
        .limit(PORTION)
    )
    return delete(prompts).where(prompts.c.request_id.in_(portion))
