"""An API key's life: made, changed, rotated, ended. Pure: time and randomness are given.

The whole key is its id, which is public, and 256 secret bits: `pm_` and eight characters, `_`, and
43 more. It is shown once; what is stored is its SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import UNSET, structs
from msgspec.structs import replace

from pointsman.access.allowances import NOTHING_STATED, Stated, bounded
from pointsman.access.permissions import as_members, excess
from pointsman.access.wishes import (
    KeyChange,
    NewKey,
    expiry_of,
    grant_of,
    name_of,
    organisation_of,
)
from pointsman.errors import AuthenticationFailed, BadRequest, Forbidden, NotFound
from pointsman.types import Grant, Key, Principal, Role, StoredKey

#: Random bytes of an id, which need not be secret.
ID_BYTES = 5
#: Random bytes of the secret.
SECRET_BYTES = 32


def new_id(random: bytes) -> str:
    """A key's id from ID_BYTES random bytes."""
    return "pm_" + base64.b32encode(random).decode().lower()


def key_text(key_id: str, random: bytes) -> str:
    """The whole key from SECRET_BYTES random bytes."""
    return f"{key_id}_{base64.urlsafe_b64encode(random).decode().rstrip('=')}"


def digest(text: str | bytes) -> bytes:
    """What is stored of a key, 32 bytes. Its secret has 256 random bits: no salt, no stretching."""
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).digest()


#: What a member of an organisation may do; None where there is none of that id.
Roles = Callable[[str, str], Role | None]


def no_members(organisation: str, member: str) -> None:
    """Where there are no organisations with members: nobody is one."""


def made(
    by: Principal,
    wish: NewKey,
    key_id: str,
    text: str,
    now: datetime,
    *,
    roles: Roles = no_members,
    until: datetime | None = None,
) -> StoredKey:
    """A new key. Raises BadRequest, and Forbidden where `by` may not give what is wanted.

    `until` is when the key ends that `by` asks with; None is never.
    """
    organisation = organisation_of(wish, by.organisation)
    if not by.grant.everywhere and organisation != by.organisation:
        raise Forbidden(f"this key manages the keys of {by.organisation} only")
    if wish.everywhere and wish.role == "user":
        raise BadRequest("a user sees its own records only: not everywhere", param="everywhere")
    if wish.member is not None:
        _check_member(wish, wish.member, roles(organisation, wish.member))
    before = replace(by.grant, role=wish.role, everywhere=wish.everywhere)
    grant, expires = grant_of(wish, before), expiry_of(wish, until, now)
    _check_given(by, grant)
    _check_lasting(expires, until)
    key = Key(
        id=key_id,
        name=name_of(wish, ""),
        organisation=organisation,
        grant=grant,
        created=now,
        expires=expires,
        member=wish.member,
    )
    return StoredKey(key, digest(text))


def ending_with(wish: NewKey, maker: StoredKey | None) -> NewKey:
    """The wish; a key that a member's key makes is that member's, where it is to be nobody's."""
    if maker is None or maker.key.member is None or wish.member is not None:
        return wish
    return structs.replace(wish, member=maker.key.member)


def changed(
    by: Principal,
    stored: StoredKey,
    wish: KeyChange,
    now: datetime,
    *,
    stated: Stated = NOTHING_STATED,
    until: datetime | None = None,
) -> StoredKey:
    """The key as it is wanted. Raises BadRequest, and Forbidden as `made` does.

    `stated` is what the settings state of it; `until` as in `made`.
    """
    key = managed(by, stored.key, stated)
    anew = replace(
        key,
        name=name_of(wish, key.name),
        grant=grant_of(wish, key.grant),
        expires=expiry_of(wish, key.expires, now),
        active=key.active if wish.active is UNSET else wish.active,
    )
    _check_given(by, bounded(anew.grant, stated))
    if _gives(key, anew):
        _check_lasting(anew.expires, until)
    return replace(stored, key=anew)


def rotated(
    by: Principal,
    stored: StoredKey,
    text: str,
    grace: timedelta,
    now: datetime,
    *,
    stated: Stated = NOTHING_STATED,
    until: datetime | None = None,
) -> StoredKey:
    """The key with another secret; the one it had is valid for `grace` more, one before that ends.

    Raises Forbidden where `by` may not do what the key may, or not for so long. The rest is as in
    `changed`.
    """
    _check_lasting(stored.key.expires, until)
    key = replace(managed(by, stored.key, stated), grace_until=now + grace if grace else None)
    return StoredKey(key, digest(text), stored.digest if grace else None)


def managed(by: Principal, key: Key, stated: Stated = NOTHING_STATED) -> Key:
    """The key, for an admin to change. Raises Forbidden where it may do more than `by`."""
    _check_given(by, bounded(key.grant, stated))
    return key


def seen(by: Principal, stored: StoredKey | None, key_id: str) -> StoredKey:
    """The key with that id. Raises NotFound where there is none for who asks."""
    if stored is None or not sees(by, stored.key):
        raise NotFound(f"there is no key {key_id[:64]!r}")
    return stored


def sees(by: Principal, key: Key) -> bool:
    """Whether `by` may know of the key."""
    return by.grant.everywhere or key.organisation == by.organisation


def check_valid(stored: StoredKey, shown: bytes, now: datetime) -> None:
    """Raises AuthenticationFailed where the key whose digest was shown is valid no more.

    Only who holds its secret gets here, and may know why.
    """
    key = stored.key
    if not key.active:
        raise AuthenticationFailed(f"the API key {key.id} is deactivated")
    if key.expires is not None and now >= key.expires:
        raise AuthenticationFailed(f"the API key {key.id} has expired")
    if shown != stored.digest and (key.grace_until is None or now >= key.grace_until):
        raise AuthenticationFailed(f"the API key {key.id} was rotated: this one is the older")


def principal_of(key: Key, roles: Roles) -> Principal:
    """Who asks with the key. Raises AuthenticationFailed where it is a member's who is gone."""
    grant = key.grant
    if key.member is None:
        return Principal(key.organisation, key.id, grant=grant)
    member = roles(key.organisation, key.member)
    role = None if member is None else as_members(member, grant.role)
    if role is None:
        raise AuthenticationFailed(
            f"the API key {key.id} is a member's, who may not use it any more"
        )
    return Principal(key.organisation, key.id, grant=replace(grant, role=role, everywhere=False))


def _check_member(wish: NewKey, member: str, role: Role | None) -> None:
    if role is None:
        raise BadRequest("`member`: there is no such member in the organisation", param="member")
    if wish.everywhere or as_members(role, wish.role) != wish.role:
        raise Forbidden(f"the member {member[:64]} is `{role}`: a key of theirs may do no more")


def _check_given(by: Principal, grant: Grant) -> None:
    """Nobody gives what they have not."""
    if (too_much := excess(grant, by.grant)) is not None:
        raise Forbidden(f"this key may not give what it does not have: `{too_much}`")


def _gives(before: Key, after: Key) -> bool:
    """Whether a change lets a key do more than it did, or for longer."""
    longer = after.expires != before.expires and (
        after.expires is None or (before.expires is not None and after.expires > before.expires)
    )
    wider = before.grant.role != after.grant.role or excess(after.grant, before.grant) is not None
    return longer or wider or (after.active and not before.active)


def _check_lasting(expires: datetime | None, until: datetime | None) -> None:
    """Nor for longer than they have it."""
    if until is not None and (expires is None or expires > until):
        raise Forbidden(f"this key ends at {until.isoformat()}: it gives nothing for longer")
