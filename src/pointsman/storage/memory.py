"""The books' twin in memory, for tests and for trials without a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

from msgspec.structs import replace

from pointsman.errors import BudgetExceeded, NotFound
from pointsman.storage import balances, sums
from pointsman.storage.batches_memory import MemoryBatches
from pointsman.storage.filters import DAY, WholeDays, day_of, midnight
from pointsman.storage.memory_tenants import MemoryTenants
from pointsman.storage.schema import rounded
from pointsman.storage.series import row_of
from pointsman.types import (
    ALL_ENTRIES,
    DIMENSIONS,
    EVERYWHERE,
    Balance,
    Budget,
    CacheState,
    Check,
    Dimension,
    Entry,
    Feedback,
    Filter,
    Measure,
    Principal,
    Progress,
    RatingRow,
    ReportRow,
    Scope,
    SeriesRow,
    Settlement,
    StoredKey,
    StoredPrompt,
    Subject,
)

#: How an open entry is answered.
_UNANSWERED = Settlement("open")
_Group: TypeAlias = tuple[str | None, str | None, CacheState]


@dataclass(slots=True)
class _Purse:
    """Money of one subject's day."""

    spent: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)


class MemoryStore(MemoryTenants):
    """All the books' ports in dicts. Nothing outlives the process."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        #: Forgotten entries whose days' sums stay.
        self._gone: list[Entry] = []
        self._purses: defaultdict[Subject, defaultdict[date, _Purse]]
        self._purses = defaultdict(lambda: defaultdict(_Purse))
        self._prompts: dict[str, StoredPrompt] = {}
        self._checks: list[Check] = []
        self.batches = MemoryBatches(self._entries.get)

    async def close(self) -> None:
        """Nothing to give back."""

    # Ledger

    async def reserve(self, entry: Entry, budgets: Sequence[Budget] = ()) -> Sequence[Balance]:
        """See `ports.Ledger`."""
        if entry.request_id in self._entries:
            return self._stand(budgets, entry.time)
        if entry.settlement is not None:
            self._book(entry, spent=_charged(entry, entry.settlement))
        else:
            self._book(entry, reserved=entry.reserved)
            try:
                balances.check(self._stand(budgets, entry.time), rounded(entry.reserved))
            except BudgetExceeded:
                self._book(entry, reserved=-entry.reserved)
                raise
        self._entries[entry.request_id] = replace(entry, feedback=())
        return self._stand(budgets, entry.time)

    async def hold(
        self, entry: Entry, amount: Decimal, budgets: Sequence[Budget]
    ) -> Sequence[Balance]:
        """See `ports.Ledger`."""
        known = self._entries.get(entry.request_id)
        if known is not None and known.settlement is None:
            more = max(Decimal(0), rounded(amount) - rounded(known.reserved))
            self._book(known, reserved=more)
            try:
                balances.check(self._stand(budgets, entry.time), more, is_more=True)
            except BudgetExceeded:
                self._book(known, reserved=-more)
                raise
            self._entries[entry.request_id] = replace(known, reserved=max(amount, known.reserved))
        return self._stand(budgets, entry.time)

    async def mark(self, request_id: str, progress: Progress) -> None:
        """See `ports.Ledger`. Nothing is known of it any more if the process dies."""

    async def settle(self, request_id: str, settlement: Settlement) -> None:
        """See `ports.Ledger`."""
        entry = self._entries.get(request_id)
        if entry and entry.settlement is None:
            self._entries[request_id] = replace(entry, settlement=settlement)
            self._book(entry, spent=_charged(entry, settlement), reserved=-entry.reserved)
            if settlement.answer is not None:
                self.batches.keep(request_id, settlement.answer)

    # Books

    async def get(self, request_id: str, scope: Scope = EVERYWHERE) -> Entry | None:
        """See `ports.Books`."""
        entry = self._entries.get(request_id)
        return entry if entry and _is_in(scope, entry.principal) else None

    async def list(
        self, *, limit: int, before: datetime | None = None, which: Filter = ALL_ENTRIES
    ) -> Sequence[Entry]:
        """See `ports.Books`."""
        found = [
            entry
            for entry in self._entries.values()
            if which.fits(entry) and (before is None or entry.time < before)
        ]
        found.sort(key=lambda entry: (entry.time, entry.request_id), reverse=True)
        return found[: max(limit, 0)]

    async def report(
        self, which: Filter = ALL_ENTRIES, by: Sequence[Dimension] = DIMENSIONS
    ) -> Sequence[ReportRow]:
        """See `ports.Books`."""
        return sums.report((sums.of_entry(entry, by) for entry in self._booked(which)), by)

    async def series(self, step: timedelta, which: Filter = ALL_ENTRIES) -> Sequence[SeriesRow]:
        """See `ports.Charts`."""
        there = [entry for entry in self._entries.values() if which.fits(entry)]
        return [row_of(entry, step) for entry in (there if step % DAY else self._booked(which))]

    async def measures(self, limit: int, which: Filter = ALL_ENTRIES) -> Sequence[Measure]:
        """See `ports.Charts`."""
        found = await self.list(limit=len(self._entries), which=which)
        settled = [sums.measure(each, each.settlement) for each in found if each.settlement]
        return settled[: max(limit, 0)]

    async def ratings(self, which: Filter = ALL_ENTRIES) -> Sequence[RatingRow]:
        """See `ports.Books`."""
        rated: defaultdict[_Group, list[float]] = defaultdict(list)
        for entry in self._entries.values():
            if which.fits(entry):
                given = [said.rating for said in entry.feedback if said.rating is not None]
                answer = entry.settlement or _UNANSWERED
                rated[answer.deployment, answer.served_tier, entry.lookup.state] += given
        return sums.ratings(
            RatingRow(
                *group,
                good=sum(rating > 0 for rating in given),
                bad=sum(rating < 0 for rating in given),
                neutral=sum(rating == 0 for rating in given),
                mean=sum(given) / len(given),
            )
            for group, given in rated.items()
            if given
        )

    async def balances(self, budgets: Sequence[Budget], now: datetime) -> Sequence[Balance]:
        """See `ports.Books`."""
        return self._stand(budgets, now)

    # Retention

    async def forget_entries(
        self, *, organisation: str | None = None, before: datetime | None = None
    ) -> int:
        """See `ports.Retention`."""
        gone = [
            entry
            for entry in self._entries.values()
            if entry.settlement is not None
            and _is_old(entry.principal.organisation, entry.time, organisation, before)
        ]
        for entry in gone:
            del self._entries[entry.request_id]
            self._prompts.pop(entry.request_id, None)
        ids = {entry.request_id for entry in gone}
        self._forget_signals(ids)
        self._checks = [check for check in self._checks if check.request_id not in ids]
        self._gone += gone
        if before is None:
            await self.forget_prompts(organisation=organisation)
            self._forget_sums(organisation)
            self._forget_learned(organisation)
        return len(gone)

    # Prompts

    async def keep_prompt(self, prompt: StoredPrompt) -> None:
        """See `ports.PromptStore`."""
        self._prompts[prompt.request_id] = prompt

    async def prompt(self, request_id: str, scope: Scope = EVERYWHERE) -> StoredPrompt | None:
        """See `ports.PromptStore`."""
        prompt = self._prompts.get(request_id)
        return prompt if prompt and _is_in(scope, prompt) else None

    async def forget_prompts(
        self, *, organisation: str | None = None, before: datetime | None = None
    ) -> int:
        """See `ports.PromptStore`."""
        gone = [
            prompt.request_id
            for prompt in self._prompts.values()
            if _is_old(prompt.organisation, prompt.time, organisation, before)
        ]
        for request_id in gone:
            del self._prompts[request_id]
        return len(gone)

    # Keys

    async def keys(self) -> Sequence[StoredKey]:
        """See `ports.KeyStore`."""
        return sorted(self._keys.values(), key=lambda stored: (stored.key.created, stored.key.id))

    async def put_key(self, key: StoredKey) -> None:
        """See `ports.KeyStore`."""
        self._keys[key.key.id] = key
        self._key_changes += 1

    async def remove_key(self, key_id: str) -> bool:
        """See `ports.KeyStore`."""
        was_there = self._keys.pop(key_id, None) is not None
        self._key_changes += was_there
        return was_there

    async def keys_stamp(self) -> str:
        """See `ports.KeyStore`."""
        return str(self._key_changes)

    # What users said, and checks

    async def add(self, feedback: Feedback, scope: Scope = EVERYWHERE) -> None:
        """See `ports.FeedbackStore`."""
        entry = await self.get(feedback.request_id, scope)
        if entry is None:
            raise NotFound(f"there is no entry {feedback.request_id!r}", param="request_id")
        said = (*entry.feedback, feedback)
        self._entries[feedback.request_id] = replace(entry, feedback=said)
        self._evidence_changes += feedback.rating is not None

    async def add_check(self, check: Check) -> None:
        """See `ports.CheckStore`."""
        self._checks.append(check)

    async def checks(self, *, route: str | None = None) -> Sequence[Check]:
        """See `ports.CheckStore`."""
        return [check for check in self._checks if route is None or check.route == route]

    async def forget_checks(self, route: str) -> int:
        """See `ports.CheckStore`."""
        kept = [check for check in self._checks if check.route != route]
        forgotten, self._checks = len(self._checks) - len(kept), kept
        return forgotten

    def _booked(self, which: Filter) -> Sequence[Entry]:
        """The entries, and of the whole days those that are forgotten: their sums stay."""
        days = WholeDays(which)
        gone = [] if which.user is not None else [e for e in self._gone if day_of(e.time) in days]
        return [entry for entry in (*self._entries.values(), *gone) if which.fits(entry)]

    def _book(
        self, entry: Entry, *, spent: Decimal = Decimal(0), reserved: Decimal = Decimal(0)
    ) -> None:
        who = entry.principal
        for subject in (
            Subject("organisation", who.organisation),
            Subject("key", who.organisation, who.key),
        ):
            purse = self._purses[subject][day_of(entry.time)]
            purse.spent += rounded(spent)
            purse.reserved += rounded(reserved)

    def _stand(self, budgets: Iterable[Budget], at: datetime) -> Sequence[Balance]:
        stand = []
        for budget in budgets:
            first, until = balances.days(budget, at)
            days = self._purses[budget.subject].items() if budget.subject in self._purses else ()
            purses = [purse for day, purse in days if first <= day < until]
            stand.append(
                Balance(
                    budget,
                    sum((purse.spent for purse in purses), Decimal(0)),
                    sum((purse.reserved for purse in purses), Decimal(0)),
                    until=midnight(until),
                )
            )
        return stand

    def _forget_sums(self, organisation: str | None) -> None:
        self._gone = [
            entry for entry in self._gone if not _is_of(organisation, entry.principal.organisation)
        ]
        for subject, days in self._purses.items():
            if _is_of(organisation, subject.organisation):
                for purse in days.values():
                    purse.spent = Decimal(0)


def _is_of(wanted: str | None, organisation: str) -> bool:
    return wanted is None or organisation == wanted


def _is_old(organisation: str, time: datetime, wanted: str | None, before: datetime | None) -> bool:
    return _is_of(wanted, organisation) and (before is None or time < before)


def _is_in(scope: Scope, whose: Principal | StoredPrompt) -> bool:
    return _is_of(scope.organisation, whose.organisation) and scope.key in {None, whose.key}


def _charged(entry: Entry, settled: Settlement) -> Decimal:
    return balances.charged(settled.cost, entry.reserved, used=settled.usage is not None)
