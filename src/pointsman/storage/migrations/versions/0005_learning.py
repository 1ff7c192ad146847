"""What is learned from, what was learned, and experiments. Tables only: entries stay as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = ("observed", "versions", "learning_changes", "experiments", "participants")


def upgrade() -> None:
    """To this revision; gateways of the last one keep writing meanwhile, and after it."""
    _create_evidence()
    op.create_table(
        "versions",
        *_of_organisation(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("outcomes", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.Text(), nullable=False),
        sa.Column("comparison", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="versions_pk"),
    )
    op.create_table(
        "learning_changes",
        sa.Column("number", sa.Integer(), nullable=False),
        *_of_organisation(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("version", sa.Text()),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="learning_changes_pk"),
    )
    op.create_index("learning_changes_by_id", "learning_changes", ["id"], unique=True)
    op.create_table(
        "experiments",
        *_of_organisation(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("of", sa.Text(), nullable=False),
        sa.Column("a", sa.Text(), nullable=False),
        sa.Column("b", sa.Text(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stopped", sa.BigInteger()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until_decided", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="experiments_pk"),
    )


def downgrade() -> None:
    """Back to 0004."""
    for table in _TABLES:
        op.drop_table(table)


def _create_evidence() -> None:
    op.create_table(
        "observed",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("signals", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name="observed_pk"),
        _with_entry("observed"),
    )
    op.create_index("observed_newest", "observed", ["time", "request_id"])
    op.create_index("observed_of_organisation", "observed", ["organisation", "time", "request_id"])
    op.create_table(
        "participants",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("experiment", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name="participants_pk"),
        _with_entry("participants"),
    )
    op.create_index("participants_of_experiment", "participants", ["experiment"])


def _of_organisation() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
    ]


def _with_entry(table: str) -> sa.ForeignKeyConstraint:
    """Gateways of the last revision delete entries and know nothing of what hangs on them now."""
    return sa.ForeignKeyConstraint(
        ["request_id"], ["entries.request_id"], name=f"{table}_request_id_fk", ondelete="CASCADE"
    )
