"""Organisations and what is theirs: members, providers' keys, deployments."""

from __future__ import annotations

from pointsman.access.tenant_view import member_view, organisation_view
from pointsman.access.tenant_wishes import (
    MemberChange,
    NewDeployment,
    NewMember,
    NewOrganisation,
    NewProviderKey,
    OrganisationChange,
)
from pointsman.access.view import Deleted
from pointsman.server.bodies import read
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.types import Principal, Selection


async def listed(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The organisations that the caller manages."""
    found = gateway.organising.list(incoming.principal)
    return _all([organisation_view(each) for each in found])


async def create(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Make an organisation's record; an admin of one organisation makes that of its own."""
    wish = await read(incoming.body, NewOrganisation)
    made = await gateway.organising.create(incoming.principal, wish)
    return as_json(organisation_view(made), status=201)


async def show(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """One organisation."""
    by, organisation = _whose(gateway, incoming)
    return as_json(organisation_view(gateway.organising.get(by, organisation)))


async def change(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Change what people call an organisation."""
    by, organisation = _whose(gateway, incoming)
    wish = await read(incoming.body, OrganisationChange)
    return as_json(organisation_view(await gateway.organising.change(by, organisation, wish)))


async def delete(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Forget an organisation with its members, API keys, providers' keys, deployments and cached replies, at once; its entries stay in the books."""
    by, organisation = _whose(gateway, incoming)
    await gateway.organising.delete(by, organisation)
    await gateway.pipeline.cache.remove(Selection(organisation=organisation))
    return as_json(Deleted(organisation))


async def members(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The people in an organisation."""
    by, organisation = _whose(gateway, incoming)
    return _all([member_view(each) for each in gateway.organising.members(by, organisation)])


async def add_member(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Take somebody in; a key of theirs is made with `POST /v1/keys` and `member`."""
    by, organisation = _whose(gateway, incoming)
    wish = await read(incoming.body, NewMember)
    made = await gateway.organising.add_member(by, organisation, wish)
    return as_json(member_view(made), status=201)


async def change_member(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Give a member another role: from then on no key of theirs may do more."""
    by, organisation = _whose(gateway, incoming)
    wish = await read(incoming.body, MemberChange)
    member = incoming.parameters["member"]
    changed = await gateway.organising.change_member(by, organisation, member, wish)
    return as_json(member_view(changed))


async def remove_member(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Remove a member: every key of theirs ends, at once."""
    by, organisation = _whose(gateway, incoming)
    member = incoming.parameters["member"]
    await gateway.organising.remove_member(by, organisation, member)
    return as_json(Deleted(member))


async def provider_keys(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """What an organisation pays its providers with, without the keys."""
    by, organisation = _whose(gateway, incoming)
    return _all(gateway.organising.provider_keys(by, organisation))


async def put_provider_key(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Pay a provider with this key from now on; it is encrypted, and never shown again."""
    by, organisation = _whose(gateway, incoming)
    wish = await read(incoming.body, NewProviderKey)
    made = await gateway.organising.put_provider_key(by, organisation, wish)
    return as_json(made, status=201)


async def remove_provider_key(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Forget the key for a provider: the operator's is used again, where there is one."""
    by, organisation = _whose(gateway, incoming)
    provider = incoming.parameters["provider"]
    await gateway.organising.remove_provider_key(by, organisation, provider)
    return as_json(Deleted(provider))


async def deployments(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The deployments that an organisation added for itself."""
    by, organisation = _whose(gateway, incoming)
    return _all(gateway.organising.deployments(by, organisation))


async def put_deployment(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Add a deployment for an organisation, or put it in place of the one of that id."""
    by, organisation = _whose(gateway, incoming)
    wish = await read(incoming.body, NewDeployment)
    made = await gateway.organising.put_deployment(by, organisation, wish)
    return as_json(made, status=201)


async def remove_deployment(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Remove a deployment of an organisation's own."""
    by, organisation = _whose(gateway, incoming)
    name = incoming.parameters["deployment"]
    await gateway.organising.remove_deployment(by, organisation, name)
    return as_json(Deleted(name))


def _whose(gateway: Gateway, incoming: Incoming) -> tuple[Principal, str]:
    """Who asks, and of which organisation. Raises NotFound where that is none of theirs."""
    by = incoming.principal
    return by, gateway.organising.get(by, incoming.parameters["id"]).id


def _all(found: object) -> Outgoing:
    return as_json({"object": "list", "data": found})
