"""What is remembered of budgets, and how a refusal says it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pointsman.access.budgets import Budgeting
from pointsman.errors import budget_exceeded
from pointsman.types import Balance, Budget, Period, Subject

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
KEY = Subject("key", "acme", "pm_aaaaaaaa")
ACME = Subject("organisation", "acme")
OF_KEY, OF_ACME = Budget(KEY, "day", Decimal(5)), Budget(ACME, "month", Decimal(50))


def balance(budget: Budget, spent: str, reserved: str = "0") -> Balance:
    ends: dict[Period, datetime] = {"day": MIDNIGHT, "month": DECEMBER}
    return Balance(budget, Decimal(spent), Decimal(reserved), ends[budget.period])


def test_what_nobody_has_spent_from_is_full() -> None:
    assert Budgeting().left([], NOON) is None
    assert Budgeting().left([OF_KEY, OF_ACME], NOON) == 5


def test_the_least_that_is_left_is_what_is_left() -> None:
    budgeting = Budgeting()
    budgeting.note([balance(OF_KEY, "1.25", "0.50"), balance(OF_ACME, "47")])
    assert budgeting.left([OF_KEY], NOON) == Decimal("3.25")
    assert budgeting.left([OF_KEY, OF_ACME], NOON) == 3
    assert budgeting.left([], NOON) is None


def test_a_new_window_begins_full_and_the_old_one_is_forgotten() -> None:
    budgeting = Budgeting()
    budgeting.note([balance(OF_KEY, "5"), balance(OF_ACME, "49")])
    assert budgeting.left([OF_KEY, OF_ACME], MIDNIGHT - timedelta(microseconds=1)) == 0
    assert budgeting.left([OF_KEY, OF_ACME], MIDNIGHT) == 1
    assert len(budgeting) == 1
    budgeting.note([balance(OF_KEY, "5")])  # came late
    assert budgeting.left([OF_KEY], MIDNIGHT) == 5
    assert budgeting.left([OF_KEY, OF_ACME], DECEMBER) == 5
    assert len(budgeting) == 0


def test_the_last_word_counts_whatever_was_said_before() -> None:
    budgeting = Budgeting()
    budgeting.note([Balance(OF_KEY, Decimal(5), Decimal(0), DECEMBER)])
    budgeting.note([balance(OF_KEY, "1")])
    assert budgeting.left([OF_KEY], NOON) == 4


def test_a_raised_limit_holds_at_once() -> None:
    budgeting = Budgeting()
    budgeting.note([balance(OF_KEY, "5")])
    assert budgeting.left([Budget(KEY, "day", Decimal(20))], NOON) == 15


def test_a_refusal_says_whose_budget_how_it_stands_and_when_the_next_begins() -> None:
    refused = budget_exceeded(
        [balance(OF_KEY, "4.98", "0.03"), balance(OF_ACME, "9")], Decimal("0.05")
    )
    assert (refused.status, refused.code, refused.retry_after) == (402, "budget_exceeded", None)
    assert str(refused) == (
        "the budget of key pm_aaaaaaaa for 2026-11-21 ($5.00) is spent: $4.98 spent, $0.03 held "
        "back for open requests, this one may cost up to $0.05; "
        "a new one begins at 2026-11-22T00:00:00Z"
    )
    assert len(refused.balances) == 2


def test_a_refusal_speaks_of_the_budget_that_comes_back_last() -> None:
    spent = [balance(OF_KEY, "5"), balance(OF_ACME, "49.999", "0.000001")]
    assert str(budget_exceeded(spent, Decimal("0.01"))) == (
        "the budget of organisation acme for 2026-11 ($50.00) does not suffice: $49.999 spent, "
        "$0.000001 held back for open requests, this one may cost up to $0.01; "
        "a new one begins at 2026-12-01T00:00:00Z"
    )
