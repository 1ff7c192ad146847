"""What the cache says to PostgreSQL. Pure.

Two tables: replies with what they are selected by, and, where there is pgvector, their prompts'
vectors. Counting a hit touches only the first, so no vector is ever indexed again for it.
"""

from __future__ import annotations

from array import array
from datetime import datetime
from hashlib import sha256
from sys import byteorder
from typing import TypeAlias

from pointsman.storage.cache_packing import pack, space
from pointsman.storage.eviction import size_of, worth
from pointsman.types import CachedReply, Selection, Vector

Value: TypeAlias = str | bytes | int | float | datetime | list[str] | list[float] | None

#: Dimensions that pgvector can index; it compares more than these one by one.
_INDEXABLE = 2000

_COLUMNS = (
    *("key", "id", "organisation", "scope", "route", "deployment", "tags", "stored", "expires"),
    *("size", "worth", "hits", "used", "packed", "body"),
)


class Statements:
    """All statements over tables whose names begin with `table`."""

    def __init__(self, table: str, *, vectors: bool) -> None:
        """`vectors`: pgvector is there."""
        self.vectors = vectors
        self._replies = quoted(table)
        self._vectors = quoted(f"{table}_vectors")
        self._table = table
        digest = sha256(f"pointsman:{table}".encode()).digest()
        self._lock = int.from_bytes(digest[:8], signed=True)
        vector, joined = ("v.vector::real[]", f"LEFT JOIN {self._vectors} v USING (key)")
        if not vectors:
            vector, joined = "NULL::real[]", ""
        self._whole = f"r.packed, r.body, r.hits, {vector} AS vector"
        self._source = f"{self._replies} r {joined}"
        self.get = f"SELECT {self._whole} FROM {self._source} WHERE key = $1 AND r.expires > $2"  # noqa: S608
        self.used = (
            f"UPDATE {self._replies} SET hits = hits + 1, used = greatest(used, $2) WHERE id = $1"  # noqa: S608
        )
        self.crowd = f"SELECT count(*) FROM (SELECT FROM {self._vectors} WHERE space = $1 LIMIT $2::integer) AS crowd"  # noqa: S608
        #: More than $2 at time $1: the expired go, then those that save the least for the room that
        #: they take. Nothing is done while another gateway is about it.
        self.evict = f"""
            WITH own AS MATERIALIZED (SELECT pg_try_advisory_xact_lock({self._lock}) AS turn)
            DELETE FROM {self._replies} WHERE (SELECT turn FROM own) AND key IN (
                SELECT key FROM {self._replies}
                ORDER BY expires > $1, (1 + hits) * worth / greatest(size, 1), used
                LIMIT (SELECT greatest(count(*) - $2, 0) FROM {self._replies})
            )"""  # noqa: S608

    def alone(self, *statements: str) -> str:
        """All or nothing of them, while no other gateway makes anything; without parameters."""
        return "; ".join((f"SELECT pg_advisory_xact_lock({self._lock})", *statements))

    def schema(self) -> list[str]:
        """Makes what is not there yet."""
        made = [
            f"""CREATE TABLE IF NOT EXISTS {self._replies} (
                key text PRIMARY KEY, id text NOT NULL UNIQUE, organisation text NOT NULL,
                scope text NOT NULL, route text NOT NULL, deployment text NOT NULL,
                tags text[] NOT NULL, stored timestamptz NOT NULL, expires timestamptz NOT NULL,
                size integer NOT NULL, worth double precision NOT NULL, hits integer NOT NULL,
                used timestamptz NOT NULL, packed bytea NOT NULL, body bytea NOT NULL
            ) WITH (fillfactor = 80)""",
            self._index_on(self._replies, "expires"),
        ]
        if self.vectors:
            made += [
                f"""CREATE TABLE IF NOT EXISTS {self._vectors} (
                    key text PRIMARY KEY REFERENCES {self._replies} ON DELETE CASCADE,
                    space text NOT NULL, expires timestamptz NOT NULL, vector vector NOT NULL
                )""",
                f"ALTER TABLE {self._vectors} ALTER COLUMN vector SET STORAGE main",
                self._index_on(self._vectors, "space"),
            ]
        return made

    def _index_on(self, table: str, column: str) -> str:
        name = quoted(f"{self._table}_{column}")
        return f"CREATE INDEX IF NOT EXISTS {name} ON {table} ({column})"

    def vector_index(self, size: int) -> str | None:
        """The index over vectors of a size; None where there can't be one."""
        if size > _INDEXABLE:
            return None
        return (
            f"CREATE INDEX IF NOT EXISTS {quoted(f'{self._table}_vectors_{size}')} "
            f"ON {self._vectors} USING hnsw ((vector::vector({size})) vector_cosine_ops) "
            f"WHERE vector_dims(vector) = {size}"
        )

    def put(self, reply: CachedReply) -> tuple[str, list[Value]]:
        """Keep it with its vector, in place of what was there for its key."""
        values = _row(reply)
        marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
        kept = f"""INSERT INTO {self._replies} ({", ".join(_COLUMNS)}) VALUES ({marks})
            ON CONFLICT (key) DO UPDATE SET {_from_excluded(*_COLUMNS)}"""  # noqa: S608
        if not self.vectors:
            return kept, values
        if reply.partition is None or reply.vector is None:
            return (
                f"WITH kept AS ({kept} RETURNING key) "  # noqa: S608
                f"DELETE FROM {self._vectors} v USING kept WHERE v.key = kept.key"
            ), values
        first = len(values) + 1
        values += [space(reply.partition, reply.vector), numbers(reply.vector)]
        return (
            f"WITH kept AS ({kept} RETURNING key, expires) "  # noqa: S608
            f"INSERT INTO {self._vectors} (key, space, expires, vector) "
            f"SELECT key, ${first}, expires, ${first + 1}::real[]::vector FROM kept "
            f"ON CONFLICT (key) DO UPDATE SET {_from_excluded('space', 'expires', 'vector')}"
        ), values

    def nearest(self, size: int, *, indexed: bool) -> str:
        """Of space $1 to vector $2, not expired at $3, so many as $4; `indexed`: perhaps not all.

        Only an expression that is the index's own can be answered by the index.
        """
        vector, within = "vector", ""
        if indexed:
            vector, within = f"vector::vector({size})", f"AND vector_dims(vector) = {size}"
        return f"""
            WITH near AS MATERIALIZED (
                SELECT key, {vector} <=> $2::real[]::vector({size}) AS distance
                FROM {self._vectors} WHERE space = $1 AND expires > $3 {within}
                ORDER BY distance LIMIT $4
            )
            SELECT {self._whole}, near.distance FROM {self._source} JOIN near USING (key)
            ORDER BY near.distance"""  # noqa: S608

    def sums(self, which: Selection) -> tuple[str, list[Value]]:
        """How many are selected, and their size."""
        fits, values = _selected(which)
        return (
            f"SELECT count(*), coalesce(sum(size), 0) FROM {self._replies} r WHERE {fits}",  # noqa: S608
            values,
        )

    def newest(
        self, which: Selection, limit: int, after: tuple[datetime, str] | None
    ) -> tuple[str, list[Value]]:
        """The first of those that are selected and older than `after`, see `ports.CacheStore`."""
        fits, values = _selected(which)
        if after is not None:
            place = f"${len(values) + 1}, ${len(values) + 2}"
            fits = f'{fits} AND (r.stored, r.id COLLATE "C") < ({place})'
            values = [*values, *after]
        return (
            f"SELECT {self._whole} FROM {self._source} WHERE {fits} "  # noqa: S608
            f'ORDER BY r.stored DESC, r.id COLLATE "C" DESC LIMIT ${len(values) + 1}'
        ), [*values, limit]

    def remove(self, which: Selection, limit: int) -> tuple[str, list[Value]]:
        """Forget some of those that are selected; by key, so that no two wait for each other."""
        fits, values = _selected(which)
        return (
            f"DELETE FROM {self._replies} WHERE key IN (SELECT key FROM {self._replies} r "  # noqa: S608
            f"WHERE {fits} ORDER BY key LIMIT ${len(values) + 1} FOR UPDATE)"
        ), [*values, limit]


def quoted(name: str) -> str:
    """A name of a table or an index."""
    return '"' + name.replace('"', '""') + '"'


def numbers(vector: Vector) -> list[float]:
    """Its numbers, as PostgreSQL's real[]."""
    return _native(array("f", vector.data)).tolist()


def data(numbers: list[float]) -> bytes:
    """The other way round, bit for bit."""
    return _native(array("f", numbers)).tobytes()


def _native(numbers: array[float]) -> array[float]:
    """From little-endian to this machine's order, or back."""
    if byteorder == "big":
        numbers.byteswap()
    return numbers


def _row(reply: CachedReply) -> list[Value]:
    """In the order of `_COLUMNS`."""
    return [
        reply.key,
        reply.id,
        *map(_text, (reply.organisation, reply.scope, reply.route, reply.deployment)),
        [_text(tag) for tag in reply.tags],
        reply.stored,
        reply.expires,
        size_of(reply),
        worth(reply),
        reply.hits,
        reply.stored,
        pack(reply),
        reply.body,
    ]


def _from_excluded(*columns: str) -> str:
    return ", ".join(f"{column} = excluded.{column}" for column in columns)


def _selected(which: Selection) -> tuple[str, list[Value]]:
    """A condition on replies `r`."""
    stated: list[tuple[str, Value]] = [
        (f"r.{name} = {{}}", _text(value))
        for name in ("id", "organisation", "scope", "route", "deployment")
        if (value := getattr(which, name)) is not None
    ]
    if which.tag is not None:
        stated.append(("{} = ANY (r.tags)", _text(which.tag)))
    if which.expired is not None:
        stated.append(("r.expires <= {}", which.expired))
    conditions = [said.format(f"${number}") for number, (said, _) in enumerate(stated, 1)]
    return " AND ".join(conditions) or "true", [value for _, value in stated]


def _text(text: str) -> str:
    r"""PostgreSQL's text knows no NUL; different texts stay different."""
    return text.replace("\\", "\\\\").replace("\0", "\\0")
