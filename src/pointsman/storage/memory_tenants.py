"""Organisations and what is theirs, in memory: the part of `MemoryStore` for it."""

from __future__ import annotations

from typing import TypeVar

from pointsman.storage.memory_learning import MemoryLearning
from pointsman.storage.tenant_rows import kind_of
from pointsman.types import (
    EVERYWHERE,
    Member,
    Organisation,
    OwnDeployment,
    ProviderKey,
    Scope,
    StoredKey,
    TenantKind,
    TenantRecord,
    Tenants,
)

_R = TypeVar("_R", Organisation, Member, ProviderKey, OwnDeployment)


class MemoryTenants(MemoryLearning):
    """`ports.TenantStore` in a dict."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        #: By kind, organisation and id.
        self._records: dict[tuple[TenantKind, str, str], TenantRecord] = {}
        self._former: set[str] = set()
        self._tenant_changes = 0
        self._keys: dict[str, StoredKey] = {}
        self._key_changes = 0

    async def tenants(self, scope: Scope = EVERYWHERE) -> Tenants:
        """See `ports.TenantStore`."""
        return Tenants(
            self._of(Organisation, scope),
            self._of(Member, scope),
            self._of(ProviderKey, scope),
            self._of(OwnDeployment, scope),
            frozenset(each for each in self._former if scope.organisation in {None, each}),
        )

    async def put_tenant(self, record: TenantRecord) -> None:
        """See `ports.TenantStore`."""
        organisation = record.id if isinstance(record, Organisation) else record.organisation
        self._records[kind_of(record), organisation, record.id] = record
        self._tenant_changes += 1

    async def remove_tenant(self, kind: TenantKind, organisation: str, record_id: str) -> bool:
        """See `ports.TenantStore`."""
        if kind == "organisation":
            gone = [name for name in self._records if name[1] == organisation]
            was_there = (kind, organisation, organisation) in self._records
            self._former |= {organisation} if was_there else set()
            lost = [e for e in self._keys.values() if e.key.organisation == organisation]
        else:
            gone = [(kind, organisation, record_id)]
            was_there = gone[0] in self._records
            lost = [e for e in self._keys.values() if kind == "member"
                    and (e.key.organisation, e.key.member) == (organisation, record_id)]  # fmt: skip
        for name in gone:
            self._records.pop(name, None)
        for each in lost:
            del self._keys[each.key.id]
        self._tenant_changes += 1
        self._key_changes += 1
        return was_there

    async def tenants_stamp(self) -> str:
        """See `ports.TenantStore`."""
        return str(self._tenant_changes)

    def _of(self, kind: type[_R], scope: Scope) -> tuple[_R, ...]:
        there = {name[1] for name in self._records if name[0] == "organisation"}
        return tuple(
            record
            for (_, organisation, _), record in sorted(self._records.items())
            if isinstance(record, kind)
            and organisation in there
            and scope.organisation in {None, organisation}
        )
