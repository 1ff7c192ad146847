"""The organisations, their people and what they pay with, in memory: no request waits for them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pointsman.errors import ConfigError, Unavailable
from pointsman.ports import Sealer, TenantStore
from pointsman.types import OwnDeployment, Principal, ProviderKey, Role, Tenants

_log = logging.getLogger("pointsman.access")


@dataclass(frozen=True, slots=True)
class Secrets:
    """Keys of providers in clear text, for this process only; None where one can't be opened."""

    #: By organisation and provider.
    of_providers: Mapping[tuple[str, str], str | None] = field(default_factory=dict, repr=False)
    #: By the deployment's id.
    of_deployments: Mapping[str, str | None] = field(default_factory=dict, repr=False)


class Directory:
    """What the store has of organisations. Another gateway's changes are known by `refresh`."""

    def __init__(self, store: TenantStore, sealer: Sealer | None) -> None:
        """Without a `sealer` no provider's key can be kept or opened."""
        self._store = store
        self.sealer = sealer
        self.tenants = Tenants()
        self.secrets = Secrets()
        self._roles: Mapping[tuple[str, str], Role] = {}
        self._stamp: str | None = None
        self._failing = False

    async def load(self) -> bool:
        """Read the store; whether anything is another. Raises what the store raises."""
        stamp = await self._store.tenants_stamp()  # first: what changes meanwhile is read again
        if stamp == self._stamp:
            return False
        found = await self._store.tenants()
        self.secrets = self._opened(found)
        self._roles = {(each.organisation, each.id): each.role for each in found.members}
        self.tenants, self._stamp = found, stamp
        return True

    async def refresh(self) -> bool:
        """The same; where the store is down, all stays as it is."""
        try:
            changed = await self.load()
        except Unavailable as error:
            if not self._failing:
                _log.warning("organisations can't be read, all stays as it is: %s", error)
            self._failing = True
            return False
        self._failing = False
        return changed

    def role(self, organisation: str, member: str) -> Role | None:
        """What a member may do; None where there is no such member any more."""
        return self._roles.get((organisation, member))

    def is_former(self, organisation: str) -> bool:
        """Whether there was an organisation of that id, and it was removed.

        The gateway's own never is, also where an earlier release had it removed.
        """
        return organisation != Principal().organisation and organisation in self.tenants.former

    def _opened(self, found: Tenants) -> Secrets:
        own = [each for each in found.deployments if each.sealed is not None]
        return Secrets(
            {(each.organisation, each.id): self._open(each) for each in found.provider_keys},
            {each.deployment: self._open(each) for each in own},
        )

    def _open(self, record: ProviderKey | OwnDeployment) -> str | None:
        """Its key in clear text; None where that can't be had, and that is said."""
        if self.sealer is None or record.sealed is None:
            return None
        try:
            return self.sealer.unseal(record.sealed, place_of(record))
        except ConfigError as error:
            _log.error("a provider's key can't be opened: %s", error)
            return None


def place_of(record: ProviderKey | OwnDeployment) -> str:
    """What its key is bound to: it can't be moved to another organisation's row."""
    what = "provider_key" if isinstance(record, ProviderKey) else "deployment"
    return f"{record.organisation} {what} {record.id}"


async def seal_anew(store: TenantStore, sealer: Sealer) -> int:
    """Encrypt with the key that is used now whatever is encrypted with an older one; how many.

    Raises ConfigError where one can't be opened, LedgerUnavailable. What was done stays done.
    """
    found, done = await store.tenants(), 0
    records: list[ProviderKey | OwnDeployment] = [*found.provider_keys, *found.deployments]
    for record in records:
        if record.sealed is not None and not sealer.is_current(record.sealed):
            place = place_of(record)
            text = sealer.unseal(record.sealed, place)
            await store.put_tenant(replace(record, sealed=sealer.seal(text, place)))
            done += 1
    return done
