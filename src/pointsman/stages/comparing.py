"""A blind judge: some answers are asked of another tier as well, and a strong model compares both.

What is asked is a request like any other, in the name of who asked: gated, as private as theirs,
in the books under an end user of its own, so that the books say what it cost. Nobody waits for it.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from pointsman.access.end_users import OWN
from pointsman.cache import content
from pointsman.cache.background import Background
from pointsman.cache.compare import quoted
from pointsman.cache.truth import sampled
from pointsman.config import BlindJudgeSettings
from pointsman.conversation import ModelReply
from pointsman.feedback import comparison
from pointsman.feedback.comparison import Better
from pointsman.formats.chat.follow import reply_text
from pointsman.formats.chat.request import parse_chat
from pointsman.ids import new_request_id
from pointsman.ledger.reservation import Reservations
from pointsman.ports import Books, Clock, EvidenceStore, Observer
from pointsman.stages.collecting import Heard
from pointsman.stages.rechecking import Answer, unanswered, whole
from pointsman.types import CacheWish, Call, Deployment, Filter, ModelRequest, Signals

#: The end user in whose name it is in the books.
USER = f"{OWN}judge"
_OK = 200
#: Comparisons at once.
_AT_ONCE = 2


class Comparing:
    """Compares a share of the answers with those of other tiers."""

    def __init__(
        self,
        judge: str,
        *,
        share: float,
        usd_per_day: Decimal,
        deployments: Mapping[str, Deployment],
        reservations: Reservations,
        books: Books,
        store: EvidenceStore,
        clock: Clock,
        observer: Observer,
    ) -> None:
        """`judge` is a deployment; `share` of the answers, 0-1.

        `usd_per_day`, in UTC's day, is for the judge and for the answers of the other tier. `books`
        say what was spent of it, by all gateways together.
        """
        self._judge = judge
        self._share = share
        self._usd_per_day = usd_per_day
        self._deployments = deployments
        self._reservations = reservations
        self._books = books
        #: Where it is written what was found.
        self.store = store
        self._clock = clock
        self._observer = observer
        #: Set by the pipeline.
        self.answer: Answer = unanswered
        self._background = Background(_AT_ONCE)
        #: US dollars that open questions may cost.
        self._held = Decimal(0)

    def answered(self, heard: Heard, reply: ModelReply) -> None:
        """An answer was given: perhaps it is compared with another's."""
        if not sampled(f"judge {heard.call.request_id}", self._share):
            return
        if heard.call.request.needs or content.objection(reply) is not None:
            return
        other = self._other(heard)
        if other is not None:
            self._background.begin(self._compared(heard.call, content.text_of(reply), other))

    async def finished(self) -> None:
        """Wait for what is being compared."""
        await self._background.close()

    async def close(self) -> None:
        """Give up what is being compared, and begin no more."""
        self._share = 0.0
        await self._background.stop()

    def _other(self, heard: Heard) -> str | None:
        """A deployment of another tier, drawn; None where there is none that may be asked."""
        own, grant = heard.settlement.served_tier, heard.call.principal.grant

        def allowed(each: Deployment) -> bool:
            return (
                (heard.decision.confined is None or each.location == "local")
                and each.is_for(heard.call.principal.organisation)
                and (grant.models is None or each.id in grant.models)
                and (grant.tiers is None or each.tier in grant.tiers)
            )

        found = sorted(
            each.id
            for each in self._deployments.values()
            if each.tier != own and "chat" in each.tasks and allowed(each)
        )
        if not found or not allowed(self._deployments[self._judge]):
            return None
        found = [name for name in found if name != self._judge] or found  # it likes its own
        return found[zlib.crc32(heard.call.request_id.encode()) % len(found)]

    async def _compared(self, call: Call, said: str, other: str) -> None:
        try:
            again = self._own(call, whole(call.request), other)
            body = await self._affordable(again, other)
            theirs = None if body is None else content.read_whole(body, call.request)
            if theirs is None or content.objection(theirs) is not None:
                return
            worth = await self._judged(call, said, content.text_of(theirs))
            if worth is not None:
                now = self._clock.now()
                judged = {call.request_id: worth, again.request_id: 1.0 - worth}
                await self.store.add_signals(
                    [Signals(name, now, {"judged": value}) for name, value in judged.items()]
                )
        except Exception as error:  # noqa: BLE001 - nobody waits for it
            self._observer.fault("judge", error)

    async def _judged(self, call: Call, one: str, other: str) -> float | None:
        """What `one` is worth beside `other`, 0-1; None where the judge is of two minds."""
        straight = await self._asked(call, one, other)
        if straight is None:
            return None
        return comparison.worth(straight, await self._asked(call, other, one))

    async def _asked(self, call: Call, first: str, second: str) -> Better | None:
        judge = self._judge
        asked = {
            "model": judge,
            "messages": comparison.question(
                quoted(_prompt(call.request), comparison.PROMPT_BYTES),
                quoted(first, comparison.ANSWER_BYTES),
                quoted(second, comparison.ANSWER_BYTES),
            ),
            "temperature": 0,
            "max_tokens": comparison.ANSWER_TOKENS,
            "response_format": dict(comparison.RESPONSE_FORMAT),
        }
        request = parse_chat(msgspec.json.encode(asked))
        body = await self._affordable(self._own(call, request, judge), judge)
        return None if body is None else comparison.verdict(reply_text(body))

    def _own(self, call: Call, request: ModelRequest, deployment: str) -> Call:
        """A request of ours in the name of who asked; what they may use binds it as well."""
        who = call.principal
        return replace(
            call,
            request_id=new_request_id(),
            client_request_id=call.request_id,
            time=self._clock.now(),
            principal=replace(who, user=USER, grant=replace(who.grant, routes=None)),
            request=request,
            force_route=deployment,
            priority="background",
            session=None,
            cache=CacheWish("off", keep=False),
            is_own=True,
        )

    async def _affordable(self, call: Call, deployment: str) -> bytes | None:
        """The answer; None where it is refused, or may cost more than is left for today."""
        worst = self._reservations.worst(deployment, call.request, call.time)
        if worst is None:
            return None
        midnight = call.time.replace(hour=0, minute=0, second=0, microsecond=0)
        with self._holding(worst):
            today = Filter(since=midnight, until=midnight + timedelta(days=1), user=USER)
            spent = sum((row.cost for row in await self._books.report(today, ())), Decimal(0))
            if spent + self._held > self._usd_per_day:
                return None
            reply = await self.answer(call)
        return reply.body if reply.status == _OK and isinstance(reply.body, bytes) else None

    @contextlib.contextmanager
    def _holding(self, amount: Decimal) -> Iterator[None]:
        self._held += amount
        try:
            yield
        finally:
            self._held -= amount


def _prompt(request: ModelRequest) -> str:
    """What was asked: the one turn that there is, or all of them."""
    if len(request.turns) == 1:
        return request.turns[0].text
    return "\n\n".join(f"{turn.role}: {turn.text}" for turn in request.turns)


def blind_judge(
    wanted: BlindJudgeSettings,
    *,
    deployments: Mapping[str, Deployment],
    reservations: Reservations,
    books: Books,
    store: EvidenceStore,
    clock: Clock,
    observer: Observer,
) -> Comparing | None:
    """As the settings want it; None where nobody judges."""
    if wanted.deployment is None or not wanted.share:
        return None
    return Comparing(
        wanted.deployment,
        share=wanted.share,
        usd_per_day=wanted.usd_per_day,
        deployments=deployments,
        reservations=reservations,
        books=books,
        store=store,
        clock=clock,
        observer=observer,
    )
