"""Organisations, asked of the running gateway, or of the store where none runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar
from urllib.parse import quote

import msgspec

from pointsman.access.tenant_view import (
    DeploymentView,
    MemberView,
    OrganisationView,
    ProviderKeyView,
    member_view,
    organisation_view,
)
from pointsman.access.tenant_wishes import (
    MemberChange,
    NewDeployment,
    NewMember,
    NewOrganisation,
    NewProviderKey,
)
from pointsman.access.view import Deleted
from pointsman.assembly.offline import open_organisations, running_at
from pointsman.cli import remote
from pointsman.config import Settings
from pointsman.server.bodies import read
from pointsman.types import Json, Principal

#: Whoever may open the store is an admin everywhere.
_OPERATOR = Principal(key="operator")
_PATH = "/v1/organisations"
_T = TypeVar("_T")


class _All(msgspec.Struct, Generic[_T]):
    data: list[_T]


async def listed(settings: Settings) -> Sequence[OrganisationView]:
    """All of them. Raises ConfigError with the gateway's words, or PointsmanError; so do the others."""
    if address := running_at(settings):
        return (await remote.call(settings, address, _PATH, _All[OrganisationView])).data
    async with open_organisations(settings) as organising:
        return [organisation_view(each) for each in organising.list(_OPERATOR)]


async def created(settings: Settings, wish: Mapping[str, Json]) -> OrganisationView:
    """Make a record."""
    if address := running_at(settings):
        return await remote.call(settings, address, _PATH, OrganisationView, wish)
    async with open_organisations(settings) as organising:
        made = await organising.create(_OPERATOR, await _as(wish, NewOrganisation))
        return organisation_view(made)


async def deleted(settings: Settings, organisation: str) -> Deleted:
    """Forget one with its members and all its keys."""
    if address := running_at(settings):
        return await _delete(settings, address, _path(organisation))
    async with open_organisations(settings) as organising:
        await organising.delete(_OPERATOR, organisation)
    return Deleted(organisation)


async def members(settings: Settings, organisation: str) -> Sequence[MemberView]:
    """The people in it."""
    path = _path(organisation, "members")
    if address := running_at(settings):
        return (await remote.call(settings, address, path, _All[MemberView])).data
    async with open_organisations(settings) as organising:
        return [member_view(each) for each in organising.members(_OPERATOR, organisation)]


async def member_added(
    settings: Settings, organisation: str, wish: Mapping[str, Json]
) -> MemberView:
    """Take somebody in."""
    path = _path(organisation, "members")
    if address := running_at(settings):
        return await remote.call(settings, address, path, MemberView, wish)
    async with open_organisations(settings) as organising:
        asked = await _as(wish, NewMember)
        return member_view(await organising.add_member(_OPERATOR, organisation, asked))


async def member_changed(
    settings: Settings, organisation: str, member: str, wish: Mapping[str, Json]
) -> MemberView:
    """Give a member another role."""
    path = _path(organisation, "members", member)
    if address := running_at(settings):
        return await remote.call(settings, address, path, MemberView, wish)
    async with open_organisations(settings) as organising:
        asked = await _as(wish, MemberChange)
        return member_view(await organising.change_member(_OPERATOR, organisation, member, asked))


async def member_removed(settings: Settings, organisation: str, member: str) -> Deleted:
    """Remove a member with all their keys."""
    if address := running_at(settings):
        return await _delete(settings, address, _path(organisation, "members", member))
    async with open_organisations(settings) as organising:
        await organising.remove_member(_OPERATOR, organisation, member)
    return Deleted(member)


async def provider_keys(settings: Settings, organisation: str) -> Sequence[ProviderKeyView]:
    """What it pays providers with, without the keys."""
    path = _path(organisation, "provider-keys")
    if address := running_at(settings):
        return (await remote.call(settings, address, path, _All[ProviderKeyView])).data
    async with open_organisations(settings) as organising:
        return organising.provider_keys(_OPERATOR, organisation)


async def provider_key_set(
    settings: Settings, organisation: str, wish: Mapping[str, Json]
) -> ProviderKeyView:
    """Pay a provider with this key."""
    path = _path(organisation, "provider-keys")
    if address := running_at(settings):
        return await remote.call(settings, address, path, ProviderKeyView, wish)
    async with open_organisations(settings) as organising:
        asked = await _as(wish, NewProviderKey)
        return await organising.put_provider_key(_OPERATOR, organisation, asked)


async def provider_key_removed(settings: Settings, organisation: str, provider: str) -> Deleted:
    """Forget the key for a provider."""
    if address := running_at(settings):
        return await _delete(settings, address, _path(organisation, "provider-keys", provider))
    async with open_organisations(settings) as organising:
        await organising.remove_provider_key(_OPERATOR, organisation, provider)
    return Deleted(provider)


async def deployments(settings: Settings, organisation: str) -> Sequence[DeploymentView]:
    """Those of its own."""
    path = _path(organisation, "deployments")
    if address := running_at(settings):
        return (await remote.call(settings, address, path, _All[DeploymentView])).data
    async with open_organisations(settings) as organising:
        return organising.deployments(_OPERATOR, organisation)


async def deployment_added(
    settings: Settings, organisation: str, wish: Mapping[str, Json]
) -> DeploymentView:
    """Add one, or put it in place of the one of that id."""
    path = _path(organisation, "deployments")
    if address := running_at(settings):
        return await remote.call(settings, address, path, DeploymentView, wish)
    async with open_organisations(settings) as organising:
        asked = await _as(wish, NewDeployment)
        return await organising.put_deployment(_OPERATOR, organisation, asked)


async def deployment_removed(settings: Settings, organisation: str, name: str) -> Deleted:
    """Remove one."""
    if address := running_at(settings):
        return await _delete(settings, address, _path(organisation, "deployments", name))
    async with open_organisations(settings) as organising:
        await organising.remove_deployment(_OPERATOR, organisation, name)
    return Deleted(name)


async def _delete(settings: Settings, address: str, path: str) -> Deleted:
    return await remote.call(settings, address, path, Deleted, method="DELETE")


async def _as(wish: Mapping[str, Json], kind: type[_T]) -> _T:
    """As the gateway reads it."""
    return await read(msgspec.json.encode(wish), kind)


def _path(*names: str) -> str:
    return "/".join([_PATH, *(quote(name, safe="") for name in names)])
