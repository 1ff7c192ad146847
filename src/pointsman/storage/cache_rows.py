"""The table of cached replies in SQLite, and what is asked of it; nothing here does I/O."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypedDict

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Delete,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    Update,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy import Column as C  # noqa: N817

from pointsman.storage.eviction import size_of, worth
from pointsman.storage.schema import Instant, Money
from pointsman.storage.statements import Prepared
from pointsman.types import CachedReply, Selection, Vector

#: Of the schema below. A cache of another version is dropped and begun anew.
VERSION = 1

metadata = MetaData()

replies = Table(
    "replies",
    metadata,
    C("number", Integer, primary_key=True),
    C("id", Text, nullable=False, unique=True),
    C("key", Text, nullable=False, unique=True),
    C("organisation", Text, nullable=False),
    C("scope", Text, nullable=False),
    C("route", Text, nullable=False),
    C("deployment", Text, nullable=False),
    C("version", Text, nullable=False),
    C("tier", Text, nullable=False),
    C("request_id", Text, nullable=False),
    C("stored", Instant, nullable=False),
    C("expires", Instant, nullable=False),
    C("cost", Money),
    C("latency_ms", Float, nullable=False),
    C("hits", BigInteger, nullable=False),
    # What the bounds go by, see `eviction`.
    C("size", BigInteger, nullable=False),
    C("worth", Float, nullable=False),
    # A JSON string a line, and a newline around each: so one of them is found as text.
    C("tags", Text, nullable=False),
    C("partition", Text),
    C("turn", Text),
    C("embedder", Text),
    # Little-endian 32-bit integers.
    C("words", LargeBinary, nullable=False),
    # Little-endian float32.
    C("vector", LargeBinary),
    C("body", LargeBinary, nullable=False),
)
_c = replies.c
# All that `bounds` asks for, so that opening a large cache reads no bodies.
Index("replies_newest", _c.stored, _c.id, _c.key, _c.size, _c.worth, _c.expires, _c.hits)
# All that a count of a selection needs, so that it reads no bodies.
Index(
    "replies_selected",
    *(_c.organisation, _c.scope, _c.route, _c.deployment, _c.expires, _c.id, _c.size),
)


class ReplyRow(TypedDict):
    """One row, but for its number."""

    id: str
    key: str
    organisation: str
    scope: str
    route: str
    deployment: str
    version: str
    tier: str
    request_id: str
    stored: datetime
    expires: datetime
    cost: Decimal | None
    latency_ms: float
    hits: int
    size: int
    worth: float
    tags: str
    partition: str | None
    turn: str | None
    embedder: str | None
    words: bytes
    vector: bytes | None
    body: bytes


_tag = msgspec.json.Decoder(str)


def reply_row(reply: CachedReply) -> ReplyRow:
    """As the table has it."""
    return {
        "id": reply.id,
        "key": reply.key,
        "organisation": reply.organisation,
        "scope": reply.scope,
        "route": reply.route,
        "deployment": reply.deployment,
        "version": reply.version,
        "tier": reply.tier,
        "request_id": reply.request_id,
        "stored": reply.stored,
        "expires": reply.expires,
        "cost": reply.cost,
        "latency_ms": reply.latency_ms,
        "hits": reply.hits,
        "size": size_of(reply),
        "worth": worth(reply),
        "tags": "".join(map(_line, reply.tags)).replace("\n\n", "\n"),
        "partition": reply.partition,
        "turn": reply.turn,
        "embedder": reply.vector.embedder if reply.vector else None,
        "words": struct.pack(f"<{len(reply.words)}I", *reply.words),
        "vector": reply.vector.data if reply.vector else None,
        "body": reply.body,
    }


def read_reply(row: ReplyRow) -> CachedReply:
    """The reply that `reply_row` was made of."""
    return CachedReply(
        id=row["id"],
        key=row["key"],
        organisation=row["organisation"],
        scope=row["scope"],
        route=row["route"],
        deployment=row["deployment"],
        version=row["version"],
        tier=row["tier"],
        request_id=row["request_id"],
        stored=row["stored"],
        expires=row["expires"],
        body=row["body"],
        cost=row["cost"],
        latency_ms=row["latency_ms"],
        tags=tuple(_tag.decode(line) for line in row["tags"].split("\n") if line),
        partition=row["partition"],
        turn=row["turn"],
        vector=read_vector(row["vector"], row["embedder"]),
        words=read_words(row["words"]),
        hits=row["hits"],
    )


def read_vector(data: bytes | None, embedder: str | None) -> Vector | None:
    """From its two columns."""
    return None if data is None or embedder is None else Vector(data, embedder)


def read_words(packed: bytes) -> tuple[int, ...]:
    """From its column."""
    return struct.unpack(f"<{len(packed) // 4}I", packed)


def put(dialect: Dialect) -> Prepared:
    """Write a reply in place of those with its key or its id."""
    columns = [column.name for column in replies.c if column.name != "number"]
    return Prepared(insert(replies).prefix_with("OR REPLACE"), dialect, *columns)


def used(dialect: Dialect) -> Prepared:
    """Write how often replies were given out: `hits`, a JSON object by their ids."""
    hits = func.json_each(bindparam("hits", type_=Text)).table_valued("key", "value")
    counted = select(hits.c.value).where(hits.c.key == _c.id).scalar_subquery()
    said: Update = update(replies).where(_c.id.in_(select(hits.c.key))).values(hits=counted)
    return Prepared(said, dialect)


def forget(dialect: Dialect) -> Prepared:
    """Delete the replies whose ids are in `ids`, a JSON array."""
    listed = func.json_each(bindparam("ids", type_=Text)).table_valued("value")
    gone: Delete = delete(replies).where(_c.id.in_(select(listed.c.value)))
    return Prepared(gone, dialect)


def these(ids: Sequence[str]) -> Select[tuple[object, ...]]:
    """Whole rows, in any order."""
    return select(replies).where(_c.id.in_(ids))


def selected(which: Selection) -> Select[str]:
    """The ids of those that are meant."""
    return select(_c.id).where(*_conditions(which))


def newest(
    which: Selection, limit: int, after: tuple[datetime, str] | None
) -> Select[tuple[object, ...]]:
    """At most `limit` whole rows, the newest first; older than `after`, see `ports.CacheStore`."""
    older = () if after is None else (tuple_(_c.stored, _c.id) < after,)
    return (
        select(replies)
        .where(*_conditions(which), *older)
        .order_by(_c.stored.desc(), _c.id.desc())
        .limit(max(limit, 0))
    )


def sums(which: Selection) -> Select[int, int]:
    """How many are meant, and their bytes."""
    return select(func.count(), func.coalesce(func.sum(_c.size), 0)).where(*_conditions(which))


def bounds() -> Select[str, str, int, float, datetime, int]:
    """What the bounds need of all: id, key, size, worth, expires, hits; the oldest first."""
    wanted = (_c.id, _c.key, _c.size, _c.worth, _c.expires, _c.hits)
    return select(*wanted).order_by(_c.stored, _c.id)


def vectors(
    after: int, limit: int
) -> Select[int, str, str | None, bytes | None, str | None, bytes, datetime]:
    """What the index needs of the next `limit` rows that it has a use for."""
    wanted = (_c.number, _c.id, _c.partition, _c.vector, _c.embedder, _c.words, _c.expires)
    return (
        select(*wanted)
        .where(_c.number > after, _c.vector.is_not(None), _c.partition.is_not(None))
        .order_by(_c.number)
        .limit(limit)
    )


def _line(tag: str) -> str:
    return f"\n{msgspec.json.encode(tag).decode()}\n"


def _conditions(which: Selection) -> list[ColumnElement[bool]]:
    columns = (_c.id, _c.organisation, _c.scope, _c.route, _c.deployment)
    stated = [(column, getattr(which, column.name)) for column in columns]
    conditions = [column == value for column, value in stated if value is not None]
    if which.tag is not None:
        conditions.append(func.instr(_c.tags, _line(which.tag)) > 0)
    if which.expired is not None:
        conditions.append(_c.expires <= which.expired)
    return conditions
