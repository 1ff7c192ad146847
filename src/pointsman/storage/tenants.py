"""Organisations and what is theirs, in either database."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection, Dialect, RowMapping

from pointsman.storage import key_rows, tenant_rows
from pointsman.storage.learning import LearningStore, Step
from pointsman.storage.tenant_rows import TABLES, kind_of, tenant_row
from pointsman.types import (
    EVERYWHERE,
    Member,
    ProviderKey,
    Scope,
    TenantKind,
    TenantRecord,
    Tenants,
)


class TenantsStore(LearningStore):
    """`ports.TenantStore`, beside what learning keeps."""

    def __init__(self, dialect: Dialect) -> None:
        """Prepares its statements; does no I/O."""
        super().__init__(dialect)
        self._put_tenant = {kind: tenant_rows.put(kind, dialect) for kind in TABLES}
        self._remove_tenant = {kind: tenant_rows.remove(kind, dialect) for kind in TABLES}
        self._count_tenant_change = tenant_rows.count_change(dialect)
        self._count_lost_keys = key_rows.count_change(dialect)

    async def tenants(self, scope: Scope = EVERYWHERE) -> Tenants:
        """See `ports.TenantStore`."""
        return await self.ask(partial(_tenants, scope=scope))

    async def put_tenant(self, record: TenantRecord) -> None:
        """See `ports.TenantStore`."""
        put = self._put_tenant[kind_of(record)]
        await self.carry_out([(put, tenant_row(record)), (self._count_tenant_change, {})])

    async def remove_tenant(self, kind: TenantKind, organisation: str, record_id: str) -> bool:
        """See `ports.TenantStore`."""
        row = {"organisation": organisation, "id": record_id}
        steps: list[Step] = [(each, row) for each in self._remove_tenant[kind]]
        steps += [(self._count_tenant_change, {}), (self._count_lost_keys, {})]
        was_there, *_ = await self.carry_out(steps)
        return was_there > 0

    async def tenants_stamp(self) -> str:
        """See `ports.TenantStore`."""
        return str(await self.ask(lambda db: db.scalar(tenant_rows.tenant_changes)) or 0)


def _tenants(db: Connection, scope: Scope) -> Tenants:
    def rows(kind: TenantKind) -> Sequence[RowMapping]:
        return db.execute(tenant_rows.records(kind, scope)).mappings().all()

    return Tenants(
        tuple(tenant_rows.read_organisation(row) for row in rows("organisation")),
        tuple(Member(**row) for row in rows("member")),
        tuple(ProviderKey(**row) for row in rows("provider_key")),
        tuple(tenant_rows.read_deployment(row) for row in rows("deployment")),
        frozenset(db.scalars(tenant_rows.former(scope))),
    )
