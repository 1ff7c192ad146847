"""Organisations as records, and what is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from pointsman.types.access import Role
from pointsman.types.words import Json

#: What there is a record of.
TenantKind: TypeAlias = Literal["organisation", "member", "provider_key", "deployment"]


class Organisation(msgspec.Struct, frozen=True):
    """Who shares keys, budgets and deployments."""

    #: As keys and entries name it.
    id: str
    #: What people call it.
    name: str
    created: datetime


class Member(msgspec.Struct, frozen=True):
    """A person in an organisation. Keys of theirs may do no more than they."""

    organisation: str
    id: str
    #: An address or a name, once in an organisation.
    person: str
    role: Role
    created: datetime


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """What an organisation pays a provider with."""

    organisation: str
    #: The provider's name.
    id: str
    created: datetime
    #: The key, encrypted.
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OwnDeployment:
    """A deployment that an organisation added for itself."""

    organisation: str
    #: Without the organisation before it.
    id: str
    created: datetime
    #: As in a table `[models.<id>]`, without its key.
    model: Mapping[str, Json]
    #: A key for it alone, encrypted; None where the organisation's for its provider is meant.
    sealed: bytes | None = field(default=None, repr=False)

    @property
    def deployment(self) -> str:
        """Its id among all deployments."""
        return f"{self.organisation}/{self.id}"


TenantRecord: TypeAlias = Organisation | Member | ProviderKey | OwnDeployment


class Tenants(msgspec.Struct, frozen=True):
    """All records of one moment, each kind by organisation, then by id; the oldest first."""

    organisations: tuple[Organisation, ...] = ()
    members: tuple[Member, ...] = ()
    provider_keys: tuple[ProviderKey, ...] = ()
    deployments: tuple[OwnDeployment, ...] = ()
    #: Ids of organisations that were removed.
    former: frozenset[str] = frozenset()
