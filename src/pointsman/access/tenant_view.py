"""Organisations and what is theirs, as HTTP and the command line show it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from pointsman.types import Member, Organisation, OwnDeployment, ProviderKey, Role

_Table: TypeAlias = Mapping[str, object]
#: A key that is shorter shows nothing of itself.
_SHOWS_ITS_END = 20


class OrganisationView(msgspec.Struct, kw_only=True):
    """An organisation."""

    id: str
    object: Literal["organisation"] = "organisation"
    name: str
    created: datetime


class MemberView(msgspec.Struct, kw_only=True):
    """A person in an organisation."""

    id: str
    object: Literal["organisation.member"] = "organisation.member"
    organisation: str
    person: str
    role: Role
    created: datetime


class ProviderKeyView(msgspec.Struct, kw_only=True):
    """A provider's key, without the key."""

    #: The provider's name.
    id: str
    object: Literal["organisation.provider_key"] = "organisation.provider_key"
    organisation: str
    #: Its last four characters; None where it is short, or can't be opened.
    last4: str | None
    #: The beginning of its SHA-256, to tell keys apart; None where it can't be opened.
    fingerprint: str | None
    created: datetime


class DeploymentView(msgspec.Struct, kw_only=True):
    """A deployment of an organisation's own."""

    #: Among all deployments: what `model` says to ask for it.
    id: str
    object: Literal["organisation.deployment"] = "organisation.deployment"
    organisation: str
    #: As in a table `[models.<id>]`.
    settings: _Table
    #: Whose key is sent: its own, the organisation's for the provider, or none.
    key: Literal["own", "organisation"] | None
    #: Why nothing is sent there; None where it is in use.
    objection: str | None
    created: datetime


def organisation_view(each: Organisation) -> OrganisationView:
    """The organisation to be shown."""
    return OrganisationView(id=each.id, name=each.name, created=each.created)


def member_view(each: Member) -> MemberView:
    """The member to be shown."""
    return MemberView(
        id=each.id,
        organisation=each.organisation,
        person=each.person,
        role=each.role,
        created=each.created,
    )


def provider_key_view(each: ProviderKey, text: str | None) -> ProviderKeyView:
    """The provider's key to be shown; `text` is the key, None where it can't be opened."""
    return ProviderKeyView(
        id=each.id,
        organisation=each.organisation,
        last4=text[-4:] if text is not None and len(text) >= _SHOWS_ITS_END else None,
        fingerprint=None if text is None else hashlib.sha256(text.encode()).hexdigest()[:16],
        created=each.created,
    )


def deployment_view(each: OwnDeployment, *, has_key: bool, objection: str | None) -> DeploymentView:
    """The deployment to be shown; `has_key` says whether the organisation has its provider's."""
    whose: Literal["own", "organisation"] | None = "organisation" if has_key else None
    return DeploymentView(
        id=each.deployment,
        organisation=each.organisation,
        settings=each.model,
        key=whose if each.sealed is None else "own",
        objection=objection,
        created=each.created,
    )
