"""What was asked, and what is asked of an upstream."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from pointsman.types.access import Grant
from pointsman.types.batches import RowPlace
from pointsman.types.caching import CacheTier
from pointsman.types.words import Capability, FormatName, Priority, Task, UsageWish


class Turn(msgspec.Struct, frozen=True):
    """One message of a conversation, reduced to its text."""

    role: str
    text: str


class ModelRequest(msgspec.Struct, frozen=True):
    """A read-only view of a request to a model, for scoring and routing.

    `members` holds the top-level members as the client sent them, byte for byte and in order:
    what reaches the model is built from them, never from this view.
    """

    model: str
    turns: tuple[Turn, ...]
    members: Mapping[str, bytes]
    #: What people wrote outside the turns (documents, a suffix, ...): never scored, only searched
    #: for what must stay local.
    private_texts: tuple[str, ...] = ()
    needs: frozenset[Capability] = frozenset()
    stream: bool = False
    #: The client asked for usage in the stream.
    include_usage: UsageWish = False
    #: Estimated tokens of the whole prompt: every turn, tools and schemas.
    input_tokens: int = 0
    #: What the client allows for the reply; None where it does not say.
    max_output_tokens: int | None = None
    #: The wire format it came in.
    format: FormatName = "chat"
    task: Task = "chat"
    #: The conversation it continues, where the client's body names one (`prompt_cache_key`, ...).
    session: str | None = None
    #: The end user, where the client's body names one (`user`, `metadata.user_id`).
    user: str | None = None
    #: Replies that it asks for at once (`n`).
    choices: int = 1
    #: Headers of the client's that go along where the format stays (`anthropic-beta`, ...).
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    #: Set for what is passed on unread.
    raw: RawBody | None = None


class RawBody(msgspec.Struct, frozen=True):
    """A body that is passed on as it came, but for the model's name in it."""

    #: Below the base URL: `/audio/transcriptions`.
    path: str
    content_type: str
    #: What stands before the model's name, and after it.
    before: bytes
    after: bytes


class Outbound(msgspec.Struct, frozen=True):
    """A request as it goes to an upstream."""

    format: FormatName
    #: The upstream's name for the model; some formats say it in the path.
    model: str
    body: bytes
    stream: bool = False
    content_type: str = "application/json"
    #: Where it isn't the format's own path.
    path: str | None = None
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    #: Names of what the client sent and this leaves out.
    left_out: tuple[str, ...] = ()


class Principal(msgspec.Struct, frozen=True, eq=False):
    """Who is asking."""

    organisation: str = "default"
    #: The key's id; `anonymous` before there is any key.
    key: str = "anonymous"
    #: The end user that the client names: `user` in its body, or `x-openwebui-user-id`.
    user: str | None = None
    #: What it may do. It is no part of who it is.
    grant: Grant = Grant()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Principal) and self._who == other._who

    def __hash__(self) -> int:
        return hash(self._who)

    @property
    def _who(self) -> tuple[str, str, str | None]:
        return self.organisation, self.key, self.user


class CacheWish(msgspec.Struct, frozen=True):
    """What a caller wants of the cache; it can only tighten what the operator allows."""

    #: Which tiers may answer; None is all that are allowed without being asked for.
    tier: CacheTier | None = None
    #: The reply may be kept for others.
    keep: bool = True
    #: Seconds that a cached reply may be old.
    max_age_s: float | None = None
    #: Lowest cosine of a similar prompt.
    min_similarity: float | None = None
    #: Words by which the reply can be forgotten later.
    tags: tuple[str, ...] = ()


class Call(msgspec.Struct, frozen=True):
    """A request on its way through the pipeline, with what surrounds it."""

    request_id: str
    time: datetime
    principal: Principal
    request: ModelRequest
    #: `X-Force-Route`, where sent.
    force_route: str | None = None
    #: The client's own `x-request-id`: kept, never used as a key.
    client_request_id: str | None = None
    #: The conversation that this belongs to, as far as can be told.
    session: str | None = None
    priority: Priority = "interactive"
    #: `x-pointsman-privacy`, where sent.
    privacy: str | None = None
    cache: CacheWish = CacheWish()
    #: The gateway itself asks, to compare answers: nothing is learned from it.
    is_own: bool = False
    #: Another tier may be drawn for it, to learn from that.
    explore: bool = True
    #: Set for a row of a batch.
    row: RowPlace | None = None
