"""What the cache holds and how it does, as every surface shows it: HTTP and command line. Pure.

No list has words of a prompt or of a reply.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec.structs import asdict

from pointsman.cache import content
from pointsman.cache.truth import RouteTruth
from pointsman.errors import CacheUnavailable, UpstreamError
from pointsman.types import CachedReply, Listing, ReportRow

_HITS = ("exact", "semantic")
_LOOKED_UP = (*_HITS, "miss")


class Held(msgspec.Struct, frozen=True):
    """A cached reply, but for what it says."""

    id: str
    organisation: str
    #: The key's id where replies are not shared between keys; else empty.
    scope: str
    route: str
    deployment: str
    tier: str
    #: Of the request that it answered.
    request_id: str
    stored: datetime
    expires: datetime
    age_s: float
    #: Times that it was given out.
    hits: int
    #: US dollars that it cost, and each hit saves; None where the price is unknown.
    cost: Decimal | None
    tags: tuple[str, ...]
    #: Of its body, its turn and its vector.
    bytes: int
    #: Similar prompts can have it as well.
    semantic: bool


class HeldPage(msgspec.Struct, frozen=True):
    """Some of them, the newest first."""

    #: Of all that were selected, and their bytes.
    count: int
    size: int
    data: tuple[Held, ...]
    object: str = "list"
    #: What `cursor` says for the next page; None where this is the last one.
    next: str | None = None


class HeldText(Held, frozen=True):
    """A cached reply with what it says."""

    text: str
    #: The last user turn, which is kept for the semantic tier alone.
    turn: str | None


class HitRate(msgspec.Struct, frozen=True):
    """Shares of the requests that were looked up, 0-1; None where none was."""

    overall: float | None
    exact: float | None
    semantic: float | None


class CacheStats(msgspec.Struct, frozen=True):
    """How the cache does."""

    #: By what the cache said: exact, semantic, miss, bypass.
    requests: dict[str, int]
    hit_rate: HitRate
    #: US dollars that hits would have cost on the baseline.
    saved: Decimal
    #: What is held now, and its bytes.
    replies: int
    bytes: int
    #: Replies that were not kept since the gateway started, by why.
    not_kept: dict[str, int]
    #: What checks say of semantic hits, for each route that has any.
    routes: tuple[RouteTruth, ...]


def held(reply: CachedReply, now: datetime) -> Held:
    """A cached reply as lists show it."""
    turn = b"" if reply.turn is None else reply.turn.encode(errors="surrogatepass")
    vector = b"" if reply.vector is None else reply.vector.data
    return Held(
        id=reply.id,
        organisation=reply.organisation,
        scope=reply.scope,
        route=reply.route,
        deployment=reply.deployment,
        tier=reply.tier,
        request_id=reply.request_id,
        stored=reply.stored,
        expires=reply.expires,
        age_s=(now - reply.stored).total_seconds(),
        hits=reply.hits,
        cost=reply.cost,
        tags=reply.tags,
        bytes=len(reply.body) + len(turn) + len(vector),
        semantic=reply.vector is not None,
    )


def held_page(listing: Listing, now: datetime, following: str | None = None) -> HeldPage:
    """A page of them; `following` is where the next one begins."""
    data = tuple(held(reply, now) for reply in listing.replies)
    return HeldPage(listing.count, listing.size, data, next=following)


def held_text(reply: CachedReply, now: datetime) -> HeldText:
    """One with its words. Raises CacheUnavailable for a body that can't be read."""
    try:
        text = content.text_of(content.decode(reply.body).reply)
    except (msgspec.DecodeError, UpstreamError) as error:
        raise CacheUnavailable(f"the cached reply {reply.id} can't be read") from error
    shown = held(reply, now)
    return HeldText(**asdict(shown), text=text, turn=reply.turn)


def cache_stats(
    rows: Sequence[ReportRow],
    listing: Listing,
    routes: Sequence[RouteTruth],
    not_kept: Mapping[str, int],
) -> CacheStats:
    """From the ledger's rows, the store's count, the checks and what was not kept."""
    requests = dict.fromkeys((*_LOOKED_UP, "bypass"), 0)
    for row in rows:
        requests[row.found or "bypass"] += row.requests
    hits = [row for row in rows if row.is_hit]
    return CacheStats(
        requests=requests,
        hit_rate=HitRate(
            _share(requests, *_HITS), _share(requests, "exact"), _share(requests, "semantic")
        ),
        saved=sum((row.saved for row in hits), Decimal(0)),
        replies=listing.count,
        bytes=listing.size,
        not_kept=dict(sorted(not_kept.items())),
        routes=tuple(routes),
    )


def _share(requests: Mapping[str, int], *states: str) -> float | None:
    looked_up = sum(requests[state] for state in _LOOKED_UP)
    return sum(requests[state] for state in states) / looked_up if looked_up else None
