"""What the cache said of a request, and what was found when its semantic hits were checked."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision; older entries bypassed a cache that was not there."""
    op.add_column("entries", sa.Column("cache", sa.Text(), nullable=False, server_default="bypass"))
    op.add_column("entries", sa.Column("lookup", sa.Text()))
    op.create_table(
        "cache_checks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("reply_id", sa.Text(), nullable=False),
        sa.Column("similarity", sa.Float(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("false", sa.Boolean(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("decider", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="cache_checks_pk"),
    )
    op.create_index("cache_checks_of_route", "cache_checks", ["route"])


def downgrade() -> None:
    """Back to 0002."""
    op.drop_index("cache_checks_of_route", "cache_checks")
    op.drop_table("cache_checks")
    op.drop_column("entries", "lookup")
    op.drop_column("entries", "cache")
