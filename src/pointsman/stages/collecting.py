"""What answers and their users tell by themselves, collected after each reply, aside.

No request waits for it and none fails by it. Of a reply only its bytes are remembered until the
next round, which reads and measures them in a thread; of texts, nothing stays.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import expm1, log

import msgspec

from pointsman.cache import content
from pointsman.cache.background import Background
from pointsman.cache.flight import Recording
from pointsman.calling.answer_features import READ, TAIL
from pointsman.calling.answer_form import form_share
from pointsman.calling.answer_rules import may_refuse
from pointsman.calling.delivery import Tap
from pointsman.calling.draft import Draft
from pointsman.calling.evidence import draft_of
from pointsman.calling.listening import Listening
from pointsman.calling.verify import Verifier, log_odds
from pointsman.conversation import ModelReply
from pointsman.errors import PointsmanError
from pointsman.feedback import signals
from pointsman.feedback.behaviour import Given, Memory, Move, move_of, reply_hash
from pointsman.feedback.signals import Measured
from pointsman.feedback.usual import Usual
from pointsman.formats import registry
from pointsman.formats.translate import output_of
from pointsman.ports import Clock, EvidenceStore, Observer
from pointsman.routing.side_calls import SideCalls
from pointsman.routing.sticky import is_named
from pointsman.types import Call, Decision, Outcome, Reply, Settlement, Signals

#: Seconds between two rounds.
EVERY_S = 1.0
#: Replies that may wait for a round; what comes on top is not heard. And those of a round that are
#: read, which takes a millisecond or two each: these make 20,000 in 42 minutes, and no more are
#: learned from.
MOST_WAITING, MOST_READ = 256, 8
#: Bytes of a reply, and characters of a prompt, beyond which it is not measured.
MOST_BYTES = 256 * 1024
#: Signals that wait for a ledger that can't be written now.
MOST_UNWRITTEN = 10_000
#: Characters of which one makes a word, in the measure of hedges.
_WORD = 6
#: Tokens that stand for what an answer takes before its first.
_BEFORE_THE_FIRST = 50


class Heard(msgspec.Struct, frozen=True):
    """A reply that went to its client."""

    call: Call
    decision: Decision
    settlement: Settlement
    #: The client's bytes; None where they are not to be read.
    body: bytes | None


class _Round(msgspec.Struct, frozen=True):
    """What was made of the replies of one round."""

    told: list[Signals] = msgspec.field(default_factory=list)
    said: list[tuple[Heard, ModelReply]] = msgspec.field(default_factory=list)
    faults: list[Exception] = msgspec.field(default_factory=list)


#: Told of every complete answer, and what it says.
Watch = Callable[[Heard, ModelReply], None]


class Collecting:
    """Makes signals of replies, and writes them in batches."""

    def __init__(
        self,
        store: EvidenceStore,
        verifier: Verifier,
        *,
        tiers: Sequence[str],
        side_calls: SideCalls,
        clock: Clock,
        observer: Observer,
    ) -> None:
        """`tiers`, the lowest first. `write` is to be called every so many seconds."""
        #: Where they are written.
        self.store = store
        self._verifier = verifier
        self._tiers = tuple(tiers)
        self._side_calls = side_calls
        self._clock = clock
        self._observer = observer
        self._waiting: list[Heard] = []
        self._unwritten: list[Signals] = []
        self._memory = Memory()
        self._usual = Usual()
        self._background = Background()
        self._lock = asyncio.Lock()
        #: Told after each round; nobody else reads the replies.
        self.watch: Watch = _unwatched

    def follow(self, tiers: Sequence[str]) -> None:
        """Go on with these; what is remembered of answers of others can't be compared with theirs."""
        if tuple(tiers) != self._tiers:
            self._tiers, self._memory = tuple(tiers), Memory()

    def tap(self, call: Call, reply: Reply, recording: Recording, tap: Tap) -> Tap:
        """Hears a reply for `tap` as well. Where nothing is to be learned of it, it is `tap` itself.

        `recording` has its books when it has ended.
        """
        if call.is_own or call.request.task != "chat" or len(self._waiting) >= MOST_WAITING:
            return tap

        def heard(body: bytes | None, _outcome: Outcome) -> None:
            settled, others = recording.settlement, len(self._waiting)
            if settled is not None and others < MOST_WAITING:
                read = body if others < MOST_READ else None
                self._waiting.append(Heard(call, reply.decision, settled, read))

        return Listening(tap, heard, MOST_BYTES)

    async def write(self) -> None:
        """Measure what was heard since the last time, and write it. Raises LedgerUnavailable.

        What can't be written is tried again the next time. Who is cancelled does not stop it.
        """
        if not (self._waiting or self._unwritten or self._lock.locked()):
            return
        task = self._background.begin(self._write())
        if task is not None:
            await asyncio.shield(task)

    async def close(self) -> None:
        """Measure and write what is left."""
        await self._background.close()
        try:
            await self._write()
        except Exception as error:  # noqa: BLE001 - the books are closed after it, whatever it met
            self._observer.fault("signals", error)

    async def _write(self) -> None:
        async with self._lock:
            heard, self._waiting = self._waiting, []
            if heard:
                made = await asyncio.to_thread(self._measured, heard)
                self._unwritten = [*self._unwritten, *made.told][-MOST_UNWRITTEN:]
                for each, reply in made.said:
                    self.watch(each, reply)
                for error in made.faults:
                    self._observer.fault("signals", error)
            if self._unwritten:
                await self.store.add_signals(self._unwritten)
                self._unwritten = []

    def _measured(self, heard: Sequence[Heard]) -> _Round:
        made = _Round()
        for each in heard:
            try:
                reply = _read(each)
                made.told.extend(one for one in self._told(each, reply) if one.parts)
                if reply is not None:
                    made.said.append((each, reply))
            except Exception as error:  # noqa: BLE001 - one that can't be measured harms no other
                made.faults.append(error)
            time.sleep(0)  # requests go first
        return made

    def _told(self, heard: Heard, reply: ModelReply | None) -> list[Signals]:
        """What an answer tells of itself, and its request of the answer before."""
        now, call = self._clock.now(), heard.call
        told: list[Signals] = []
        if reply is not None:
            told.append(Signals(call.request_id, now, self._parts(heard, reply)))
        elif heard.settlement.outcome == "client_left":
            told.append(Signals(call.request_id, now, {"left": 0.0}))
        move = self._move(heard)
        tier = heard.settlement.served_tier
        if move is not None and tier in self._tiers:
            session = call.session if call.session and is_named(call.session) else None
            level = self._tiers.index(tier)
            before = self._memory.told(call.principal, session, move, level)
            if before is not None:
                told.append(Signals(before[0], now, before[1]))
            if heard.settlement.outcome == "completed":
                known_by = None if reply is None else reply_hash(content.text_of(reply))
                given = Given(call.request_id, move, level, known_by)
                self._memory.note(call.principal, session, given)
        return told

    def _move(self, heard: Heard) -> Move | None:
        """What the user did by this request; None for what a client asks on its own."""
        call = heard.call
        if call.priority == "background" or self._side_calls.kind(call.request) is not None:
            return None
        forced = heard.decision.target.kind in {"tier", "deployment"}
        return move_of(call.request.turns, forced=forced)

    def _parts(self, heard: Heard, reply: ModelReply) -> dict[str, float]:
        request, settled = heard.call.request, heard.settlement
        output = None
        with suppress(PointsmanError):  # a wish that can't be read can't be missed
            output = output_of(request, registry.CLIENTS)
        draft = draft_of(reply.choices[0], request, complete=True, output=output)
        if draft.tool_calls and not draft.text:
            return {}
        found = measured(draft, self._verifier)
        if found is None:
            return {}
        values = {**found.values, **_pace(settled)}
        apart = self._usual.apart(f"{settled.deployment} {found.kind}", values)
        return signals.parts(found, apart)


def _unwatched(_heard: Heard, _reply: ModelReply) -> None:
    """Nobody compares it with another."""


def measured(draft: Draft, verifier: Verifier) -> Measured | None:
    """What is measured of an answer.

    None where it declines what may be declined: nobody here can tell whether it should.
    """
    look = verifier.look(draft)
    found, objects = look.found, look.found.get("objections", 0.0) > 0.0
    if objects and may_refuse(draft.prompt):
        return None
    words = max(1.0, min(look.length, READ + TAIL) / _WORD)
    values = {"odds": log_odds(look.probability)}
    if "brevity" in found:
        values["excess"] = -found["brevity"]
    if "hedges" in found:
        values["hedges"] = 100.0 * expm1(found["hedges"]) / words
    if "covered" in found:
        values["covered"] = found["covered"]
    form = form_share(draft.prompt, draft.text) if draft.complete else None
    return Measured(look.kind, values, look.broken, objects, form)


def _pace(settled: Settlement) -> dict[str, float]:
    """How fast the answer came."""
    attempt = settled.attempts[-1] if settled.attempts else None
    if attempt is None or settled.usage is None or attempt.occupied_s <= 0.0:
        return {}
    tokens = settled.usage.output_tokens + _BEFORE_THE_FIRST
    return {"pace": log(attempt.occupied_s * 1000 / tokens)}


def _read(heard: Heard) -> ModelReply | None:
    """What was said; None where it was not finished, or is too long to be measured.

    Raises UpstreamError where it is no reply.
    """
    request = heard.call.request
    if heard.settlement.outcome != "completed" or heard.body is None:
        return None
    if sum(len(turn.text) for turn in request.turns) > MOST_BYTES:
        return None
    if request.stream:
        reply = content.read_stream([heard.body], request)
    else:
        reply = content.read_whole(heard.body, request)
    return reply if reply.choices else None
