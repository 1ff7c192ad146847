"""Organisations, their members, their providers' keys and their own deployments. Tables only."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLES = (
    "organisations",
    "former_organisations",
    "members",
    "provider_keys",
    "organisation_deployments",
)


def upgrade() -> None:
    """To this revision; gateways of the last one keep writing meanwhile, and after it."""
    op.create_table(
        "organisations",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", name="organisations_pk"),
    )
    op.create_table(
        "former_organisations",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", name="former_organisations_pk"),
    )
    op.create_table(
        "members",
        *_of_organisation("members"),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
    )
    op.create_index("members_by_person", "members", ["organisation", "person"], unique=True)
    op.create_table(
        "provider_keys",
        *_of_organisation("provider_keys"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "organisation_deployments",
        *_of_organisation("organisation_deployments"),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
    )
    op.add_column("keys", sa.Column("member", sa.Text()))


def downgrade() -> None:
    """Back to 0006."""
    op.drop_column("keys", "member")
    for table in _TABLES:
        op.drop_table(table)


def _of_organisation(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "id", name=f"{table}_pk"),
    ]
