"""What somebody may want a key to be: the bodies of `/v1/keys`, member by member. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from pointsman.errors import BadRequest
from pointsman.types import Budgets, Grant, Limits, PrivacyWish, Role

#: What people call a key; it is printed in tables and logs.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@+-]{0,63}")
#: It is written into paths, columns and file names.
ORGANISATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: Ids of deployments, names of tiers and routes: as in the configuration.
_LISTED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}")
_LONGEST_LIST = 100
#: US dollars: what the books hold exactly, with room for the sums.
_MOST_DOLLARS = Decimal(1_000_000)
_SMALLEST = Decimal("1e-12")

_T = TypeVar("_T")
_Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
_Names = list[str] | None | UnsetType


class LimitWish(msgspec.Struct, forbid_unknown_fields=True):
    """How much at a time; null is without limit, what is left out stays as it is."""

    requests_per_minute: _Count | UnsetType | None = UNSET
    tokens_per_minute: _Count | UnsetType | None = UNSET
    concurrent: _Count | UnsetType | None = UNSET


class BudgetWish(msgspec.Struct, forbid_unknown_fields=True):
    """US dollars; null is without bound, what is left out stays as it is."""

    per_day: Decimal | UnsetType | None = UNSET
    per_month: Decimal | UnsetType | None = UNSET
    allow_unpriced: bool | UnsetType | None = UNSET


class KeyWish(msgspec.Struct, forbid_unknown_fields=True):
    """What of a key may be set at any time; what is left out stays as it is."""

    name: str | UnsetType = UNSET
    #: With its zone; null is never.
    expires: datetime | UnsetType | None = UNSET
    #: Deployments that may serve it; null is all.
    models: _Names = UNSET
    #: Tiers that may serve it; null is all.
    tiers: _Names = UNSET
    #: What it may ask for: `auto`, `local`, `cloud`, a tier, a deployment; null is all.
    routes: _Names = UNSET
    privacy: PrivacyWish | UnsetType | None = UNSET
    limits: LimitWish | UnsetType = UNSET
    budgets: BudgetWish | UnsetType = UNSET


class NewKey(KeyWish):
    """A key to be made; what is left out is as with the key that asks for it."""

    organisation: str | UnsetType = UNSET
    role: Role = "user"
    #: Not confined to its organisation.
    everywhere: bool = False
    #: Whose it is to be, by the member's id: it may do no more than they, and ends with them. By
    #: default whose the key is that asks for it.
    member: str | None = None


class KeyChange(KeyWish):
    """A key to be changed. What it may do at all and whose it is stays for its life."""

    active: bool | UnsetType = UNSET


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    """A key to be made anew."""

    #: Seconds for which the one that is replaced is still valid, 30 days at most.
    grace_s: Annotated[int, msgspec.Meta(ge=0, le=2_592_000)] = 86_400


def name_of(wish: KeyWish, otherwise: str) -> str:
    """The key's name. Raises BadRequest."""
    if wish.name is UNSET:
        return otherwise
    if wish.name and not _NAME.fullmatch(wish.name):
        raise _bad("name", "up to 64 ASCII letters, digits, spaces and . _ @ + -")
    return wish.name


def organisation_of(wish: NewKey, otherwise: str) -> str:
    """Whose key it is to be. Raises BadRequest."""
    if wish.organisation is UNSET:
        return otherwise
    if not ORGANISATION.fullmatch(wish.organisation):
        raise _bad("organisation", "up to 64 ASCII letters, digits and . _ -")
    return wish.organisation


def expiry_of(wish: KeyWish, otherwise: datetime | None, now: datetime) -> datetime | None:
    """When the key ends, in UTC; None is never. Raises BadRequest for what is over already."""
    if wish.expires is UNSET:
        return otherwise
    if wish.expires is None:
        return None
    if wish.expires.tzinfo is None or wish.expires <= now:
        raise _bad("expires", "a time to come, with its zone, such as 2027-01-31T00:00:00Z")
    try:
        return wish.expires.astimezone(UTC)
    except OverflowError as error:
        raise _bad("expires", "a time before the year 10000") from error


def grant_of(wish: KeyWish, before: Grant) -> Grant:
    """What the key may do, where `before` is what holds without the wish. Raises BadRequest."""
    return replace(
        before,
        models=_names("models", wish.models, before.models),
        tiers=_names("tiers", wish.tiers, before.tiers),
        routes=_names("routes", wish.routes, before.routes),
        privacy=_or(wish.privacy, before.privacy),
        limits=before.limits if wish.limits is UNSET else _limits(wish.limits, before.limits),
        budgets=before.budgets if wish.budgets is UNSET else _budgets(wish.budgets, before.budgets),
    )


def _limits(wish: LimitWish, before: Limits) -> Limits:
    return Limits(
        _or(wish.requests_per_minute, before.requests_per_minute),
        _or(wish.tokens_per_minute, before.tokens_per_minute),
        _or(wish.concurrent, before.concurrent),
    )


def _budgets(wish: BudgetWish, before: Budgets) -> Budgets:
    return Budgets(
        _dollars("budgets.per_day", wish.per_day, before.per_day),
        _dollars("budgets.per_month", wish.per_month, before.per_month),
        _or(wish.allow_unpriced, before.allow_unpriced),
    )


def _dollars(
    member: str, asked: Decimal | UnsetType | None, otherwise: Decimal | None
) -> Decimal | None:
    if asked is UNSET:
        return otherwise
    if asked is None:
        return None
    if (
        not asked.is_finite()
        or not 0 <= asked <= _MOST_DOLLARS
        or asked != asked.quantize(_SMALLEST)
    ):
        raise _bad(member, "US dollars from 0 to 1000000, with 12 decimal places at most")
    return Decimal(f"{asked.normalize():f}")


def _names(member: str, asked: _Names, otherwise: frozenset[str] | None) -> frozenset[str] | None:
    if asked is UNSET:
        return otherwise
    if asked is None:
        return None
    if not 1 <= len(asked) <= _LONGEST_LIST or not all(map(_LISTED.fullmatch, asked)):
        raise _bad(member, "null for all, or 1 to 100 names of letters, digits and . _ : / @ + -")
    return frozenset(asked)


def _or(asked: _T | UnsetType, otherwise: _T) -> _T:
    return otherwise if asked is UNSET else asked


def _bad(member: str, must_be: str) -> BadRequest:
    return BadRequest(f"`{member}` must be {must_be}", param=member)
