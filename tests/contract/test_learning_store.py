"""What is learned from, and what was learned: `ports.EvidenceStore`, `VersionStore`, `ExperimentStore`."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests.support.books import Store
from tests.support.entries import NOON, entry

from pointsman.errors import NotFound
from pointsman.types import (
    Budget,
    CacheState,
    Change,
    Entry,
    Experiment,
    Feedback,
    Informed,
    Observed,
    Outcome,
    Scope,
    Signals,
    Subject,
    Version,
)

SECOND = timedelta(seconds=1)
INFORMED = Informed(
    version="v1",
    features="AACAPwAA",
    cold=41.5,
    propensities={"simple": 0.95, "complex": 0.05},
    explored=True,
)


def answered(
    request_id: str = "r1",
    seconds: int = 0,
    *,
    informed: Informed | None = INFORMED,
    organisation: str = "acme",
    outcome: Outcome = "completed",
    deployment: str | None = "small",
    cache: CacheState = "miss",
) -> Entry:
    made = entry(
        request_id,
        NOON + seconds * SECOND,
        organisation=organisation,
        outcome=outcome,
        deployment=deployment,
        tier="simple" if deployment else None,
        cache=cache,
    )
    return replace(made, decision=replace(made.decision, informed=informed))


def signals(request_id: str = "r1", **parts: float) -> Signals:
    return Signals(request_id, NOON, parts or {"length": 0.75})


async def known(books: Store, *entries: Entry) -> None:
    for each in entries:
        await books.reserve(each)
    await books.add_signals([signals(each.request_id) for each in entries])


async def ids(books: Store, *, organisation: str | None = None, limit: int = 99) -> list[str]:
    found = await books.observed(organisation=organisation, limit=limit)
    return [each.request_id for each in found]


# What is known of answers


async def test_an_answer_is_observed_with_all_that_is_known_of_it(books: Store):
    await books.reserve(answered())
    await books.add_signals([signals(length=0.1, refusal=1.0)])
    await books.add_signals([signals(asks_again=0.0, length=0.7000000000000001)])
    for rating in (-1.0, 0.5):
        await books.add(Feedback("r1", NOON, rating=rating))
    await books.add(Feedback("r1", NOON, comment="no rating"))

    assert list(await books.observed(limit=9)) == [
        Observed(
            request_id="r1",
            time=NOON,
            organisation="acme",
            tier="simple",
            served_tier="simple",
            deployment="small",
            outcome="completed",
            score=12.5,
            domain="coding",
            informed=INFORMED,
            cost=Decimal("0.000012"),
            latency_ms=250.0,
            signals={"length": 0.7000000000000001, "refusal": 1.0, "asks_again": 0.0},
            ratings=(-1.0, 0.5),
        )
    ]


async def test_a_rating_alone_will_do_and_a_comment_will_not(books: Store):
    for number, said in enumerate(("rating", "comment", "nothing")):
        await books.reserve(answered(said, number))
    await books.add(Feedback("rating", NOON, rating=0.0))
    await books.add(Feedback("comment", NOON, comment="fine"))
    assert await ids(books) == ["rating"]


async def test_nothing_is_learned_from_what_is_no_answer_to_learn_from(books: Store):
    unfit = (
        answered("before learning was", informed=None),
        answered("without features", informed=Informed()),
        answered("open", outcome="open"),
        answered("nobody answered", outcome="failed", deployment=None),
        answered("an exact hit", cache="exact"),
        answered("a semantic hit", cache="semantic"),
    )
    await known(books, *unfit, answered("fit"))
    for each in unfit:
        await books.add(Feedback(each.request_id, NOON, rating=1.0))
    assert await ids(books) == ["fit"]


async def test_what_is_known_of_an_open_entry_counts_once_it_is_settled(books: Store):
    await known(books, answered(outcome="open"))
    await books.add(Feedback("r1", NOON, rating=1.0))
    settlement = answered().settlement
    assert settlement
    await books.settle("r1", settlement)
    assert [each.ratings for each in await books.observed(limit=9)] == [(1.0,)]


async def test_the_newest_are_found_the_oldest_first(books: Store):
    await known(books, *(answered(f"r{n}", n) for n in (2, 0, 3, 1)))
    await known(books, answered("other", 9, organisation="other"))
    await known(books, answered("b", 5), answered("a", 5))

    assert await ids(books) == ["r0", "r1", "r2", "r3", "a", "b", "other"]
    assert await ids(books, limit=3) == ["a", "b", "other"]
    assert await ids(books, organisation="acme", limit=3) == ["r3", "a", "b"]
    assert await ids(books, organisation="nobody") == []
    assert await ids(books, limit=0) == []


async def test_signals_of_no_entry_are_nothing(books: Store):
    await books.add_signals([signals("nobody")])
    await books.reserve(answered("nobody"))
    assert await ids(books) == []


async def test_a_rating_out_of_scope_changes_nothing(books: Store):
    await books.reserve(answered())
    with pytest.raises(NotFound):
        await books.add(Feedback("r1", NOON, rating=1.0), Scope("other"))
    assert await ids(books) == []


async def test_the_stamp_is_another_after_each_signal_or_rating(books: Store):
    await books.reserve(answered())
    stamps = [await books.evidence_stamp()]
    for rating in (1.0, -1.0):
        await books.add(Feedback("r1", NOON, rating=rating))
        stamps.append(await books.evidence_stamp())
        await books.add_signals([signals(), signals()])
        stamps.append(await books.evidence_stamp())
    assert len(set(stamps)) == len(stamps)
    await books.observed(limit=9)
    assert await books.evidence_stamp() == stamps[-1]


async def test_signals_and_ratings_that_come_at_once_are_all_there(books: Store):
    names = [f"r{number}" for number in range(20)]
    for name in names:
        await books.reserve(answered(name))

    await asyncio.gather(
        books.add_signals([signals(name, length=1.0) for name in names]),
        books.add_signals([signals(name, refusal=0.0) for name in reversed(names)]),
        *(books.add(Feedback(name, NOON, rating=1.0)) for name in names),
    )

    found = await books.observed(limit=99)
    assert {each.request_id for each in found} == set(names)
    assert all(each.signals == {"length": 1.0, "refusal": 0.0} for each in found)
    assert all(each.ratings == (1.0,) for each in found)


async def test_what_is_known_is_forgotten_with_its_entry(books: Store):
    await known(books, *(answered(f"r{n}", n) for n in range(3)))
    assert await books.forget_entries(before=NOON + 2 * SECOND) == 2
    assert await ids(books) == ["r2"]
    await books.reserve(answered("r0"))
    assert await ids(books) == ["r2"]


# What was learned


def version(name: str = "v1", seconds: int = 0, *, organisation: str = "acme") -> Version:
    return Version(
        id=name,
        organisation=organisation,
        time=NOON + seconds * SECOND,
        kind="bandit",
        content='{"weights": [0.1, -0.2]}',
        outcomes=200,
        last="r9",
        comparison='{"promote": true}',
    )


def change(
    name: str = "c1",
    *,
    version: str | None = "v1",
    organisation: str = "acme",
    seconds: int = 0,
) -> Change:
    return Change(
        id=name,
        organisation=organisation,
        time=NOON + seconds * SECOND,
        kind="promoted" if version else "kept",
        text="2 % better at the same cost",
        version=version,
        evidence='{"n": 200}',
    )


async def test_versions_come_the_oldest_first_and_never_change(books: Store):
    common = version("v3", 9, organisation="")
    for each in (version("v2", 5), version("v1"), common, replace(version("v1"), content="other")):
        await books.add_version(each)
    assert list(await books.versions()) == [version("v1"), version("v2", 5), common]
    assert list(await books.versions(organisation="")) == [common]


async def test_the_last_change_that_names_a_version_puts_it_in_force(books: Store):
    assert await books.in_force() == {}
    made = [
        change("c1", version="v1"),
        change("c2", version="v2"),
        change("c3", version="v9", organisation=""),
        change("c4", version="v1", seconds=-9),
        change("c5", version=None),
    ]
    for each in made:
        await books.add_change(each)

    assert await books.in_force() == {"acme": "v1", "": "v9"}
    assert list(await books.changes()) == made[::-1]
    assert list(await books.changes(organisation="acme", limit=2)) == [made[4], made[3]]
    assert list(await books.changes(limit=0)) == []


async def test_a_change_that_is_there_does_not_happen_again(books: Store):
    for each in (change("c1"), change("c2", version="v0"), change("c1")):
        await books.add_change(each)
    assert await books.in_force() == {"acme": "v0"}
    assert [each.id for each in await books.changes()] == ["c2", "c1"]


async def test_an_organisation_is_forgotten_with_all_that_was_learned_of_it(books: Store):
    for organisation in ("acme", "other"):
        await known(books, answered(organisation, organisation=organisation))
        await books.add_version(version(organisation, organisation=organisation))
        await books.add_change(change(organisation, organisation=organisation))
        await books.put_experiment(replace(EXPERIMENT, id=organisation, organisation=organisation))

    await books.forget_entries(organisation="acme", before=NOON + SECOND)
    assert len(await books.versions()) == 2
    await books.forget_entries(organisation="acme")

    assert await ids(books) == ["other"]
    assert [each.id for each in await books.versions()] == ["other"]
    assert [each.id for each in await books.changes()] == ["other"]
    assert [each.id for each in await books.experiments()] == ["other"]
    await books.forget_entries()
    assert not await books.versions()


# Experiments

EXPERIMENT = Experiment(
    id="exp_1",
    organisation="acme",
    name="Haiku or Qwen?",
    time=NOON,
    of="deployments",
    a="haiku",
    b="qwen",
    share=0.2,
)


def taking(request_id: str, seconds: int = 0, experiment: str = "exp_1", **how: object) -> Entry:
    informed = replace(INFORMED, experiment=experiment, variant="a")
    return answered(request_id, seconds, **{"informed": informed, **how})


async def test_an_experiment_is_written_in_place_of_what_it_was(books: Store):
    young = replace(EXPERIMENT, id="exp_0", time=NOON + SECOND, organisation="other", of="versions")
    for each in (young, EXPERIMENT):
        await books.put_experiment(each)
    assert list(await books.experiments()) == [EXPERIMENT, young]

    ended = replace(EXPERIMENT, state="stopped", stopped=NOON, reason="a is better")
    await books.put_experiment(ended)
    assert list(await books.experiments(organisation="acme")) == [ended]


async def test_all_that_took_part_are_found_with_what_is_known_of_them(books: Store):
    await known(books, taking("late", 9), taking("early", 1), answered("not in it"))
    await books.reserve(taking("unknown", 5))
    await books.reserve(taking("failed", 6, outcome="failed", deployment=None))
    await books.reserve(taking("in another", 7, "exp_2"))
    await books.reserve(taking("cached", 8, cache="exact"))
    await books.reserve(taking("open", 8, outcome="open"))
    await books.add(Feedback("unknown", NOON, rating=-1.0))
    await books.add(Feedback("late", NOON, rating=1.0))

    found = await books.taken_part("exp_1")

    assert [(each.request_id, each.deployment, each.ratings) for each in found] == [
        ("early", "small", ()),
        ("unknown", "small", (-1.0,)),
        ("failed", "", ()),
        ("late", "small", (1.0,)),
    ]
    assert [each.informed.variant for each in found] == ["a"] * 4
    assert found[0].signals == {"length": 0.75}
    assert found[1].signals == {}
    assert list(await books.taken_part("exp_9")) == []


async def test_who_took_part_is_forgotten_with_the_entries(books: Store):
    await books.reserve(taking("r1"))
    await books.forget_entries()
    assert list(await books.taken_part("exp_1")) == []


async def test_an_entry_with_a_budget_takes_part_too(books: Store):
    budget = Budget(Subject("organisation", "acme"), "day", Decimal(1))
    await books.reserve(taking("r1"), [budget])
    await books.reserve(taking("r1"), [budget])
    assert [each.request_id for each in await books.taken_part("exp_1")] == ["r1"]
