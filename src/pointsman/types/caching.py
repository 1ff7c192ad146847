"""What the cache holds, and what it says of a request."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

#: What answered from the cache, or why it did not: `miss` was looked for and not there, `bypass`
#: was not looked for.
CacheState: TypeAlias = Literal["exact", "semantic", "miss", "bypass"]
#: Which tiers of the cache a request may use; each holds the ones before it.
CacheTier: TypeAlias = Literal["off", "exact", "semantic"]
#: Whether similar prompts share replies: never; looked for and only written down; for requests that
#: ask for it; for all that may.
SemanticMode: TypeAlias = Literal["off", "shadow", "asked", "on"]


def reply_id_of(request_id: str) -> str:
    """The id of the cached reply that a request led to, where it is kept."""
    return f"cr_{request_id.removeprefix('req_')}"


class CachedReply(msgspec.Struct, frozen=True):
    """A reply that the cache holds, and for whom."""

    #: Public, unique, URL-safe.
    id: str
    #: The exact identity of the request: a hash, in hex. There is at most one reply for each.
    key: str
    organisation: str
    #: The key's id where replies are not shared between keys; else empty.
    scope: str
    #: What was asked for: `auto`, `local`, `cloud`, a tier or a deployment.
    route: str
    #: Who answered, what exactly that was at the time, and its tier.
    deployment: str
    version: str
    tier: str
    #: Of the request that it answered.
    request_id: str
    stored: datetime
    expires: datetime
    #: The reply, see `cache.content`.
    body: bytes
    #: US dollars that it cost; None where the price is unknown.
    cost: Decimal | None = None
    #: Milliseconds that it took.
    latency_ms: float = 0.0
    tags: tuple[str, ...] = ()
    #: For the semantic tier, else None: all of the request but its last user turn, as a hash; that
    #: turn; its embedding; and the hashes of its content words.
    partition: str | None = None
    turn: str | None = None
    vector: Vector | None = None
    words: tuple[int, ...] = ()
    #: Times that it was given out.
    hits: int = 0


class Vector(msgspec.Struct, frozen=True):
    """An embedding of length 1: little-endian float32, one after the other."""

    data: bytes
    #: The embedder's name and version, that vectors of different ones never meet.
    embedder: str

    @property
    def size(self) -> int:
        """Its dimensions."""
        return len(self.data) // 4


class Near(msgspec.Struct, frozen=True):
    """A cached reply whose prompt is near, with the cosine of the two, -1 to 1."""

    reply: CachedReply
    similarity: float


class Selection(msgspec.Struct, frozen=True):
    """Which cached replies are meant: those that fit all that is stated; without any, all."""

    id: str | None = None
    organisation: str | None = None
    scope: str | None = None
    route: str | None = None
    deployment: str | None = None
    tag: str | None = None
    #: Those that expire at this time or before.
    expired: datetime | None = None

    def fits(self, reply: CachedReply) -> bool:
        """Whether it is one of those that are meant."""
        return (
            self.id in {None, reply.id}
            and self.organisation in {None, reply.organisation}
            and self.scope in {None, reply.scope}
            and self.route in {None, reply.route}
            and self.deployment in {None, reply.deployment}
            and (self.tag is None or self.tag in reply.tags)
            and (self.expired is None or reply.expires <= self.expired)
        )


class Listing(msgspec.Struct, frozen=True):
    """Some cached replies, the newest first, and how many there are in all."""

    replies: tuple[CachedReply, ...]
    #: Of all that were selected, also where only the first are in `replies`.
    count: int
    #: Bytes of their bodies, turns and vectors.
    size: int


class Alignment(msgspec.Struct, frozen=True):
    """How two texts fit word by word: each word piece with its best cosine in the other text."""

    a: tuple[tuple[str, float], ...]
    b: tuple[tuple[str, float], ...]


class Lookup(msgspec.Struct, frozen=True):
    """What the cache said of one request."""

    state: CacheState
    #: Why it is a miss or was bypassed: `tools`, `guard: number`, `session`, ...
    reason: str = ""
    #: Of the cached reply that was given out, or that shadow mode would have given out.
    id: str | None = None
    #: Cosine of the two prompts; None for an exact hit.
    similarity: float | None = None
    #: That the reply serves, as the verifier says; None for an exact hit.
    probability: float | None = None
    #: Seconds since the reply was made.
    age_s: float | None = None
    #: It would have been a semantic hit, had the tier not been in shadow mode.
    shadow: bool = False


#: Of a request that no cache was asked for.
NOT_LOOKED_UP = Lookup("bypass")


class Check(msgspec.Struct, frozen=True):
    """A semantic hit whose reply was compared with a fresh one, or that a user complained of."""

    #: Of the request that was hit.
    request_id: str
    time: datetime
    organisation: str
    route: str
    #: Of the cached reply.
    reply_id: str
    similarity: float
    probability: float
    #: The cached reply would not do.
    false: bool
    #: What says so.
    by: Literal["embedding", "judge", "both", "feedback"]
    #: The embedder and the weights that gave the probability: those of others mean something else.
    decider: str = ""
