"""What was learned, between the store and the requests: read, shared, taken back, looked at again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from msgspec.structs import replace
from tests.support.learned import FEATURES, NOON, change, version

from pointsman.assembly import rules
from pointsman.config import LearningSettings, Settings
from pointsman.errors import BadRequest, NotFound
from pointsman.stages.learning import Learning
from pointsman.storage.memory import MemoryStore
from pointsman.telemetry.decisions import SilentObserver
from pointsman.types import (
    SHIPPED,
    Call,
    Change,
    Informed,
    LearningKind,
    ModelRequest,
    Observed,
    Principal,
    Score,
    Turn,
    Version,
)

SCORED = Score(55.0, {"base": 55.0}, "learned", "1")


class Watch:
    """Both clocks, which stand still."""

    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return 0.0


class Begin(Protocol):
    """Opens what a gateway has of learning, over a store."""

    async def __call__(
        self, store: MemoryStore, kind: LearningKind = "bandit", *, wait: bool = True
    ) -> Learning:
        """Loaded, or about to be."""


@pytest.fixture
async def begin() -> AsyncIterator[Begin]:
    """Opens what a gateway has of learning, over a store; closed with the test."""
    running: list[Learning] = []

    async def one(
        store: MemoryStore, kind: LearningKind = "bandit", *, wait: bool = True
    ) -> Learning:
        wanted = LearningSettings(every_s=3600, kind=kind)
        settings = Settings(home=Path("nowhere"), learning=wanted)
        learning = Learning(
            settings,
            policy=rules.policy(settings),
            tiers={"simple", "complex"},
            clock=Watch(),
            observer=SilentObserver(),
        )
        running.append(learning)
        await learning.open(store, shared=False)
        if wait:
            await learning.loaded()
        return learning

    yield one
    for learning in running:
        await learning.close()


async def promote(store: MemoryStore, name: str, minute: int, organisation: str = "") -> None:
    await store.add_version(version(name, organisation))
    await store.add_change(change(name, minute, organisation))


def says(learning: Learning, organisation: str = "acme", named: str | None = None) -> str:
    """The version that a request of the organisation is routed by."""
    request = ModelRequest(model="auto", turns=(Turn("user", "Why is the sky blue?"),), members={})
    call = Call("req_1", NOON, Principal(organisation), request)
    lesson = learning.informing.informed(call, SCORED, named)
    assert lesson is not None
    assert lesson.informed.features
    return lesson.informed.version


async def test_what_another_gateway_promoted_is_used_after_the_next_look(begin: Begin) -> None:
    store = MemoryStore()
    here, there = await begin(store), await begin(store)
    assert says(here) == SHIPPED
    await promote(store, "v_1", 1)
    await here.refresh()
    assert (says(here), says(there)) == ("v_1", SHIPPED)
    await here.revert()
    await there.refresh()
    assert (says(here), says(there)) == (SHIPPED, SHIPPED)


async def test_an_organisation_goes_back_to_what_everybody_had(begin: Begin) -> None:
    store = MemoryStore()
    learning = await begin(store)
    await promote(store, "v_all", 1)
    await promote(store, "v_acme", 2, "acme")
    await learning.refresh()
    assert (says(learning), says(learning, "other")) == ("v_acme", "v_all")
    assert says(learning, named="v_all") == "v_all"
    assert says(learning, named=SHIPPED) == SHIPPED
    assert (await learning.revert("acme")).version == "v_all"
    assert says(learning) == "v_all"
    with pytest.raises(NotFound, match="v_all"):
        await learning.revert("other", "v_acme")


async def test_an_organisation_leaves_what_everybody_goes_on_with(begin: Begin) -> None:
    store = MemoryStore()
    learning = await begin(store)
    await promote(store, "v_1", 1)
    await promote(store, "v_2", 2)
    await learning.refresh()
    assert (await learning.revert("acme")).text == "v_1 is in force again, instead of v_2"
    assert (says(learning), says(learning, "other")) == ("v_1", "v_2")


@pytest.mark.parametrize(("hours", "share"), [(1, 0.1), (25, 0.05)])
async def test_an_alarm_of_another_gateway_or_before_a_start_counts_for_a_day(
    begin: Begin, hours: int, share: float
) -> None:
    store = MemoryStore()
    alarm = replace(change("drift", -60 * hours, "acme", kind="drift"), version=None)
    running = await begin(store)
    await store.add_change(alarm)
    assert (await running.status()).exploring.share == 0.05
    await running.retrain()
    for learning in (running, await begin(store)):
        assert (await learning.status()).exploring.share == share


async def test_there_is_nothing_to_go_back_from_at_first(begin: Begin) -> None:
    learning = await begin(MemoryStore())
    with pytest.raises(BadRequest, match="nothing was learned yet"):
        await learning.revert()
    assert (await learning.revert(version=SHIPPED)).text == "shipped stays in force"
    with pytest.raises(BadRequest, match="nothing was learned yet"):
        await learning.revert()
    assert await learning.retrain() == []


async def test_a_version_that_can_not_be_read_counts_as_what_ships(begin: Begin) -> None:
    store = MemoryStore()
    learning = await begin(store)
    await store.add_version(version("v_bad", content="{}"))
    await store.add_change(change("v_bad", 1))
    await learning.refresh()
    assert says(learning) == SHIPPED


async def test_the_status_says_what_is_in_force_and_since_when(begin: Begin) -> None:
    store = MemoryStore()
    learning = await begin(store)
    await promote(store, "v_1", 1)
    await promote(store, "v_2", 2)
    await learning.refresh()
    await learning.revert(version="v_1")
    status = await learning.status()
    assert status.ready
    assert [(each.version, each.held) for each in status.in_force] == [("v_1", True)]
    assert [each.id for each in status.versions] == ["v_1", "v_2"]
    assert [each.kind for each in status.changes] == ["reverted", "promoted", "promoted"]


async def test_looks_without_number_hide_nothing_of_what_is_in_force(begin: Begin) -> None:
    store = MemoryStore()
    learning = await begin(store)
    await promote(store, "v_1", 0)
    await store.add_change(change(SHIPPED, 1, kind="reverted"))
    for minute in range(2, 600):
        await store.add_change(replace(change("kept", minute, kind="kept"), version=None))
    (view,) = (await learning.status()).in_force
    assert (view.version, view.held, view.since) == (SHIPPED, True, NOON + timedelta(minutes=1))
    assert (await learning.revert()).version == "v_1"


class Slow(MemoryStore):
    """Reading what is in force, or a version, can be held up."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.asked = asyncio.Event()

    async def versions(self, *, organisation: str | None = None) -> Sequence[Version]:
        found = await super().versions(organisation=organisation)
        self.asked.set()
        await self.go_on.wait()
        return found


async def test_it_says_so_until_what_is_in_force_is_read(begin: Begin) -> None:
    store = Slow()
    await promote(store, "v_1", 1)
    store.go_on.clear()
    learning = await begin(store, wait=False)
    await store.asked.wait()
    assert learning.catching_up
    store.go_on.set()
    await learning.loaded()
    assert not learning.catching_up
    assert says(learning) == "v_1"
    assert not (await begin(MemoryStore())).catching_up


async def test_what_was_read_late_is_not_used_instead_of_what_came_after(begin: Begin) -> None:
    store = Slow()
    learning = await begin(store)
    await promote(store, "v_1", 1)
    store.go_on.clear()
    late = asyncio.create_task(learning.refresh())
    await asyncio.sleep(0)
    await store.add_change(change(SHIPPED, 2, kind="reverted"))
    after = asyncio.create_task(learning.refresh())
    await asyncio.sleep(0)
    store.go_on.set()
    await asyncio.gather(late, after)
    assert says(learning) == SHIPPED


class Complained(MemoryStore):
    """Everybody says that the lower tier's answers were bad; `meanwhile` a version is written."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        self.outcomes = 20
        self.features = FEATURES
        #: Of each of them.
        self.who: Callable[[int], str] = lambda _: "acme"

    async def observed(self, *, organisation: str | None = None, limit: int) -> Sequence[Observed]:
        del organisation, limit
        return [
            Observed(
                *(f"req_{number}", NOON + timedelta(seconds=number), self.who(number)),
                *("simple", "simple"),
                *(
                    "small",
                    "completed",
                    55.0,
                    "general",
                    Informed(cold=55.0, features=self.features),
                ),
                *(None, 100.0),
                ratings=(-1.0,),
            )
            for number in range(self.outcomes)
        ]

    async def add_version(self, version: Version) -> None:
        await super().add_version(version)
        if self.meanwhile is not None:
            await self.meanwhile()


async def test_what_was_reverted_can_be_learned_again(begin: Begin) -> None:
    learning = await begin(Complained(), "rule")
    moved = (await learning.retrain())[-1]
    assert (moved.kind, says(learning)) == ("threshold", moved.version)
    await learning.revert()
    assert says(learning) == SHIPPED
    again = (await learning.retrain())[-1]
    assert says(learning) == again.version == moved.version


async def test_the_rule_acts_until_something_is_proven(begin: Begin) -> None:
    store = Complained()
    learning = await begin(store, "auto")
    kept, moved = await learning.retrain()
    assert (kept.kind, moved.kind, says(learning)) == ("kept", "threshold", moved.version)
    store.outcomes = 40
    again = (await learning.retrain())[-1]
    assert (again.kind, says(learning)) == ("threshold", again.version)
    await promote(store, "v_1", 1)
    store.outcomes = 60
    assert {each.kind for each in await learning.retrain()} == {"kept"}
    assert says(learning) == "v_1"


async def test_a_bandit_alone_moves_no_thresholds(begin: Begin) -> None:
    learning = await begin(Complained(), "bandit")
    assert {each.kind for each in await learning.retrain()} == {"kept"}
    assert says(learning) == SHIPPED


async def test_requests_are_drawn_by_the_rule_so_that_a_bandit_may_follow_it(
    begin: Begin,
) -> None:
    store = Complained()
    learning = await begin(store, "rule")
    request = ModelRequest(model="auto", turns=(Turn("user", "Why is the sky blue?"),), members={})
    call = Call("req_1", NOON, Principal("acme"), request)
    before = learning.informing.informed(call, SCORED)
    await learning.retrain()
    after = learning.informing.informed(call, SCORED)
    assert before is not None
    assert after is not None
    assert after.scored.value == before.scored.value + 5
    assert before.spread == after.spread != ()


@pytest.mark.parametrize("kind", ["auto", "rule"])
async def test_the_rule_moves_nobody_by_the_ratings_of_others(
    begin: Begin, kind: LearningKind
) -> None:
    store = Complained()
    store.who = lambda number: "acme" if number < 19 else "other"
    learning = await begin(store, kind)
    changes = await learning.retrain()
    moved = [each.organisation for each in changes if each.kind == "threshold"]
    assert moved == ["acme"]
    assert says(learning, "acme") != says(learning, "other") == says(learning, "third") == SHIPPED


@pytest.mark.parametrize("kind", ["auto", "bandit", "rule"])
async def test_outcomes_that_another_version_measured_otherwise_teach_nothing(
    begin: Begin, kind: LearningKind
) -> None:
    store = Complained()
    store.features, store.outcomes = "AAAA", 200
    assert await (await begin(store, kind)).retrain() == []


async def test_who_reverts_while_something_is_promoted_has_the_last_word(begin: Begin) -> None:
    store = Complained()
    learning = await begin(store, "rule")
    asked: list[asyncio.Task[Change]] = []

    async def revert() -> None:
        asked.append(asyncio.create_task(learning.revert(version=SHIPPED)))
        for _ in range(10):
            await asyncio.sleep(0)

    store.meanwhile = revert
    assert await learning.retrain()
    await asyncio.gather(*asked)
    assert says(learning) == SHIPPED


async def test_what_exploring_took_of_all_is_not_told_to_one_of_them(begin: Begin) -> None:
    learning = await begin(MemoryStore())
    assert (await learning.status()).exploring.spent == 0
    shown = (await learning.status("acme")).exploring
    assert (shown.spent, shown.extra, shown.drawn, shown.drawable) == (None,) * 4
