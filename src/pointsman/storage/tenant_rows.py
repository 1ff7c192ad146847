"""Organisations and what is theirs as rows, and what is said to their tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import asdict
from sqlalchemy import Delete, Dialect, Insert, RowMapping, Select, bindparam, delete, select

from pointsman.storage import statements
from pointsman.storage.any_text import Text
from pointsman.storage.schema import keys
from pointsman.storage.schema_tenants import (
    former_organisations,
    members,
    organisation_deployments,
    organisations,
    provider_keys,
)
from pointsman.storage.statements import Prepared, Written, replacing
from pointsman.types import (
    Member,
    Organisation,
    OwnDeployment,
    ProviderKey,
    Scope,
    TenantKind,
    TenantRecord,
)

_WHAT = "tenants"
#: Each kind of record's table.
TABLES: Mapping[TenantKind, Written] = {
    "organisation": organisations,
    "member": members,
    "provider_key": provider_keys,
    "deployment": organisation_deployments,
}
#: How often any record was changed; no row where none ever was.
tenant_changes: Select[int] = statements.changed(_WHAT)


def records(kind: TenantKind, scope: Scope) -> Select[*tuple[object, ...]]:
    """The rows of a kind in the scope, in order; only of organisations that there are."""
    table = TABLES[kind]
    there = select(organisations.c.organisation)
    if scope.organisation is not None:
        there = there.where(organisations.c.organisation == scope.organisation)
    page = select(table).where(table.c.organisation.in_(there))
    ids = [] if kind == "organisation" else [table.c.id]
    return page.order_by(table.c.organisation, *ids)


def put(kind: TenantKind, dialect: Dialect) -> Prepared:
    """Write a record, in place of what is there for its key."""
    return replacing(TABLES[kind], dialect)


def remove(kind: TenantKind, dialect: Dialect) -> list[Prepared]:
    """Delete the record `id` of an `organisation`, and after it all that hangs on it.

    The first statement counts whether it was there, the last one deletes its API keys, where it has
    any. An organisation is a former one from then on.
    """
    ours = bindparam("organisation", type_=Text())
    table, this = TABLES[kind], bindparam("id", type_=Text())
    gone: list[Insert | Delete]
    own = delete(table).where(table.c.organisation == ours)
    match kind:
        case "organisation":
            rest = [each for each in TABLES.values() if each is not table]
            gone = [
                _former(dialect),
                own,
                *(delete(each).where(each.c.organisation == ours) for each in rest),
            ]
            gone.append(delete(keys).where(keys.c.organisation == ours))
        case "member":
            its_keys = delete(keys).where(keys.c.organisation == ours, keys.c.member == this)
            gone = [own.where(table.c.id == this), its_keys]
        case _:
            gone = [own.where(table.c.id == this)]
    return [Prepared(each, dialect) for each in gone]


def former(scope: Scope) -> Select[str]:
    """Ids of the organisations that were removed, in order."""
    ids = select(former_organisations.c.organisation)
    if scope.organisation is not None:
        ids = ids.where(former_organisations.c.organisation == scope.organisation)
    return ids.order_by(former_organisations.c.organisation)


def _former(dialect: Dialect) -> Insert:
    """Note that the organisation was there."""
    note = statements.upsert(former_organisations, dialect)
    there = select(organisations.c.organisation).where(
        organisations.c.organisation == bindparam("organisation", type_=Text())
    )
    return note.from_select(["organisation"], there).on_conflict_do_update(
        index_elements=["organisation"], set_={"organisation": note.excluded.organisation}
    )


def count_change(dialect: Dialect) -> Prepared:
    """Count one more change of any record."""
    return statements.count_change(dialect, _WHAT)


def kind_of(record: TenantRecord) -> TenantKind:
    """Which kind of record it is."""
    match record:
        case Organisation():
            return "organisation"
        case Member():
            return "member"
        case ProviderKey():
            return "provider_key"
        case OwnDeployment():
            return "deployment"


def tenant_row(record: TenantRecord) -> Mapping[str, object]:
    """The record as a row of its table."""
    match record:
        case Organisation():
            return {
                "organisation": record.id,
                "name": record.name,
                "created": record.created,
            }
        case OwnDeployment():
            return {
                "organisation": record.organisation,
                "id": record.id,
                "created": record.created,
                "model": msgspec.json.encode(record.model, order="deterministic").decode(),
                "sealed": record.sealed,
            }
        case Member():
            return asdict(record)
        case ProviderKey():
            return {
                "organisation": record.organisation,
                "id": record.id,
                "created": record.created,
                "sealed": record.sealed,
            }


def read_organisation(row: RowMapping) -> Organisation:
    """The organisation that `tenant_row` wrote."""
    return Organisation(row["organisation"], row["name"], row["created"])


def read_deployment(row: RowMapping) -> OwnDeployment:
    """The deployment that `tenant_row` wrote."""
    return OwnDeployment(**{**row, "model": msgspec.json.decode(row["model"])})
