"""The tables of files and batches.

A batch's rows never change. One is answered when it has a row in `batch_answers`, which is written
with the settlement of its entry, in one transaction.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table
from sqlalchemy.schema import SchemaItem

from pointsman.storage.any_text import Text
from pointsman.storage.schema import Instant, metadata


def _owned() -> list[SchemaItem]:
    return [
        Column("id", Text, primary_key=True),
        Column("organisation", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("created", Instant, nullable=False),
    ]


files = Table(
    "files",
    metadata,
    *_owned(),
    Column("name", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("expires", Instant),
    # Where the content is a part of a batch's rows; NULL where it is in `file_pieces`.
    Column("batch", Text),
    Column("part", Text),
)
Index("files_newest", files.c.organisation, files.c.created, files.c.id)

file_pieces = Table(
    "file_pieces",
    metadata,
    Column("file", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)

batches = Table(
    "batches",
    metadata,
    *_owned(),
    Column("endpoint", Text, nullable=False),
    Column("input_file", Text, nullable=False),
    Column("output_file", Text),
    Column("error_file", Text),
    Column("window", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("expires", Instant, nullable=False),
    Column("validated", Instant),
    Column("finalizing", Instant),
    Column("ended", Instant),
    Column("cancelled", Instant),
    # As JSON.
    Column("metadata", Text),
    Column("errors", Text),
    Column("total", BigInteger, nullable=False),
    # As they are when it has ended; before, the answers are counted.
    Column("completed", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("input_bytes", BigInteger, nullable=False),
    Column("output_s", BigInteger),
)
Index("batches_newest", batches.c.organisation, batches.c.created, batches.c.id)
Index("batches_of_status", batches.c.status)

batch_rows = Table(
    "batch_rows",
    metadata,
    Column("batch", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # As ASCII JSON text.
    Column("custom_id", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

batch_answers = Table(
    "batch_answers",
    metadata,
    Column("batch", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("request_id", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
Index("batch_answers_of_status", batch_answers.c.batch, batch_answers.c.status)
