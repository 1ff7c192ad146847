"""What is asked of the tables of files and batches. Nothing here does I/O of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import TypeAlias

import msgspec
from msgspec.structs import replace
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
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    union,
    update,
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
    BatchCounts,
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
#: Rows that belong to one thing, by whose they are and their number there.
Numbered: TypeAlias = tuple[ColumnElement[str], ColumnElement[int]]
ROWS: Numbered = (batch_rows.c.batch, batch_rows.c.number)
ANSWERS: Numbered = (batch_answers.c.batch, batch_answers.c.number)
PIECES: Numbered = (file_pieces.c.file, file_pieces.c.number)
PARTS: tuple[FilePart, ...] = ("output", "errors")
_REFUSED = 400
#: Rows that are read at a time.
_LINES = 500
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


def with_questions(db: Connection) -> Sequence[str]:
    """Ids of batches that have ended, and whose last row still has what was asked in it."""
    rows = batch_rows.alias()
    of_batch = select(func.max(rows.c.number)).where(rows.c.batch == batches.c.id)
    last = of_batch.correlate(batches).scalar_subquery()
    kept = exists(
        select(batch_rows.c.number).where(
            batch_rows.c.batch == batches.c.id,
            batch_rows.c.number == last,
            func.length(batch_rows.c.body) > 0,
        )
    )
    ended = batches.c.status.not_in(UNFINISHED)
    return db.execute(select(batches.c.id).where(ended, kept)).scalars().all()


def emptied(part: FilePart) -> Update:
    """The answers of a part without what they said: that they were answered stays known."""
    of_part = _went_well if part == "output" else ~_went_well
    return update(batch_answers).where(of_part).values(body=b"")


def last_number(db: Connection, numbered: Numbered, its: str) -> int:
    """Of the rows that belong to one thing, or -1."""
    of, number = numbered
    found = db.scalar(select(func.max(number)).where(of == its))
    return -1 if found is None else int(found)


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


def open_ones(
    db: Connection, batch_id: str, gateway: str | None, before: datetime | None = None
) -> Sequence[str]:
    """Ids of its entries that are open, this gateway's where there are several, begun `before`."""
    of = func.substr(entries.c.request_id, 1, _ID_LENGTH)
    found = select(entries.c.request_id).where(is_open, of == batch_id)
    if gateway is not None:
        found = found.where(entries.c.gateway == gateway)
    if before is not None:
        found = found.where(entries.c.time < before)
    return db.execute(found).scalars().all()


def counts(db: Connection, batch_ids: Collection[str]) -> Mapping[str, BatchCounts]:
    """How many of batches' rows were answered."""
    well = func.sum(case((_went_well, 1), else_=0))
    found = (
        select(batch_answers.c.batch, well, func.count())
        .where(batch_answers.c.batch.in_(batch_ids))
        .group_by(batch_answers.c.batch)
    )
    whole = dict.fromkeys(batch_ids, BatchCounts())
    for batch_id, completed, answered in db.execute(found):
        whole[batch_id] = BatchCounts(int(completed), int(answered) - int(completed))
    return whole


def sums(db: Connection, batch_id: str) -> BatchSums:
    """What a batch's rows add up to."""
    kind = case(
        (batch_answers.c.batch.is_(None), "unanswered"), (_went_well, "completed"), else_="failed"
    )
    found = (
        select(
            kind,
            func.count(),
            _total(func.length(batch_rows.c.custom_id)),
            _total(func.coalesce(func.length(batch_answers.c.body), 0)),
        )
        .outerjoin(batch_answers, _answered)
        .where(batch_rows.c.batch == batch_id)
        .group_by(kind)
    )
    by_kind = {name: RowSums(*map(int, numbers)) for name, *numbers in db.execute(found)}
    return BatchSums(**by_kind, open=len(open_ones(db, batch_id, None)))


def lines(
    db: Connection, batch_id: str, part: FilePart, first: int, most_bytes: int
) -> Sequence[AnsweredRow]:
    """Rows of a part with their answers, so many as have no more bytes, or one."""
    rows = batch_rows.outerjoin(batch_answers, _answered)
    of_part = _went_well if part == "output" else ~func.coalesce(_went_well, False)
    answer, number = batch_answers.c, batch_rows.c.number
    found = (
        select(number, func.coalesce(func.length(answer.body), 0))
        .select_from(rows)
        .where(and_(batch_rows.c.batch == batch_id, number >= first, of_part))
        .order_by(number)
    )
    sizes = db.execute(found.limit(_LINES)).all()
    taken = _taken([int(size) for _, size in sizes], most_bytes)
    if not taken:
        return []
    whole = found.with_only_columns(
        number, batch_rows.c.custom_id, answer.request_id, answer.status, answer.body
    )
    return [
        AnsweredRow(number, custom_id.encode(), *answer)
        for number, custom_id, *answer in db.execute(whole.where(number <= sizes[taken - 1][0]))
    ]


def _taken(sizes: Sequence[int], most: int) -> int:
    """How many of these, from the first on, are no more together; one if there is any."""
    return max(min(1, len(sizes)), sum(whole <= most for whole in accumulate(sizes)))


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


def _batch(row: RowMapping) -> Batch:
    named, wrong = row["metadata"], row["errors"]
    metadata = None if named is None else msgspec.json.decode(named, type=dict[str, str])
    plain = {name: row[name] for name in row if name not in {"metadata", "errors"}}
    return Batch(**plain, metadata=metadata, errors=_ERRORS.decode(wrong or b"[]"))
