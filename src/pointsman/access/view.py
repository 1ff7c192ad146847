"""A key as HTTP and the command line show it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from pointsman.types import Budgets, Key, Limits, PrivacyWish, Role


class KeyView(msgspec.Struct, kw_only=True):
    """A key, without what is secret of it."""

    id: str
    object: Literal["api_key"] = "api_key"
    #: The whole key, once: in the reply to its making and its rotation.
    key: str | UnsetType = UNSET
    name: str
    organisation: str
    role: Role
    everywhere: bool
    active: bool
    created: datetime
    expires: datetime | None
    grace_until: datetime | None
    #: None is all.
    models: list[str] | None
    tiers: list[str] | None
    routes: list[str] | None
    privacy: PrivacyWish | None
    limits: Limits
    budgets: Budgets
    #: The member whose it is, by their id.
    member: str | None


class KeyList(msgspec.Struct):
    """Keys, the oldest first."""

    data: list[KeyView]
    object: Literal["list"] = "list"


class Deleted(msgspec.Struct):
    """A key that is gone."""

    id: str
    deleted: bool = True


def key_view(key: Key, text: str | UnsetType = UNSET) -> KeyView:
    """The key to be shown; with its whole `text` where it was just made."""
    grant = key.grant
    return KeyView(
        id=key.id,
        key=text,
        name=key.name,
        organisation=key.organisation,
        role=grant.role,
        everywhere=grant.everywhere,
        active=key.active,
        created=key.created,
        expires=key.expires,
        grace_until=key.grace_until,
        models=_listed(grant.models),
        tiers=_listed(grant.tiers),
        routes=_listed(grant.routes),
        privacy=grant.privacy,
        limits=grant.limits,
        budgets=grant.budgets,
        member=key.member,
    )


def _listed(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)
