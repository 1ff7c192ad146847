"""API keys as rows, and what is said to their table. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

import msgspec
from sqlalchemy import Dialect, Select, bindparam, delete, select

from pointsman.storage import statements
from pointsman.storage.schema import keys
from pointsman.storage.statements import Prepared, replacing
from pointsman.types import Grant, Key, StoredKey

_encode = msgspec.json.Encoder(order="deterministic").encode
_grant = msgspec.json.Decoder(Grant)
_WHAT = "keys"

#: All keys, the oldest first.
all_keys = select(keys).order_by(keys.c.created, keys.c.id)
#: How often any was changed; no row where none ever was.
key_changes: Select[int] = statements.changed(_WHAT)


class KeyRow(TypedDict):
    """One row of `keys`."""

    id: str
    name: str
    organisation: str
    grant: str
    created: datetime
    expires: datetime | None
    active: bool
    digest: bytes
    previous: bytes | None
    grace_until: datetime | None
    member: str | None


def put(dialect: Dialect) -> Prepared:
    """Write a key, in place of what is there for its id."""
    return replacing(keys, dialect)


def remove(dialect: Dialect) -> Prepared:
    """Delete the key `id`."""
    return Prepared(delete(keys).where(keys.c.id == bindparam("id")), dialect)


def count_change(dialect: Dialect) -> Prepared:
    """Count one more change of any key."""
    return statements.count_change(dialect, _WHAT)


def key_row(stored: StoredKey) -> KeyRow:
    """The key as a row."""
    key = stored.key
    return {
        "id": key.id,
        "name": key.name,
        "organisation": key.organisation,
        "grant": _encode(key.grant).decode(),
        "created": key.created,
        "expires": key.expires,
        "active": key.active,
        "digest": stored.digest,
        "previous": stored.previous,
        "grace_until": key.grace_until,
        "member": key.member,
    }


def read_key(row: KeyRow) -> StoredKey:
    """The key that `key_row` wrote."""
    key = Key(
        id=row["id"],
        name=row["name"],
        organisation=row["organisation"],
        grant=_grant.decode(row["grant"]),
        created=row["created"],
        expires=row["expires"],
        active=row["active"],
        grace_until=row["grace_until"],
        member=row["member"],
    )
    return StoredKey(key, row["digest"], row["previous"])
