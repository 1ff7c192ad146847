"""Look up: a reply that was given before, where it would be the right one again."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from pointsman.cache import content, eligible
from pointsman.cache.background import Background
from pointsman.cache.content import Kept
from pointsman.cache.flight import Flights
from pointsman.cache.identity import Identity, identify
from pointsman.cache.news import News
from pointsman.cache.repeats import Repeats
from pointsman.cache.rules import Rule, Rules
from pointsman.cache.semantic import Findings, Match, Semantic
from pointsman.cache.truth import Truth
from pointsman.cache.versions import Versions
from pointsman.errors import CacheUnavailable, PointsmanError
from pointsman.ports import CacheStore, Clock, Observer
from pointsman.types import CachedReply, Call, Check, Confined, Lookup, Selection, Target, Vector

#: Seconds for which a store that failed is left alone.
REST_S = 5.0
#: Seconds that a request waits for the cache at most.
PATIENCE_S = 1.0
_MOST_FORGOTTEN = 10_000
_MOST_REMOVALS = 1_000

_T = TypeVar("_T")
#: Neither looks up nor keeps.
NOTHING = Rule(exact=False)


class Found(msgspec.Struct, frozen=True):
    """What the cache has for a request, and what becomes of the reply where it has nothing."""

    lookup: Lookup
    #: None where the cache is bypassed.
    identity: Identity | None = None
    reply: CachedReply | None = None
    #: What that reply says.
    content: Kept | None = None
    rule: Rule = NOTHING
    #: The embedding of its last user turn, where it was made.
    vector: Vector | None = None
    #: The client's own name for what it belongs to, where it gives one.
    conversation: str | None = None
    #: In shadow mode, the reply that would have been given.
    shadowed: CachedReply | None = None

    @property
    def is_hit(self) -> bool:
        """The reply can be given at once."""
        return self.content is not None


class Cache:
    """The stage. A fault of it is never a request's: then there is simply nothing cached."""

    def __init__(
        self,
        *,
        rules: Rules,
        store: CacheStore,
        semantic: Semantic | None,
        truth: Truth,
        versions: Versions,
        clock: Clock,
        observer: Observer,
        is_shared: bool = False,
    ) -> None:
        """Without `semantic`, only the same request has the same reply.

        `is_shared`: all gateways have this store.
        """
        self.rules = rules
        self.store = store
        self.semantic = semantic
        self.truth = truth
        self.versions = versions
        self.flights = Flights()
        #: Replies that were not kept, by why.
        self.refused: Counter[str] = Counter()
        self._repeats = Repeats()
        #: What was to be forgotten, and when: replies that were on their way are meant, too.
        self._removals: deque[tuple[datetime, Selection]] = deque(maxlen=_MOST_REMOVALS)
        #: Ids that the store may not have heard of yet.
        self._forgotten: OrderedDict[str, None] = OrderedDict()
        self._background = Background()
        self._clock = clock
        self._observer = observer
        self._rests_until = 0.0
        self._is_shared = is_shared
        #: For other gateways.
        self.news = News()

    @property
    def decider(self) -> str:
        """What gives the semantic tier's probabilities."""
        return "" if self.semantic is None else self.semantic.decider

    async def look_up(
        self, call: Call, target: Target, confined: Confined | None, conversation: str | None
    ) -> Found:
        """What is cached for it. `conversation` is the client's own name for what it belongs to."""
        rule = self.rules.of(call.principal, target.name, call.cache)
        if bypassed := self._bypassed(call, rule, confined):
            return Found(Lookup("bypass", bypassed))
        identity = self._identity(call, target, rule)
        missed = Found(Lookup("miss"), identity, rule=rule, conversation=conversation)
        if self._repeats.seen(call.principal, conversation, identity.key) and _by_chance(call):
            # Kept all the same: the newer reply takes the older one's place.
            return replace(missed, lookup=Lookup("bypass", "asked again"))
        if self._clock.monotonic() < self._rests_until:
            return replace(missed, lookup=Lookup("miss", "resting"))
        found = await self._guarded(self._found(call, target, missed))
        return found or replace(missed, lookup=Lookup("miss", "fault"))

    def answered(self, call: Call, found: Found) -> None:
        """It has a reply now: who asks again in the same conversation wants another."""
        if found.identity is not None:
            self._repeats.note(call.principal, found.conversation, found.identity.key)

    async def again(self, call: Call, found: Found, key: str, since: int) -> Found:
        """Look once more where a flight with that key ended since that count of flights."""
        identity = found.identity
        if identity is None or not found.rule.exact or not self.flights.landed_since(key, since):
            return found
        return await self._guarded(self._exact(call, found)) or found

    def flight_key(self, call: Call, found: Found) -> str:
        """Who has the same gets the same bytes: the same request, told in the same way."""
        identity, request = found.identity, call.request
        ignored = {name: request.members.get(name) for name in sorted(self.rules.ignored)}
        return f"{identity and identity.key} {request.stream} {request.include_usage} {ignored}"

    async def remove(self, which: Selection) -> int:
        """Forget; returns how many. Raises CacheUnavailable."""
        self._removals.append((self._clock.now(), which))
        removed = await self.store.remove(which)
        self.news.forgotten(which)
        return removed

    def forgot(self, reply: CachedReply, *, since: datetime) -> bool:
        """Whether it was meant by what was forgotten since then: while it was on its way."""
        return any(which.fits(reply) for at, which in self._removals if at >= since)

    async def forget(self, reply_id: str) -> None:
        """It is not given out any more, also where the store can't be told now."""
        which = Selection(id=reply_id)
        self._never_again(reply_id)
        self.news.forgotten(which)
        await self._guarded(self.store.remove(which))

    def note(self, check: Check) -> None:
        """A semantic hit was checked here."""
        self.truth.note(check)
        self.news.checked(check)

    def begin_anew(self, route: str) -> None:
        """What was found of a route counts no more."""
        self.truth.reset(route)
        self.news.reset(route)

    def heed_check(self, check: Check) -> None:
        """Another gateway has checked a hit."""
        if check.decider == self.decider:
            self.truth.note(check)

    def heed_reset(self, route: str) -> None:
        """Another gateway lets a route begin anew."""
        self.truth.reset(route)

    def heed(self, which: Selection) -> None:
        """Another gateway has forgotten it."""
        if which.id is not None:
            self._never_again(which.id)
        else:
            self._removals.append((self._clock.now(), which))
        if not self._is_shared:
            self._background.begin(self._heed(which))

    def given(self, reply: CachedReply) -> None:
        """It was given out once more."""
        self._background.begin(self._used(reply))

    async def close(self) -> None:
        """Wait for what is being written down."""
        await self._background.close()

    def report(self, error: Exception, *, rests: bool = True) -> None:
        """Tell of a fault; a store that can't be asked is left alone for a while.

        Not where it has no part in the fault: an embedder that fails takes no exact hit away.
        """
        if rests and isinstance(error, CacheUnavailable):
            self._rests_until = self._clock.monotonic() + REST_S
        self._observer.fault("cache", error)

    async def _heed(self, which: Selection) -> None:
        try:
            await self.store.remove(which)
        except CacheUnavailable as error:
            self.report(error)

    def _never_again(self, reply_id: str) -> None:
        self._forgotten[reply_id] = None
        if len(self._forgotten) > _MOST_FORGOTTEN:
            self._forgotten.popitem(last=False)

    async def _used(self, reply: CachedReply) -> None:
        await self._guarded(self.store.used(reply.id, self._clock.now()))

    async def _guarded(self, work: Awaitable[_T], *, rests: bool = True) -> _T | None:
        """What comes of it, in time; None where nothing does, which is reported."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await work
        except TimeoutError:
            late = CacheUnavailable(f"the cache took longer than {PATIENCE_S:g} s")
            self.report(late, rests=rests)
        except Exception as error:  # noqa: BLE001 - a fault of ours takes no answer away
            self.report(error, rests=rests)
        return None

    def _bypassed(self, call: Call, rule: Rule, confined: Confined | None) -> str | None:
        """Why the cache is not asked at all; None where it is."""
        if call.request.task != "chat" or call.request.raw is not None:
            return call.request.task
        if rule.is_off:
            return "off"
        if confined is not None:
            return "private"  # what must stay local is kept nowhere, nor searched for elsewhere
        return None

    def _identity(self, call: Call, target: Target, rule: Rule) -> Identity:
        similar = self.semantic is not None and rule.semantic != "off"
        embedder = None
        if self.semantic is not None and similar and eligible.objection(call.request) is None:
            embedder = self.semantic.embedder.name
        return identify(call, target, self.rules.realm(call.principal), embedder=embedder)

    async def _found(self, call: Call, target: Target, missed: Found) -> Found:
        identity, rule = missed.identity, missed.rule
        if rule.exact and (same := await self._exact(call, missed)) is not None:
            return same
        if self.semantic is None or rule.semantic == "off" or identity is None:
            return missed
        threshold = self.truth.threshold(target.name, self._clock.now())
        if threshold is None:
            return replace(missed, lookup=Lookup("miss", "switched off"))
        if identity.partition is None:
            why = eligible.objection(call.request) or "no single text"
            return replace(missed, lookup=Lookup("miss", why))
        looking = self.semantic.find(
            identity,
            threshold=threshold,
            floor=call.cache.min_similarity or 0.0,
            now=self._clock.now(),
            valid=self._fits(call, rule),
        )
        findings = await self._guarded(looking, rests=False) or Findings(reason="fault")
        return await self._similar(missed, findings)

    async def _exact(self, call: Call, missed: Found) -> Found | None:
        now, identity = self._clock.now(), missed.identity
        reply = None if identity is None else await self.store.get(identity.key, now)
        if identity is None or reply is None:
            return None
        if reply.key != identity.key or not self._fits(call, missed.rule)(reply):
            return None
        kept = await self._decoded(reply)
        lookup = Lookup("exact", id=reply.id, age_s=(now - reply.stored).total_seconds())
        return None if kept is None else replace(missed, lookup=lookup, reply=reply, content=kept)

    async def _decoded(self, reply: CachedReply) -> Kept | None:
        """What it says; one that can't be read is forgotten."""
        try:
            return content.decode(reply.body)
        except (msgspec.DecodeError, PointsmanError) as error:
            self._observer.fault("cache", error)
            await self.forget(reply.id)
            return None

    async def _similar(self, miss: Found, findings: Findings) -> Found:
        """What the semantic tier found: given out, or in shadow mode only written down."""
        match = findings.match
        if match is None:
            return replace(miss, lookup=Lookup("miss", findings.reason), vector=findings.vector)
        if miss.rule.semantic == "shadow":
            return replace(
                miss,
                lookup=self._lookup(match, shadow=True),
                vector=findings.vector,
                shadowed=match.reply,
            )
        kept = await self._decoded(match.reply)
        if kept is None:
            return replace(miss, lookup=Lookup("miss", "fault"), vector=findings.vector)
        return replace(
            miss, lookup=self._lookup(match, shadow=False), reply=match.reply, content=kept
        )

    def _lookup(self, match: Match, *, shadow: bool) -> Lookup:
        return Lookup(
            "miss" if shadow else "semantic",
            "shadow" if shadow else "",
            id=match.reply.id,
            similarity=match.similarity,
            probability=match.probability,
            age_s=(self._clock.now() - match.reply.stored).total_seconds(),
            shadow=shadow,
        )

    def _fits(self, call: Call, rule: Rule) -> Callable[[CachedReply], bool]:
        """Whose reply it is, how old, and of whom: looked at again on what was fetched.

        What the caller's key may use, and how long replies are kept, may be others than then.
        """
        now, oldest, grant = self._clock.now(), call.cache.max_age_s, call.principal.grant
        realm = self.rules.realm(call.principal)

        def fits(reply: CachedReply) -> bool:
            age = (now - reply.stored).total_seconds()
            return (
                reply.organisation == realm.organisation
                and reply.scope == realm.scope
                and now < reply.expires
                and age < rule.ttl_s
                and (oldest is None or age <= oldest)
                and (grant.models is None or reply.deployment in grant.models)
                and (grant.tiers is None or reply.tier in grant.tiers)
                and reply.id not in self._forgotten
                and self.versions.is_current(reply.deployment, reply.version)
            )

        return fits


def _by_chance(call: Call) -> bool:
    """Whether asking again may bring another reply: not at temperature 0."""
    return eligible.temperature(call.request) != 0
