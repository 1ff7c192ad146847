"""Files, batches, their rows and answers. Tables only: entries stay as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = ("batch_answers", "batch_rows", "batches", "file_pieces", "files")
_INSTANTS = ("validated", "finalizing", "ended", "cancelled")


def upgrade() -> None:
    """To this revision; gateways of the last one keep serving meanwhile, and after it."""
    _create_files()
    _create_batches()
    op.create_table(
        "batch_rows",
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("custom_id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("batch", "number", name="batch_rows_pk"),
    )
    op.create_table(
        "batch_answers",
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("batch", "number", name="batch_answers_pk"),
    )
    op.create_index("batch_answers_of_status", "batch_answers", ["batch", "status"])


def downgrade() -> None:
    """Back to 0005."""
    for table in _TABLES:
        op.drop_table(table)


def _create_files() -> None:
    op.create_table(
        "files",
        *_owned(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger()),
        sa.Column("batch", sa.Text()),
        sa.Column("part", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="files_pk"),
    )
    op.create_index("files_newest", "files", ["organisation", "created", "id"])
    op.create_table(
        "file_pieces",
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("file", "number", name="file_pieces_pk"),
    )


def _create_batches() -> None:
    op.create_table(
        "batches",
        *_owned(),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("input_file", sa.Text(), nullable=False),
        sa.Column("output_file", sa.Text()),
        sa.Column("error_file", sa.Text()),
        sa.Column("window", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        *(sa.Column(each, sa.BigInteger()) for each in _INSTANTS),
        sa.Column("metadata", sa.Text()),
        sa.Column("errors", sa.Text()),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("completed", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("input_bytes", sa.BigInteger(), nullable=False),
        sa.Column("output_s", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="batches_pk"),
    )
    op.create_index("batches_newest", "batches", ["organisation", "created", "id"])
    op.create_index("batches_of_status", "batches", ["status"])


def _owned() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
    ]
