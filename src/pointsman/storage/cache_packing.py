"""A cached reply as bytes, for stores that hold it beside what they select and search by."""

from __future__ import annotations

from hashlib import sha256

import msgspec
from msgspec.structs import replace

from pointsman.types import CachedReply, Vector


def pack(reply: CachedReply) -> bytes:
    """All of it but its body, its vector's data and its hits.

    Raises UnicodeEncodeError where a text is no Unicode.
    """
    vector = reply.vector and Vector(b"", reply.vector.embedder)
    return msgspec.msgpack.encode(replace(reply, body=b"", vector=vector, hits=0))


def unpack(
    packed: bytes, *, body: bytes = b"", vector: bytes | None = None, hits: int = 0
) -> CachedReply:
    """The reply, with what was not packed; without `vector` it has none.

    Raises msgspec.MsgspecError where it was not packed by `pack`.
    """
    reply = msgspec.msgpack.decode(packed, type=CachedReply)
    embedded = reply.vector and vector and Vector(vector, reply.vector.embedder)
    return replace(reply, body=body, vector=embedded or None, hits=hits)


def space(partition: str, vector: Vector) -> str:
    """One word for what may be compared: a partition, an embedder and a number of dimensions."""
    named = f"{partition}\0{vector.embedder}\0{vector.size}"
    return sha256(named.encode()).hexdigest()[:32]
