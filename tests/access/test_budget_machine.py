"""Reservations, settlements, keys that come and go, and windows that end: with fifty at once."""

from __future__ import annotations

import asyncio
import random
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.access.crowd import NOTHING, Crowd, Store

from pointsman.access.wishes import BudgetWish, KeyChange
from pointsman.clock import ManualClock
from pointsman.errors import BudgetExceeded
from pointsman.storage.memory import MemoryStore
from pointsman.storage.sqlite import SqliteStore
from pointsman.types import Budgets

ACTORS = 50
SMALLEST = Decimal("0.000000000001")
#: Two windows end in an hour.
EVENING = datetime(2026, 11, 30, 23, tzinfo=UTC)

DOLLARS = st.none() | st.integers(0, 2000).map(lambda cents: Decimal(cents) / 100)
BUDGETS = st.builds(BudgetWish, per_day=DOLLARS, per_month=DOLLARS)
SEEDS = st.integers(0, 2**32)


class Machine(RuleBasedStateMachine):
    """Every rule is one thing that happens; after each the books are compared with the model."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = ManualClock(EVENING)

    async def opened(self) -> Store:
        return MemoryStore()

    @initialize(per_day=DOLLARS, per_month=DOLLARS)
    def begin(self, per_day: Decimal | None, per_month: Decimal | None) -> None:
        store = self.runner.run(self.opened())
        self.crowd = Crowd(store, self.clock, Budgets(per_day, per_month))
        self.runner.run(self.crowd.ring.load())

    def teardown(self) -> None:
        if hasattr(self, "crowd"):
            self.runner.run(self.crowd.store.close())
        self.runner.close()

    @rule(
        organisation=st.sampled_from(["acme", "zebra"]),
        budgets=BUDGETS,
        lives_s=st.none() | st.sampled_from([60, 7200, 200_000]),
    )
    def a_key_is_made(self, organisation: str, budgets: BudgetWish, lives_s: int | None) -> None:
        expires = None if lives_s is None else self.clock.now() + timedelta(seconds=lives_s)
        self.runner.run(self.crowd.create(organisation, budgets, expires))

    def has_keys(self) -> bool:
        return any(held.active for held in self.crowd.held)

    def some_key(self, seed: int):
        return _chance(seed).choice([held for held in self.crowd.held if held.active])

    @precondition(has_keys)
    @rule(seed=SEEDS, grace_s=st.sampled_from([0, 60, 86_400]))
    def a_key_is_rotated(self, seed: int, grace_s: int) -> None:
        self.runner.run(self.crowd.rotate(self.some_key(seed), grace_s))

    @precondition(has_keys)
    @rule(seed=SEEDS)
    def a_key_is_revoked(self, seed: int) -> None:
        self.runner.run(self.crowd.change(self.some_key(seed), KeyChange(active=False)))

    @precondition(has_keys)
    @rule(seed=SEEDS)
    def a_key_is_deleted(self, seed: int) -> None:
        held = self.some_key(seed)
        self.runner.run(self.crowd.delete(held))

    @precondition(has_keys)
    @rule(seed=SEEDS, budgets=BUDGETS)
    def a_key_gets_other_budgets(self, seed: int, budgets: BudgetWish) -> None:
        self.runner.run(self.crowd.change(self.some_key(seed), KeyChange(budgets=budgets)))

    @precondition(has_keys)
    @rule(seed=SEEDS, lives_s=st.sampled_from([1, 7200]))
    def a_key_is_to_expire(self, seed: int, lives_s: int) -> None:
        expires = self.clock.now() + timedelta(seconds=lives_s)
        self.runner.run(self.crowd.change(self.some_key(seed), KeyChange(expires=expires)))

    @rule(seconds=st.sampled_from([1, 59, 3599, 3600, 86_400, 31 * 86_400]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @precondition(has_keys)
    @rule(seed=SEEDS)
    def everybody_comes_at_once(self, seed: int) -> None:
        errands = self.crowd.errands(_chance(seed), ACTORS)
        self.runner.run(self.crowd.run(errands))

    @precondition(lambda self: self.crowd.open())
    @rule(seed=SEEDS, percent=st.integers(0, 300))
    def some_end(self, seed: int, percent: int) -> None:
        """Also at more than was held back for them, and in another window than they began."""
        chance, crowd = _chance(seed), self.crowd

        async def end() -> None:
            some = [each for each in crowd.open() if chance.random() < 0.5]
            amounts = [crowd.bookings[each].entry.reserved * percent / 100 for each in some]
            await asyncio.gather(*map(crowd.settle, some, amounts))
            crowd.excuse()

        self.runner.run(end())

    @precondition(lambda self: self.crowd.open())
    @rule(seed=SEEDS, cents=st.integers(0, 300))
    def some_want_more(self, seed: int, cents: int) -> None:
        """All at once, and the same that others want."""
        chance, crowd = _chance(seed), self.crowd

        async def want() -> None:
            some = [each for each in crowd.open() if chance.random() < 0.5]
            amounts = [crowd.bookings[each].entry.reserved + Decimal(cents) / 100 for each in some]
            await asyncio.gather(*map(crowd.hold, some, amounts))

        self.runner.run(want())

    @rule()
    def all_end_and_nothing_is_held_back_or_stuck(self) -> None:
        crowd = self.crowd

        async def end() -> None:
            await asyncio.gather(*(crowd.settle(each, NOTHING) for each in crowd.open()))
            await crowd.check()
            for held in crowd.held:
                text = next(text for text, ends in held.texts.items() if ends is None)
                if held.lets_in(text, self.clock.now()):
                    await self.spend_what_is_left(text)

        self.runner.run(end())

    async def spend_what_is_left(self, text: str) -> None:
        """Exactly that much may be held back."""
        crowd = self.crowd
        principal = crowd.ring.authenticate({"x-api-key": text})
        mine = [
            budget
            for budget in crowd.budgets()
            if budget.subject.name in {"", principal.key}
            and budget.subject.organisation == principal.organisation
        ]
        stand = await crowd.store.balances(mine, self.clock.now())
        left = min((balance.left for balance in stand), default=Decimal(100))
        name = await crowd.reserve(principal, max(left, NOTHING))
        if mine:
            with pytest.raises(BudgetExceeded):
                await crowd.reserve(principal, SMALLEST)
        await crowd.settle(name, NOTHING)

    @invariant()
    def the_books_are_right(self) -> None:
        if hasattr(self, "crowd"):
            self.runner.run(self.crowd.check())


class OnSqlite(Machine):
    """The same on a file, which is closed in the middle and opened again."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()

    async def opened(self) -> Store:
        path = Path(self.folder.name) / "pointsman.db"
        return SqliteStore.open(path, now=self.clock.now)

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()

    @rule(seed=SEEDS)
    def it_is_opened_again(self, seed: int) -> None:
        chance, crowd = _chance(seed), self.crowd

        async def reopen() -> None:
            for name in crowd.open():
                if chance.random() < 0.5:
                    await crowd.mark(name, crowd.bookings[name].entry.reserved / 2)
            await crowd.store.close()
            await crowd.go_on_with(await self.opened())

        self.runner.run(reopen())


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311


def test_no_budget_is_overspent_and_no_key_is_stuck() -> None:
    run_state_machine_as_test(Machine, settings=settings(stateful_step_count=30))


def test_the_same_on_sqlite() -> None:
    run_state_machine_as_test(OnSqlite, settings=settings(max_examples=10, stateful_step_count=15))
