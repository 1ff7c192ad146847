"""Tokens written to a provider's prompt cache, and the cost that an upstream states."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision; NULL in older entries."""
    op.add_column("entries", sa.Column("written_tokens", sa.BigInteger()))
    op.add_column("entries", sa.Column("stated_cost", sa.BigInteger()))


def downgrade() -> None:
    """Back to 0001."""
    op.drop_column("entries", "stated_cost")
    op.drop_column("entries", "written_tokens")
