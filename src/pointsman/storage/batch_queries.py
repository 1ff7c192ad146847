"""What is asked of the tables of files and batches. Nothing here does I/O of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Delete,
    RowMapping,
    Select,
    Update,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    union,
)

from pointsman.ports import Page
from pointsman.storage.any_text import Text
from pointsman.storage.filters import Condition, Rows, is_open, of_scope
from pointsman.storage.schema import Instant, entries
from pointsman.storage.schema_batches import (
    batch_answers,
    batch_rows,
    batches,
    file_pieces,
    files,
)
from pointsman.types import (
    EVERYWHERE,
    MOST_TRIES,
    UNFINISHED,
    AnsweredRow,
    Batch,
    BatchError,
    BatchRow,
    BatchStatus,
    BatchSums,
    FilePart,
    RowSums,
    Scope,
    StoredFile,
    row_request_id,
)

Erasing: TypeAlias = Update | Delete
_REFUSED = 400
_ERRORS = msgspec.json.Decoder(tuple[BatchError, ...])
#: Characters of a batch's id, with which the request ids of its rows begin.
_ID_LENGTH = len("batch_") + 32
#: In these, open entries of rows are kept for whoever goes on with the batch.
_GOING_ON = ("validating", "in_progress")


#: An entry that will be gone on with, though the gateway that had it open is gone.
is_awaited: Condition = exists(
    select(batches.c.id).where(
        batches.c.id == func.substr(entries.c.request_id, 1, _ID_LENGTH),
        or_(*(batches.c.status == status for status in _GOING_ON)),
    )
)
_answered = (batch_answers.c.batch == batch_rows.c.batch) & (
    batch_answers.c.number == batch_rows.c.number
)
_went_well = batch_answers.c.status < _REFUSED


def file(db: Connection, file_id: str, scope: Scope = EVERYWHERE) -> StoredFile | None:
    """One file, or none."""
    found = select(files).where(files.c.id == file_id, *of_scope(files, scope))
    row = db.execute(found).mappings().first()
    return None if row is None else StoredFile(**row)


def files_page(
    db: Connection, page: Page, scope: Scope, purpose: str | None
) -> Sequence[StoredFile]:
    """A page of files."""
    found = _page(db, files, page, scope)
    if found is None:
        return []
    if purpose is not None:
        found = found.where(files.c.purpose == purpose)
    return [StoredFile(**row) for row in db.execute(found).mappings()]


def expired_files(db: Connection, now: datetime) -> Sequence[str]:
    """Their ids."""
    return db.execute(select(files.c.id).where(files.c.expires <= now)).scalars().all()


def left_over(db: Connection) -> Sequence[str]:
    """Ids of batches that have ended and have no file, and of those that only rows speak of."""
    named = (batches.c.input_file, batches.c.output_file, batches.c.error_file)
    left = exists(select(files.c.id).where(files.c.id.in_(named)))
    ended = select(batches.c.id).where(batches.c.status.not_in(UNFINISHED), ~left)
    gone = (
        select(rows.c.batch).where(
            ~exists(select(batches.c.id).where(batches.c.id == rows.c.batch))
        )
        for rows in (batch_rows, batch_answers)  # what was being written when the batch went
    )
    return db.execute(union(ended, *gone)).scalars().all()


def pieces_without_file(db: Connection) -> Sequence[str]:
    """Ids of files that are not there."""
    is_there = exists(select(files.c.id).where(files.c.id == file_pieces.c.file))
    return db.execute(select(file_pieces.c.file).where(~is_there).distinct()).scalars().all()


def stored_bytes(db: Connection, organisation: str) -> int:
    """What an organisation's files and unfinished batches take."""
    kept = select(_total(files.c.bytes)).where(files.c.organisation == organisation)
    read = select(_total(batches.c.input_bytes)).where(
        batches.c.organisation == organisation, batches.c.status.in_(UNFINISHED)
    )
    return int(db.scalar(kept) or 0) + int(db.scalar(read) or 0)


def erase_answers(batch_id: str, part: FilePart) -> Delete:
    """The answers that a part of a batch's rows has."""
    of_part = _went_well if part == "output" else ~_went_well
    return delete(batch_answers).where(batch_answers.c.batch == batch_id, of_part)


def batch(db: Connection, batch_id: str, scope: Scope = EVERYWHERE) -> Batch | None:
    """One batch, or none."""
    found = select(batches).where(batches.c.id == batch_id, *of_scope(batches, scope))
    row = db.execute(found).mappings().first()
    return None if row is None else _batch(row)


def batches_page(
    db: Connection, page: Page, scope: Scope, statuses: Collection[BatchStatus] | None
) -> Sequence[Batch]:
    """A page of batches."""
    found = _page(db, batches, page, scope)
    if found is None:
        return []
    if statuses is not None:
        found = found.where(batches.c.status.in_(statuses))
    return [_batch(row) for row in db.execute(found).mappings()]


def unanswered(
    db: Connection, batch_id: str, first: int, count: int
) -> tuple[Sequence[BatchRow], Sequence[str]]:
    """Rows without an answer, and the ids of those entries of theirs that are open."""
    found = (
        select(batch_rows.c.number, batch_rows.c.custom_id, batch_rows.c.body)
        .outerjoin(batch_answers, _answered)
        .where(
            batch_rows.c.batch == batch_id,
            batch_rows.c.number.between(first, first + count - 1),
            batch_answers.c.batch.is_(None),
        )
        .order_by(batch_rows.c.number)
    )
    rows = [BatchRow(each[0], each[1].encode(), each[2]) for each in db.execute(found)]
    possible = [
        row_request_id(batch_id, row.number, tries) for row in rows for tries in range(MOST_TRIES)
    ]
    if not possible:
        return [], []
    asked = select(entries.c.request_id, is_open).where(entries.c.request_id.in_(possible))
    known = {each[0]: bool(each[1]) for each in db.execute(asked)}
    over = {each for each, still_open in known.items() if not still_open}
    counted = [replace(row, tries=_tries(batch_id, row.number, over)) for row in rows]
    return counted, [each for each, still_open in known.items() if still_open]


def sums(db: Connection, batch_ids: Collection[str]) -> Mapping[str, BatchSums]:
    """How far batches have come."""
    kind = case(
        (batch_answers.c.batch.is_(None), "unanswered"), (_went_well, "completed"), else_="failed"
    )
    found = (
        select(
            batch_rows.c.batch,
            kind,
            func.count(),
            _total(func.length(batch_rows.c.custom_id)),
            _total(func.coalesce(func.length(batch_answers.c.body), 0)),
        )
        .outerjoin(batch_answers, _answered)
        .where(batch_rows.c.batch.in_(batch_ids))
        .group_by(batch_rows.c.batch, kind)
    )
    whole = dict.fromkeys(batch_ids, BatchSums())
    for batch_id, name, *numbers in db.execute(found):
        _add(whole, batch_id, name, RowSums(*(int(each) for each in numbers)))
    of = func.substr(entries.c.request_id, 1, _ID_LENGTH)
    opened = select(of, func.count()).where(is_open, of.in_(batch_ids)).group_by(of)
    for batch_id, count in db.execute(opened):
        whole[batch_id] = replace(whole[batch_id], open=count)
    return whole


def lines(
    db: Connection, batch_id: str, part: FilePart, first: int, limit: int
) -> Sequence[AnsweredRow]:
    """Rows of a part with their answers."""
    rows = batch_rows.outerjoin(batch_answers, _answered)
    of_part = _went_well if part == "output" else ~func.coalesce(_went_well, False)
    answer = batch_answers.c
    found = (
        select(
            batch_rows.c.number,
            batch_rows.c.custom_id,
            answer.request_id,
            answer.status,
            answer.body,
        )
        .select_from(rows)
        .where(and_(batch_rows.c.batch == batch_id, batch_rows.c.number >= first, of_part))
        .order_by(batch_rows.c.number)
        .limit(limit)
    )
    return [
        AnsweredRow(number, custom_id.encode(), *answer)
        for number, custom_id, *answer in db.execute(found)
    ]


def _page(
    db: Connection, table: Rows, page: Page, scope: Scope
) -> Select[*tuple[object, ...]] | None:
    """None where the page before ends with what is not in the scope."""
    created, its_id = table.c.created, table.c.id
    mine = of_scope(table, scope)
    found = select(table).where(*mine).limit(page.limit)
    if page.oldest_first:
        found = found.order_by(created, its_id)
    else:
        found = found.order_by(created.desc(), its_id.desc())
    if page.after is None:
        return found
    last = db.execute(select(created, its_id).where(its_id == page.after, *mine)).first()
    if last is None:
        return None
    place = tuple_(created, its_id)
    bound = tuple_(literal(last[0], Instant), literal(last[1], Text()))
    return found.where(place > bound if page.oldest_first else place < bound)


def _tries(batch_id: str, number: int, over: Collection[str]) -> int:
    """How often in a row it was asked, and that is over."""
    tries = 0
    while tries < MOST_TRIES and row_request_id(batch_id, number, tries) in over:
        tries += 1
    return tries


def _total(of: ColumnElement[int]) -> ColumnElement[int]:
    return func.coalesce(cast(func.sum(of), BigInteger), 0)


def _add(whole: dict[str, BatchSums], batch_id: str, kind: str, rows: RowSums) -> None:
    match kind:
        case "completed":
            whole[batch_id] = replace(whole[batch_id], completed=rows)
        case "failed":
            whole[batch_id] = replace(whole[batch_id], failed=rows)
        case _:
            whole[batch_id] = replace(whole[batch_id], unanswered=rows)


def _batch(row: RowMapping) -> Batch:
    named, wrong = row["metadata"], row["errors"]
    metadata = None if named is None else msgspec.json.decode(named, type=dict[str, str])
    plain = {name: row[name] for name in row if name not in {"metadata", "errors"}}
    return Batch(**plain, metadata=metadata, errors=_ERRORS.decode(wrong or b"[]"))
