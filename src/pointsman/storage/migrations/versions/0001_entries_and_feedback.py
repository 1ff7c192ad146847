"""Entries and feedback."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "entries",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("client_request_id", sa.Text()),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("model_asked", sa.Text(), nullable=False),
        sa.Column("stream", sa.Boolean(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("scorer", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Text()),
        sa.Column("served_tier", sa.Text()),
        sa.Column("deployment", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("input_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("cached_tokens", sa.BigInteger()),
        sa.Column("reasoning_tokens", sa.BigInteger()),
        sa.Column("usage_estimated", sa.Boolean()),
        sa.Column("cost", sa.BigInteger()),
        sa.Column("baseline_cost", sa.BigInteger()),
        sa.Column("latency_ms", sa.Float()),
        sa.Column("ttft_ms", sa.Float()),
        sa.Column("settled_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("request_id", name="entries_pk"),
    )
    op.create_index("entries_newest", "entries", ["time", "request_id"])
    is_open = sa.text("outcome = 'open'")
    op.create_index(
        "entries_open", "entries", ["outcome"], sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("rating", sa.Float()),
        sa.Column("comment", sa.Text()),
        sa.ForeignKeyConstraint(
            ["request_id"], ["entries.request_id"], name="feedback_request_id_fk"
        ),
        sa.PrimaryKeyConstraint("id", name="feedback_pk"),
    )
    op.create_index("feedback_of_entry", "feedback", ["request_id"])


def downgrade() -> None:
    """Back to an empty database."""
    op.drop_table("feedback")
    op.drop_table("entries")
