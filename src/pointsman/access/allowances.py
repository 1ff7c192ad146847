"""What somebody may use: its own limits and budgets, and where it has none, those for everybody.

Each member falls back by itself: a key that states requests per minute and nothing else has the
tokens per minute of every key. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from pointsman.types import Allowance, Budget, Budgets, Grant, Limits, Principal, Subject

NO_LIMITS, NO_BUDGETS = Limits(), Budgets()


class Stated(msgspec.Struct, frozen=True):
    """Limits and budgets as somebody stated them."""

    limits: Limits = NO_LIMITS
    budgets: Budgets = NO_BUDGETS

    def or_else(self, other: Stated) -> Stated:
        """These, and the other's where these say nothing."""
        mine, theirs = self.limits, other.limits
        spend, instead = self.budgets, other.budgets
        return Stated(
            Limits(
                _first(mine.requests_per_minute, theirs.requests_per_minute),
                _first(mine.tokens_per_minute, theirs.tokens_per_minute),
                _first(mine.concurrent, theirs.concurrent),
            ),
            Budgets(
                spend.per_day if spend.per_day is not None else instead.per_day,
                spend.per_month if spend.per_month is not None else instead.per_month,
                instead.allow_unpriced if spend.allow_unpriced is None else spend.allow_unpriced,
            ),
        )


NOTHING_STATED = Stated()


def bounded(grant: Grant, stated: Stated) -> Grant:
    """What a key may use and spend, where the settings state limits and budgets of it."""
    whole = Stated(grant.limits, grant.budgets).or_else(stated)
    return replace(grant, limits=whole.limits, budgets=whole.budgets)


class Allowances(msgspec.Struct, frozen=True):
    """What the settings state, for keys, organisations and end users."""

    #: For each key, organisation and end user that has none of its own.
    key: Stated = NOTHING_STATED
    organisation: Stated = NOTHING_STATED
    user: Limits = NO_LIMITS
    #: For some, by key id and by organisation.
    keys: Mapping[str, Stated] = msgspec.field(default_factory=dict)
    organisations: Mapping[str, Stated] = msgspec.field(default_factory=dict)

    def of(self, principal: Principal) -> tuple[Allowance, ...]:
        """All that a request of the principal counts against: its key's, organisation's, user's.

        A key's own grant goes before its table in the settings.
        """
        organisation, grant = principal.organisation, principal.grant
        by_key = (
            Stated(grant.limits, grant.budgets)
            .or_else(self.keys.get(principal.key, NOTHING_STATED))
            .or_else(self.key)
        )
        together = self.organisations.get(organisation, NOTHING_STATED).or_else(self.organisation)
        found = (
            Allowance(Subject("key", organisation, principal.key), by_key.limits, by_key.budgets),
            Allowance(Subject("organisation", organisation), together.limits, together.budgets),
        )
        if principal.user is None:
            return found
        return (*found, Allowance(Subject("user", organisation, principal.user), self.user))


class Account(msgspec.Struct, frozen=True):
    """What the requests of one principal count against."""

    allowances: tuple[Allowance, ...]
    #: Every budget that a request must fit into.
    budgets: tuple[Budget, ...]
    #: Its budgets let through what has no known price.
    allow_unpriced: bool
    #: Equal where the same budgets bind.
    purse: str


class Accounts:
    """Accounts, remembered: who asks asks again, and working one out takes a while."""

    def __init__(self, allowances: Allowances, most: int = 10_000) -> None:
        """Remembers `most` of them, and then begins anew."""
        self._allowances = allowances
        self._most = most
        self._known: dict[Principal, tuple[Grant, Account]] = {}

    def of(self, principal: Principal) -> Account:
        """The principal's account, as its grant is now."""
        known = self._known.get(principal)
        if known is not None and known[0] is principal.grant:
            return known[1]
        if len(self._known) >= self._most:
            self._known.clear()
        account = _account(self._allowances.of(principal))
        self._known[principal] = (principal.grant, account)
        return account


def _account(allowances: tuple[Allowance, ...]) -> Account:
    budgets = budgets_of(allowances)
    allow_unpriced = all(
        each.budgets.allow_unpriced
        for each in allowances
        if (each.budgets.per_day, each.budgets.per_month) != (None, None)
    )
    return Account(allowances, budgets, allow_unpriced, str(budgets))


def budgets_of(allowances: Sequence[Allowance]) -> tuple[Budget, ...]:
    """Every budget that a request must fit into."""
    found: list[Budget] = []
    for allowance in allowances:
        subject, budgets = allowance.subject, allowance.budgets
        if budgets.per_day is not None:
            found.append(Budget(subject, "day", budgets.per_day))
        if budgets.per_month is not None:
            found.append(Budget(subject, "month", budgets.per_month))
    return tuple(found)


def _first(stated: int | None, otherwise: int | None) -> int | None:
    return otherwise if stated is None else stated
