"""Rollups and balances with what the entries add up to, keys, prompts, gateways."""

import json
from collections.abc import Iterator
from decimal import Decimal

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_DAY_GROUP = ("day", "organisation", "deployment", "served_tier", "outcome", "cache")
_KEY_TOTAL = ("organisation", "key", "day", "outcome", "cache")
_KEY_GROUP = ("organisation", "key", "day", "model_asked", *_DAY_GROUP[2:])
_SUMS = {"rollups": _DAY_GROUP, "key_totals": _KEY_TOTAL, "key_rollups": _KEY_GROUP}
#: What each settled entry adds, in the columns' order.
_BOTH_KNOWN = "cost IS NOT NULL AND baseline_cost IS NOT NULL"
_ADDED = {
    "requests": "1",
    "input_tokens": "COALESCE(input_tokens, 0)",
    "output_tokens": "COALESCE(output_tokens, 0)",
    "cached_tokens": "COALESCE(cached_tokens, 0)",
    "written_tokens": "COALESCE(written_tokens, 0)",
    "reasoning_tokens": "COALESCE(reasoning_tokens, 0)",
    "cost": "COALESCE(cost, 0)",
    "overhead": "CASE WHEN cost IS NULL OR overhead IS NULL THEN 0 ELSE overhead END",
    "baseline_cost": f"CASE WHEN {_BOTH_KNOWN} THEN baseline_cost ELSE 0 END",
    "saved": f"CASE WHEN {_BOTH_KNOWN} THEN baseline_cost - cost ELSE 0 END",
    "estimated_cost": "CASE WHEN usage_estimated THEN COALESCE(cost, 0) ELSE 0 END",
    "compared": f"CASE WHEN {_BOTH_KNOWN} THEN 1 ELSE 0 END",
    "unpriced": "CASE WHEN input_tokens IS NOT NULL AND cost IS NULL THEN 1 ELSE 0 END",
    "estimated": "CASE WHEN usage_estimated THEN 1 ELSE 0 END",
    "verified": "CASE WHEN verified THEN 1 ELSE 0 END",
    "escalated": "CASE WHEN escalated THEN 1 ELSE 0 END",
    "completed": "CASE WHEN outcome = 'completed' THEN 1 ELSE 0 END",
    "latency_ms": "CASE WHEN outcome = 'completed' THEN COALESCE(latency_ms, 0) ELSE 0 END",
}

_COUNTS = [name for name in _ADDED if name != "latency_ms"]
_INDEXES = {
    "entries_of_organisation": "organisation",
    "entries_of_key": "key",
    "entries_of_outcome": "outcome",
    "entries_of_user": "user",
    "entries_of_deployment": "deployment",
}
#: What many entries do not have.
_SELDOM = {"user", "deployment"}

#: Entries with calls beside the answer, or with a verdict.
_WITH_MORE = sa.text("""
    SELECT request_id, attempts FROM entries
    WHERE attempts LIKE '%"usage":{%' OR attempts LIKE '%"verdict":{%'
""")
_ADD_MORE = sa.text("""
    UPDATE entries SET overhead = :overhead, verified = :verified, escalated = :escalated
    WHERE request_id = :request_id
""")

#: Of each entry, in the order of `_KEY_GROUP`; both databases divide integers without a rest.
_GROUP_OF_ENTRY = """organisation, key, time / 86400000000, model_asked, COALESCE(deployment, ''),
    COALESCE(served_tier, ''), outcome, cache"""
_KEY_ROLLUPS = sa.text(f"""
    INSERT INTO key_rollups ({", ".join((*_KEY_GROUP, *_ADDED))})
    SELECT {_GROUP_OF_ENTRY}, {", ".join(f"SUM({added})" for added in _ADDED.values())}
    FROM entries WHERE outcome <> 'open' GROUP BY {_GROUP_OF_ENTRY}
""")  # noqa: S608 - of this file's own words only, as are the next two
_SMALLER = [
    sa.text(f"""
        INSERT INTO {table} ({", ".join((*group, *_ADDED))})
        SELECT {", ".join(group)}, {", ".join(f"SUM({name})" for name in _ADDED)}
        FROM key_rollups GROUP BY {", ".join(group)}
    """)  # noqa: S608
    for table, group in _SUMS.items()
    if table != "key_rollups"
]
_BALANCES = sa.text("""
    INSERT INTO balances (kind, organisation, name, day, spent, reserved)
    SELECT 'organisation', organisation, '', day, SUM(cost), 0 FROM key_rollups
    GROUP BY organisation, day
    UNION ALL
    SELECT 'key', organisation, key, day, SUM(cost), 0 FROM key_rollups
    GROUP BY organisation, key, day
""")


def upgrade() -> None:
    """To this revision."""
    op.add_column("entries", sa.Column("user", sa.Text()))
    op.add_column(
        "entries", sa.Column("reserved", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column("entries", sa.Column("gateway", sa.Text()))
    op.add_column("entries", sa.Column("usage_details", sa.Text()))
    op.add_column("entries", sa.Column("overhead", sa.BigInteger()))
    op.add_column("entries", sa.Column("verified", sa.Boolean()))
    op.add_column("entries", sa.Column("escalated", sa.Boolean()))
    _add_indexes()
    _create_sums()
    _create_keys_and_prompts()
    connection = op.get_bind()
    if more := list(_more(connection)):
        connection.execute(_ADD_MORE, more)
    for add_up in (_KEY_ROLLUPS, *_SMALLER, _BALANCES):
        connection.execute(add_up)


def downgrade() -> None:
    """Back to 0003."""
    for table in ("gateways", "prompts", "changes", "keys", "balances"):
        op.drop_table(table)
    for table in _SUMS:
        op.drop_table(table)
    op.drop_index("cache_checks_of_entry", "cache_checks")
    for name in _INDEXES:
        op.drop_index(name, "entries")
    is_open = sa.text("outcome = 'open'")
    op.create_index(
        "entries_open", "entries", ["outcome"], sqlite_where=is_open, postgresql_where=is_open
    )
    for column in (
        "escalated",
        "verified",
        "overhead",
        "usage_details",
        "gateway",
        "reserved",
        "user",
    ):
        op.drop_column("entries", column)


def _add_indexes() -> None:
    op.drop_index("entries_open", "entries")
    for name, column in _INDEXES.items():
        some = sa.text(f'"{column}" IS NOT NULL') if column in _SELDOM else None
        op.create_index(name, "entries", [column, "time"], sqlite_where=some, postgresql_where=some)
    op.create_index("cache_checks_of_entry", "cache_checks", ["request_id"])


def _create_sums() -> None:
    for table, group in _SUMS.items():
        op.create_table(
            table,
            sa.Column("day", sa.Integer(), nullable=False),
            *(sa.Column(name, sa.Text(), nullable=False) for name in group if name != "day"),
            *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTS),
            sa.Column("latency_ms", sa.Float(), nullable=False),
            sa.PrimaryKeyConstraint(*group, name=f"{table}_pk"),
            sqlite_with_rowid=False,
        )
    op.create_table(
        "balances",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "organisation", "name", "day", name="balances_pk"),
        sqlite_with_rowid=False,
    )


def _create_keys_and_prompts() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("grant", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger()),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary()),
        sa.Column("grace_until", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="keys_pk"),
    )
    op.create_table(
        "changes",
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("what", name="changes_pk"),
    )
    op.create_table(
        "prompts",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text()),
        sa.Column("redacted", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name="prompts_pk"),
    )
    op.create_index("prompts_oldest", "prompts", ["time"])
    op.create_table(
        "gateways",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="gateways_pk"),
    )


def _more(connection: sa.Connection) -> Iterator[dict[str, object]]:
    """What newer entries say in columns, from what these say in JSON."""
    for request_id, attempts in connection.execute(_WITH_MORE):
        made = json.loads(attempts)
        beside = [each.get("cost") for each in made if each.get("usage") is not None]
        known = None not in beside
        yield {
            "request_id": request_id,
            "overhead": round(sum(map(Decimal, beside)) * 10**12) if known else None,
            "verified": any(each.get("verdict") for each in made),
            "escalated": any(
                each.get("verdict") and each.get("purpose") == "draft" for each in made
            ),
        }
