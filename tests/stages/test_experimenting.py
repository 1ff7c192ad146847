"""Experiments in memory over their store: what another gateway does, and a store that is down."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.support.entries import DECISION, NOON, entry

from pointsman.clock import ManualClock
from pointsman.errors import BadRequest, LedgerUnavailable
from pointsman.feedback.experiment_view import NewExperiment
from pointsman.stages.experimenting import MOST_ALTOGETHER, MOST_RUNNING, Experimenting
from pointsman.storage.memory import MemoryStore
from pointsman.types import (
    Call,
    Experiment,
    Feedback,
    Informed,
    ModelRequest,
    Principal,
    Turn,
    Version,
)

OPERATOR = Principal(key="operator")
TIERS = {"weak": "simple", "twin": "simple", "strong": "complex"}
MANY = {f"{side}{number}": "simple" for side in "ab" for number in range(MOST_RUNNING + 1)}
WISH = NewExperiment(a="weak", b="twin", share=1.0)
VERSIONS = NewExperiment(a="shipped", b="v_1", of="versions", share=1.0)
CALL = Call("req_1", NOON, OPERATOR, ModelRequest("auto", (Turn("user", "x"),), {}))


class Ailing(MemoryStore):
    """Can be made to fail."""

    is_down = False

    async def experiments(self, *, organisation: str | None = None) -> Sequence[Experiment]:
        if self.is_down:
            raise LedgerUnavailable("down")
        return await super().experiments(organisation=organisation)


@pytest.fixture
def store() -> Ailing:
    return Ailing()


async def opened(store: MemoryStore, tiers: Mapping[str, str] = TIERS) -> Experimenting:
    experiments = Experimenting(tiers, ManualClock(), knows=lambda _: True)
    await experiments.open(store)
    return experiments


async def known_version(store: MemoryStore) -> None:
    """There is a version to compare with."""
    await store.add_version(Version("v_1", "", NOON, "bandit", "{}", 100, "req_9"))


async def test_before_it_is_opened_nothing_runs() -> None:
    experiments = Experimenting(TIERS, ManualClock(), knows=lambda _: True)
    await experiments.refresh()

    assert experiments.of(CALL) is None
    assert experiments.list(OPERATOR) == []


async def test_another_gateway_knows_with_its_next_look(store: Ailing) -> None:
    await known_version(store)
    one, other = await opened(store), await opened(store)
    made = await one.start(OPERATOR, VERSIONS)
    assert (one.of(CALL) is None, other.of(CALL)) == (False, None)

    await other.refresh()
    assert other.of(CALL) == one.of(CALL)
    await other.stop(OPERATOR, made.id)
    await one.refresh()
    assert one.of(CALL) is None


async def test_what_runs_goes_on_while_the_store_is_down(store: Ailing) -> None:
    await known_version(store)
    experiments = await opened(store)
    await experiments.start(OPERATOR, VERSIONS)
    assigned = experiments.of(CALL)

    store.is_down = True
    await experiments.refresh()
    await experiments.refresh()

    assert experiments.of(CALL) == assigned
    with pytest.raises(LedgerUnavailable):
        await experiments.start(OPERATOR, WISH)


async def test_what_nobody_stops_goes_on_over_a_restart(store: Ailing) -> None:
    made = await (await opened(store)).start(OPERATOR, WISH)

    assert (await opened(store)).list(OPERATOR) == [made]


async def test_there_is_an_end_to_how_many(store: Ailing) -> None:
    experiments = await opened(store, MANY)
    for number in range(MOST_ALTOGETHER):
        await experiments.start(OPERATOR, of_their_own(number % MOST_RUNNING, f"o{number // 16}"))

    with pytest.raises(BadRequest, match="0 experiments run already: stop one first"):
        await experiments.start(OPERATOR, of_their_own(0, "globex"))


async def test_nobody_takes_all_places(store: Ailing) -> None:
    experiments = await opened(store, MANY)
    for number in range(MOST_RUNNING):
        await experiments.start(OPERATOR, of_their_own(number, "acme"))

    with pytest.raises(BadRequest, match="16 experiments run already: stop one first"):
        await experiments.start(OPERATOR, of_their_own(MOST_RUNNING, "acme"))
    await experiments.start(OPERATOR, of_their_own(0, "globex"))


def of_their_own(number: int, organisation: str) -> NewExperiment:
    """With deployments that no other experiment has."""
    return NewExperiment(a=f"a{number}", b=f"b{number}", share=0.1, organisation=organisation)


@pytest.mark.parametrize("until_decided", [True, False])
async def test_it_ends_by_itself_only_where_that_was_asked_for(
    store: Ailing, *, until_decided: bool
) -> None:
    experiments = await opened(store)
    wish = NewExperiment(a="weak", b="twin", share=1.0, until_decided=until_decided)
    made = await experiments.start(OPERATOR, wish)
    await experiments.conclude()
    assert experiments.get(OPERATOR, made.id).state == "running"

    for place in range(60):
        variant = "ab"[place % 2]
        informed = Informed(experiment=made.id, variant=variant, conversation=str(place))
        answered = entry(f"req_{place}", NOON + timedelta(seconds=place), deployment="weak")
        await store.reserve(replace(answered, decision=replace(DECISION, informed=informed)))
        await store.add(Feedback(answered.request_id, NOON, 1.0 if variant == "b" else -1.0, None))
    await experiments.conclude()
    await experiments.conclude()

    ended = experiments.get(OPERATOR, made.id)
    assert (ended.state == "stopped") is until_decided
    assert ("b, twin, answers better" in ended.reason) is until_decided
    texts = [each.text.partition(",")[0] for each in await store.changes()]
    assert texts[:-1] == (["experiment weak against twin ended"] if until_decided else [])


async def test_a_version_that_can_not_be_used_yet_is_not_compared(store: Ailing) -> None:
    await known_version(store)
    known = {"shipped"}
    experiments = Experimenting(TIERS, ManualClock(), knows=known.__contains__)
    await experiments.open(store)
    await experiments.start(OPERATOR, VERSIONS)

    assert (experiments.versions, experiments.of(CALL)) == ({"shipped", "v_1"}, None)
    known.add("v_1")
    assert experiments.of(CALL) is not None


async def test_without_learning_there_are_no_versions_to_compare(store: Ailing) -> None:
    await known_version(store)
    experiments = Experimenting(TIERS, ManualClock(), knows=None)
    await experiments.open(store)

    with pytest.raises(BadRequest, match="learning is off"):
        await experiments.start(OPERATOR, VERSIONS)
