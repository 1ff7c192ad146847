"""Keys, budgets and books with a crowd at them, beside a model of what must come of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal, Protocol

from msgspec.structs import replace

from pointsman.access.allowances import Allowances, Stated, budgets_of
from pointsman.access.keyring import KeyRing
from pointsman.access.wishes import BudgetWish, KeyChange, NewKey, Rotation
from pointsman.clock import ManualClock
from pointsman.errors import AuthenticationFailed, BudgetExceeded
from pointsman.ports import Books, KeyStore, Ledger
from pointsman.types import (
    Balance,
    Budget,
    Budgets,
    Decision,
    Entry,
    Grant,
    Period,
    Plan,
    Principal,
    Progress,
    Score,
    Settlement,
    Subject,
    Target,
    Usage,
)

NOTHING = Decimal(0)
_OWNER = Principal(key="static")
_DAY = timedelta(days=1)
_DECISION = Decision(
    tier="simple",
    target=Target("auto", "auto"),
    scored=Score(value=1.0, parts={}, scorer="learned", version="1"),
    plan=Plan(attempts=(), dropped=()),
    reasoning="",
)


class Store(Ledger, Books, KeyStore, Protocol):
    """What the crowd's requests are written into."""

    async def close(self) -> None:
        """Give everything back."""


@dataclass
class Held:
    """A key, as the model knows it."""

    id: str
    organisation: str
    budgets: Budgets
    expires: datetime | None
    #: Every text that it ever had, and until when it is good; None is for good.
    texts: dict[str, datetime | None]
    active: bool = True

    def lets_in(self, text: str, now: datetime) -> bool:
        ends = self.texts[text]
        return (
            self.active
            and (self.expires is None or now < self.expires)
            and (ends is None or now < ends)
        )


@dataclass
class Booking:
    """A request that was admitted."""

    entry: Entry
    #: None while it is open.
    cost: Decimal | None = None
    #: What it has cost as far as was marked.
    marked: Decimal = NOTHING

    @property
    def used(self) -> Decimal:
        return self.entry.reserved if self.cost is None else self.cost


@dataclass(frozen=True)
class Errand:
    """What one of the crowd does."""

    held: Held
    text: str
    amount: Decimal
    #: At most the amount; None leaves the request open.
    cost: Decimal | None
    #: Times that others get their turn in between.
    breaths: int


@dataclass
class Crowd:
    """The real things, and beside them what the model says of them."""

    store: Store
    clock: ManualClock
    of_organisation: Budgets
    held: list[Held] = field(default_factory=list)
    bookings: dict[str, Booking] = field(default_factory=dict)
    #: What is used beyond a limit, and was not admitted beyond it: the limit was lowered, or more
    #: was charged than was held back.
    excused: dict[tuple[Subject, Period, date], Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.allowances = Allowances(organisation=Stated(budgets=self.of_organisation))
        self.ring = KeyRing(self.store, self.clock, static="the owner's")

    # -- keys

    async def create(
        self, organisation: str, budgets: BudgetWish, expires: datetime | None
    ) -> None:
        wish = NewKey(organisation=organisation, budgets=budgets, expires=expires)
        made = await self.ring.create(_OWNER, wish)
        key = made.key
        self.held.append(Held(key.id, organisation, key.grant.budgets, expires, {made.text: None}))

    async def change(self, held: Held, wish: KeyChange) -> None:
        key = await self.ring.change(_OWNER, held.id, wish)
        held.active, held.expires, held.budgets = key.active, key.expires, key.grant.budgets
        self.excuse()

    async def rotate(self, held: Held, grace_s: int) -> None:
        made = await self.ring.rotate(_OWNER, held.id, Rotation(grace_s))
        now = self.clock.now()
        latest = next(text for text, ends in held.texts.items() if ends is None)
        held.texts = dict.fromkeys(held.texts, now)
        held.texts[latest] = now + timedelta(seconds=grace_s)
        held.texts[made.text] = None

    async def delete(self, held: Held) -> None:
        await self.ring.delete(_OWNER, held.id)
        held.active = False

    # -- requests

    def errands(self, chance: random.Random, how_many: int) -> list[Errand]:
        """Whatever somebody may do with any key of now or before."""
        found = []
        for _ in range(how_many if self.held else 0):
            held = chance.choice(self.held)
            amount = Decimal(chance.choice([0, 1, 7, 40, 100, 333])) / 100
            cost = amount * chance.randrange(101) / 100 if chance.random() < 0.6 else None
            text = chance.choice(list(held.texts))
            found.append(Errand(held, text, amount, cost, chance.randrange(4)))
        return found

    async def run(self, errands: Sequence[Errand]) -> None:
        """All of them at once."""
        most = {budget: self.used(budget) for budget in self.budgets()}
        ends = await asyncio.gather(*map(self._do, errands))
        for errand, end in zip(errands, ends, strict=True):
            for budget in most if end == "admitted" else ():
                most[budget] += errand.amount if _concerns(budget, errand.held) else NOTHING
        for errand, end in zip(errands, ends, strict=True):
            assert end != "refused" or any(  # in whatever order they came
                most[budget] + errand.amount > budget.limit
                for budget in most
                if _concerns(budget, errand.held)
            )

    async def _do(self, errand: Errand) -> Literal["unknown", "refused", "admitted"]:
        for _ in range(errand.breaths):
            await asyncio.sleep(0)
        now = self.clock.now()
        try:
            principal = self.ring.authenticate({"x-api-key": errand.text})
        except AuthenticationFailed:
            assert not errand.held.lets_in(errand.text, now)
            return "unknown"
        assert errand.held.lets_in(errand.text, now)
        assert (principal.key, principal.organisation) == (
            errand.held.id,
            errand.held.organisation,
        )
        try:
            request_id = await self.reserve(principal, errand.amount)
        except BudgetExceeded:
            return "refused"
        for _ in range(errand.breaths):
            await asyncio.sleep(0)
        if errand.cost is not None:
            await self.settle(request_id, errand.cost)
        return "admitted"

    async def reserve(self, principal: Principal, amount: Decimal) -> str:
        request_id = f"r{len(self.bookings)}"
        entry = Entry(
            request_id,
            self.clock.now(),
            principal,
            "auto",
            stream=False,
            decision=_DECISION,
            reserved=amount,
        )
        self.bookings[request_id] = booking = Booking(entry)
        try:
            balances = await self.store.reserve(entry, budgets_of(self.allowances.of(principal)))
        except BudgetExceeded:
            booking.cost = NOTHING  # nothing came of it
            raise
        assert not amount or all(balance.left >= 0 for balance in balances)
        return request_id

    async def hold(self, request_id: str, amount: Decimal) -> bool:
        """Hold that much back for it in all; whether there was as much."""
        booking = self.bookings[request_id]
        entry = booking.entry
        of_now = next(each.budgets for each in self.held if each.id == entry.principal.key)
        principal = replace(entry.principal, grant=Grant(budgets=of_now))
        budgets = budgets_of(self.allowances.of(principal))
        try:
            balances = await self.store.hold(entry, amount, budgets)
        except BudgetExceeded:
            return False
        assert amount <= entry.reserved or all(balance.left >= 0 for balance in balances)
        booking.entry = replace(entry, reserved=max(amount, entry.reserved))
        return True

    async def settle(self, request_id: str, cost: Decimal) -> None:
        await self.store.settle(request_id, Settlement("completed", cost=cost))
        self.bookings[request_id].cost = cost

    async def mark(self, request_id: str, cost: Decimal) -> None:
        progress = Progress("qwen", "simple", Usage(output_tokens=1, estimated=True), cost)
        await self.store.mark(request_id, progress)
        self.bookings[request_id].marked = cost

    async def go_on_with(self, store: Store) -> None:
        """The store was opened again: what was open is closed, at what was marked."""
        for booking in self.bookings.values():
            booking.cost = booking.marked if booking.cost is None else booking.cost
        self.excuse()
        self.store = store
        self.ring = KeyRing(store, self.clock, static="the owner's")
        await self.ring.load()

    def open(self) -> list[str]:
        return [name for name, booking in self.bookings.items() if booking.cost is None]

    # -- the model

    def budgets(self) -> list[Budget]:
        """Every budget there is, with its limit of now."""
        allowances = [
            allowance
            for held in self.held
            for allowance in self.allowances.of(
                Principal(held.organisation, held.id, grant=Grant(budgets=held.budgets))
            )
        ]
        return list(dict.fromkeys(budgets_of(allowances)))

    def used(self, budget: Budget) -> Decimal:
        """Spent and held back in its window of now."""
        return sum((booking.used for booking in self.in_window(budget)), NOTHING)

    def in_window(self, budget: Budget) -> list[Booking]:
        today = self.clock.now().date()
        return [
            booking
            for booking in self.bookings.values()
            if _is_of(budget.subject, booking.entry.principal)
            and _begin(budget.period, booking.entry.time.date()) == _begin(budget.period, today)
        ]

    def excuse(self) -> None:
        """What is used now may be; more than that, and than the limit, may not."""
        self.excused = {self._window(budget): self.used(budget) for budget in self.budgets()}

    def balance(self, budget: Budget) -> Balance:
        bookings = self.in_window(budget)
        spent = sum((each.cost for each in bookings if each.cost is not None), NOTHING)
        reserved = sum((each.entry.reserved for each in bookings if each.cost is None), NOTHING)
        return Balance(budget, spent, reserved, _end(budget.period, self.clock.now()))

    async def check(self) -> None:
        """The books say what the model says, and nothing was admitted beyond a budget."""
        budgets = self.budgets()
        subjects = {budget.subject for budget in budgets}
        subjects |= {Subject("key", held.organisation, held.id) for held in self.held}
        unbounded = [Budget(subject, "month", Decimal(1)) for subject in subjects]
        asked = [*budgets, *unbounded]
        stand = await self.store.balances(asked, self.clock.now())
        assert list(stand) == [self.balance(budget) for budget in asked]
        for budget in budgets:
            excused = self.excused.get(self._window(budget), NOTHING)
            assert self.used(budget) <= max(budget.limit, excused)
        self.excuse()

    def _window(self, budget: Budget) -> tuple[Subject, Period, date]:
        begin = _begin(budget.period, self.clock.now().date())
        return budget.subject, budget.period, begin


def _is_of(subject: Subject, principal: Principal) -> bool:
    same = subject.organisation == principal.organisation
    return same and subject.name in {"", principal.key}


def _concerns(budget: Budget, held: Held) -> bool:
    return _is_of(budget.subject, Principal(held.organisation, held.id))


def _begin(period: Period, day: date) -> date:
    return day if period == "day" else day.replace(day=1)


def _end(period: Period, now: datetime) -> datetime:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return midnight + _DAY
    return (midnight.replace(day=1) + 32 * _DAY).replace(day=1)
