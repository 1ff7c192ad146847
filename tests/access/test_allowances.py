"""What a principal may use, from the settings and from its key."""

from decimal import Decimal

from pointsman.access.allowances import Accounts, Allowances, budgets_of
from pointsman.assembly import rules
from pointsman.config import Settings
from pointsman.types import (
    Allowance,
    Budget,
    Budgets,
    Grant,
    Limits,
    Principal,
    Subject,
)

KEY = Subject("key", "acme", "pm_aaaaaaaa")
ACME = Subject("organisation", "acme")


def allowances(**tables: object) -> Allowances:
    return rules.allowances(Settings(**tables))


def principal(grant: Grant | None = None, *, user: str | None = None) -> Principal:
    return Principal("acme", "pm_aaaaaaaa", user, grant or Grant())


def test_without_settings_nothing_is_limited() -> None:
    assert allowances().of(principal()) == (Allowance(KEY), Allowance(ACME))
    assert budgets_of(allowances().of(principal())) == ()


def test_what_holds_for_each_holds_for_whoever_has_nothing_of_its_own() -> None:
    found = allowances(
        limits={
            "key": {"requests_per_minute": 60},
            "organisation": {"tokens_per_minute": 90_000},
            "user": {"concurrent": 2},
        },
        budgets={"key": {"per_day": "1.50"}, "organisation": {"per_month": 100}},
    ).of(principal(user="ann"))
    assert found == (
        Allowance(KEY, Limits(requests_per_minute=60), Budgets(per_day=Decimal("1.50"))),
        Allowance(ACME, Limits(tokens_per_minute=90_000), Budgets(per_month=Decimal(100))),
        Allowance(Subject("user", "acme", "ann"), Limits(concurrent=2)),
    )
    assert budgets_of(found) == (
        Budget(KEY, "day", Decimal("1.50")),
        Budget(ACME, "month", Decimal(100)),
    )


def test_each_member_falls_back_by_itself() -> None:
    """From the key's grant to its table, and from there to the table of all keys."""
    stated = allowances(
        limits={"key": {"requests_per_minute": 1, "tokens_per_minute": 2, "concurrent": 3}},
        keys={
            "pm_aaaaaaaa": {
                "limits": {"requests_per_minute": 10, "tokens_per_minute": 20},
                "budgets": {"per_day": 5},
            }
        },
        budgets={"key": {"per_day": 1, "per_month": 9, "allow_unpriced": True}},
    )
    key, _ = stated.of(principal(Grant(limits=Limits(requests_per_minute=100))))
    assert key.limits == Limits(requests_per_minute=100, tokens_per_minute=20, concurrent=3)
    assert key.budgets == Budgets(per_day=Decimal(5), per_month=Decimal(9), allow_unpriced=True)
    strict, _ = stated.of(
        principal(Grant(budgets=Budgets(per_day=Decimal(0), allow_unpriced=False)))
    )
    assert strict.budgets == Budgets(per_day=Decimal(0), per_month=Decimal(9), allow_unpriced=False)


def test_an_organisations_own_table_goes_before_that_of_all() -> None:
    stated = allowances(
        limits={"organisation": {"concurrent": 50}},
        organisations={"acme": {"limits": {"concurrent": 5}, "budgets": {"per_month": 7}}},
    )
    _, own = stated.of(principal())
    assert own == Allowance(ACME, Limits(concurrent=5), Budgets(per_month=Decimal(7)))
    _, other = stated.of(Principal("other", "pm_bbbbbbbb"))
    assert other == Allowance(Subject("organisation", "other"), Limits(concurrent=50))


def test_an_account_follows_the_grant_of_its_key() -> None:
    accounts = Accounts(allowances())
    before = accounts.of(principal())
    assert (before.budgets, before.allow_unpriced) == ((), True)

    found = accounts.of(principal(Grant(budgets=Budgets(per_day=Decimal(1)))))
    assert found.budgets == (Budget(KEY, "day", Decimal(1)),)
    assert not found.allow_unpriced
    assert found.purse != before.purse
    assert accounts.of(principal()) == before


def test_accounts_that_are_too_many_are_worked_out_again() -> None:
    stated = allowances(budgets={"key": {"per_day": 1}, "organisation": {"per_day": 2}})
    accounts = Accounts(stated, most=2)
    for name in ("ann", "bob", "eve", "ann"):
        found = accounts.of(principal(user=name))
        assert found.allowances == stated.of(principal(user=name))
        assert found.budgets == budgets_of(found.allowances)
