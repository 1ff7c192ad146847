"""Organisations and what is theirs: made, shown, changed and removed, by those who may."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from pointsman.access import tenant_wishes as wishes
from pointsman.access.directory import Directory, place_of
from pointsman.access.permissions import require, require_everywhere
from pointsman.access.tenant_view import (
    DeploymentView,
    ProviderKeyView,
    deployment_view,
    provider_key_view,
)
from pointsman.access.tenant_wishes import (
    MemberChange,
    NewDeployment,
    NewMember,
    NewOrganisation,
    NewProviderKey,
    OrganisationChange,
)
from pointsman.errors import BadRequest, NotFound
from pointsman.ports import Clock, Sealer, TenantStore
from pointsman.types import (
    Json,
    Member,
    Organisation,
    OwnDeployment,
    Principal,
    ProviderKey,
    TenantKind,
    TenantRecord,
)

_R = TypeVar("_R", Member, ProviderKey, OwnDeployment)
_P = TypeVar("_P", bound=TenantRecord)
_ID_BYTES = 5
#: Records that an organisation may have, by kind: each deployment takes memory in every gateway.
_MOST_MEMBERS = 10_000
_MOST_DEPLOYMENTS = 100


class Objection(Protocol):
    """Why an organisation can't have a deployment of that id; None where it can."""

    def __call__(
        self, organisation: str, name: str, stated: Mapping[str, Json], *, has_key: bool
    ) -> str | None:
        """`stated` is as in a table `[models.<id>]`; `has_key` whether there is one for it."""


class Organising:
    """Changes are stored first, then known here, then carried out: see `ports.TenantStore`."""

    def __init__(
        self,
        directory: Directory,
        store: TenantStore,
        clock: Clock,
        *,
        standing: Callable[[Principal], Awaitable[Principal]],
        objection: Objection,
        changed: Callable[[], Awaitable[object]],
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """`standing` is who asks as they stand now, and raises AuthenticationFailed.

        `changed` has what another is taken note of everywhere, keys included.
        """
        self._directory = directory
        self._store = store
        self._clock = clock
        self._standing = standing
        self._objection = objection
        self._changed = changed
        self._random = random
        self._changing = asyncio.Lock()

    # Organisations

    def list(self, by: Principal) -> Sequence[Organisation]:
        """Those that `by` may know of."""
        found = self._directory.tenants.organisations
        return [each for each in found if _sees(by, each.id)]

    def get(self, by: Principal, organisation: str) -> Organisation:
        """Raises NotFound."""
        found = (each for each in self.list(by) if each.id == organisation)
        if (there := next(found, None)) is None:
            raise _no("organisation", organisation)
        return there

    async def create(self, by: Principal, wish: NewOrganisation) -> Organisation:
        """Make a record; an admin of one organisation makes that of its own.

        Raises BadRequest, Forbidden, LedgerUnavailable.
        """
        made = Organisation(
            wishes.organisation_id(wish),
            wishes.readable(wish.name, "name", empty=True),
            self._clock.now(),
        )
        async with self._changing:
            by = await self._read_for(by)
            if not _sees(by, made.id):
                require_everywhere(by, "making another organisation")
            if any(each.id == made.id for each in self._directory.tenants.organisations):
                raise BadRequest(f"there is an organisation {made.id!r} already", param="id")
            if made.id in self._directory.tenants.former:
                raise BadRequest(
                    f"there was an organisation {made.id!r}, and the books still name it",
                    param="id",
                )
            return await self._put(made)

    async def change(
        self, by: Principal, organisation: str, wish: OrganisationChange
    ) -> Organisation:
        """Rename it. Raises BadRequest, NotFound, LedgerUnavailable."""
        name = wishes.readable(wish.name, "name", empty=True)
        async with self._changing:
            by = await self._read_for(by)
            known = self.get(by, organisation)
            return await self._put(Organisation(known.id, name, known.created))

    async def delete(self, by: Principal, organisation: str) -> None:
        """Forget it with its members, all its keys and deployments; its entries stay.

        Nobody gets its id again, since they would get what it left as well.

        Raises BadRequest, NotFound, Forbidden, LedgerUnavailable.
        """
        async with self._changing:
            by = await self._read_for(by)
            self.get(by, organisation)
            require_everywhere(by, "removing an organisation")
            if organisation == Principal().organisation:
                raise BadRequest(f"{organisation!r} is the gateway's own: it can't be removed")
            await self._remove("organisation", organisation, organisation)

    # Members

    def members(self, by: Principal, organisation: str) -> Sequence[Member]:
        """Raises NotFound."""
        self.get(by, organisation)
        return self._of(self._directory.tenants.members, organisation)

    async def add_member(self, by: Principal, organisation: str, wish: NewMember) -> Member:
        """Raises BadRequest, NotFound, LedgerUnavailable."""
        person = wishes.readable(wish.person, "person")
        async with self._changing:
            by = await self._read_for(by)
            known = self.members(by, organisation)
            if len(known) >= _MOST_MEMBERS:
                raise BadRequest(f"an organisation has at most {_MOST_MEMBERS} members")
            if any(each.person.casefold() == person.casefold() for each in known):
                raise BadRequest("that person is a member already", param="person")
            number = "m_" + base64.b32encode(self._random(_ID_BYTES)).decode().lower()
            return await self._put(
                Member(organisation, number, person, wish.role, self._clock.now())
            )

    async def change_member(
        self, by: Principal, organisation: str, member: str, wish: MemberChange
    ) -> Member:
        """Raises NotFound, LedgerUnavailable."""
        async with self._changing:
            by = await self._read_for(by)
            known = _find(self.members(by, organisation), "member", member)
            return await self._put(
                Member(organisation, known.id, known.person, wish.role, known.created)
            )

    async def remove_member(self, by: Principal, organisation: str, member: str) -> None:
        """Every key of theirs ends with them. Raises NotFound, LedgerUnavailable."""
        async with self._changing:
            by = await self._read_for(by)
            _find(self.members(by, organisation), "member", member)
            await self._remove("member", organisation, member)

    # What providers are paid with

    def provider_keys(self, by: Principal, organisation: str) -> Sequence[ProviderKeyView]:
        """Without what is secret. Raises NotFound."""
        self.get(by, organisation)
        known = self._of(self._directory.tenants.provider_keys, organisation)
        return [self._view(each) for each in known]

    async def put_provider_key(
        self, by: Principal, organisation: str, wish: NewProviderKey
    ) -> ProviderKeyView:
        """Keep it, in place of the one before. Raises BadRequest, NotFound, LedgerUnavailable."""
        text = wishes.provider_key(wish.key, "key")
        async with self._changing:
            by = await self._read_for(by)
            self.get(by, organisation)
            stated = {"provider": wish.provider, "model": "any"}
            objection = self._objection(organisation, "", stated, has_key=True)
            if objection is not None:
                raise BadRequest(f"`provider`: {objection}", param="provider")
            bare = ProviderKey(organisation, wish.provider, self._clock.now(), b"")
            sealed = self._sealer().seal(text, place_of(bare))
            return self._view(
                await self._put(ProviderKey(organisation, bare.id, bare.created, sealed))
            )

    async def remove_provider_key(self, by: Principal, organisation: str, provider: str) -> None:
        """Raises NotFound, LedgerUnavailable."""
        async with self._changing:
            by = await self._read_for(by)
            self.get(by, organisation)
            known = self._of(self._directory.tenants.provider_keys, organisation)
            _find(known, "provider's key", provider)
            await self._remove("provider_key", organisation, provider)

    # Its own deployments

    def deployments(self, by: Principal, organisation: str) -> Sequence[DeploymentView]:
        """Raises NotFound."""
        self.get(by, organisation)
        known = self._of(self._directory.tenants.deployments, organisation)
        return [self._shown(each) for each in known]

    async def put_deployment(
        self, by: Principal, organisation: str, wish: NewDeployment
    ) -> DeploymentView:
        """Add it, or put it in place of the one of that id.

        Raises BadRequest, NotFound, LedgerUnavailable.
        """
        name, text = wishes.deployment_id(wish), wish.api_key or None
        if text is not None:
            wishes.provider_key(text, "api_key")
        async with self._changing:
            by = await self._read_for(by)
            self.get(by, organisation)
            known = self._of(self._directory.tenants.deployments, organisation)
            if len(known) >= _MOST_DEPLOYMENTS and all(each.id != name for each in known):
                raise BadRequest(f"an organisation has at most {_MOST_DEPLOYMENTS} deployments")
            has_key = text is not None or self._has_key(organisation, wish.settings)
            objection = self._objection(organisation, name, wish.settings, has_key=has_key)
            if objection is not None:
                raise BadRequest(f"this deployment can't be used: {objection}")
            bare = OwnDeployment(organisation, name, self._clock.now(), wish.settings)
            sealed = None if text is None else self._sealer().seal(text, place_of(bare))
            made = OwnDeployment(organisation, name, bare.created, bare.model, sealed)
            return self._shown(await self._put(made))

    async def remove_deployment(self, by: Principal, organisation: str, name: str) -> None:
        """Raises NotFound, LedgerUnavailable."""
        async with self._changing:
            by = await self._read_for(by)
            self.get(by, organisation)
            known = self._of(self._directory.tenants.deployments, organisation)
            _find(known, "deployment", name)
            await self._remove("deployment", organisation, name)

    async def _read_for(self, by: Principal) -> Principal:
        """Who asks, as they stand now, and what there is now. Raises Forbidden for no admin.

        Members first: a role that was changed meanwhile is the one that counts.
        """
        await self._directory.load()
        by = await self._standing(by)
        require(by, "manage")
        return by

    async def _put(self, record: _P) -> _P:
        await self._store.put_tenant(record)
        await self._changed()
        return record

    async def _remove(self, kind: TenantKind, organisation: str, record_id: str) -> None:
        await self._store.remove_tenant(kind, organisation, record_id)
        await self._changed()

    def _of(self, records: Sequence[_R], organisation: str) -> Sequence[_R]:
        return [each for each in records if each.organisation == organisation]

    def _has_key(self, organisation: str, stated: Mapping[str, Json]) -> bool:
        """Whether its provider's key is there, can be read, and may go where it would."""
        known, provider = self._directory.secrets.of_providers, str(stated.get("provider"))
        return not stated.get("base_url") and known.get((organisation, provider)) is not None

    def _sealer(self) -> Sealer:
        sealer = self._directory.sealer
        if sealer is None:
            raise BadRequest(
                "the operator has set no key to encrypt providers' keys with: "
                "[tenants] encryption_key, or POINTSMAN_ENCRYPTION_KEY",
                code="no_encryption_key",
            )
        return sealer

    def _view(self, each: ProviderKey) -> ProviderKeyView:
        text = self._directory.secrets.of_providers.get((each.organisation, each.id))
        return provider_key_view(each, text)

    def _shown(self, each: OwnDeployment) -> DeploymentView:
        has_key = self._has_key(each.organisation, each.model)
        own = self._directory.secrets.of_deployments.get(each.deployment)
        is_paid = has_key if each.sealed is None else own is not None
        objection = self._objection(each.organisation, each.id, each.model, has_key=is_paid)
        return deployment_view(each, has_key=has_key, objection=objection)


def _sees(by: Principal, organisation: str) -> bool:
    return by.grant.everywhere or by.organisation == organisation


def _find(records: Sequence[_R], what: str, record_id: str) -> _R:
    found = next((each for each in records if each.id == record_id), None)
    if found is None:
        raise _no(what, record_id)
    return found


def _no(what: str, record_id: str) -> NotFound:
    return NotFound(f"there is no {what} {record_id[:64]!r}")
