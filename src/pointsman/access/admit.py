"""Admit: may this caller ask for so much now, and what may be spent on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pointsman.access.alerts import Alerts
from pointsman.access.allowances import Accounts, Allowances
from pointsman.access.budgets import Budgeting
from pointsman.errors import Forbidden
from pointsman.ports import Books, Clock, RateLimiter
from pointsman.types import Balance, Budget, Call, Entry, Means, Principal, Standing

#: Output tokens that a request counts for until it has ended, where it does not bound them.
EXPECTED_REPLY_TOKENS = 400


class Admission:
    """Limits before anything is done, and budgets before anything is spent."""

    def __init__(
        self,
        *,
        allowances: Allowances,
        limiter: RateLimiter,
        budgeting: Budgeting,
        alerts: Alerts,
        books: Books,
        clock: Clock,
        told: Callable[[Sequence[Balance]], None] | None = None,
    ) -> None:
        """The books are asked how a budget stands where what is remembered does not suffice.

        `told` gets to hear how budgets stand whenever this one does.
        """
        self._accounts = Accounts(allowances)
        self._limiter = limiter
        self._budgeting = budgeting
        self._alerts = alerts
        self._books = books
        self._clock = clock
        self._told = told

    async def admit(self, call: Call) -> Standing:
        """Count it; what is left then. Raises RateLimited, and Forbidden for a key that only reads."""
        if call.principal.grant.role == "read-only":
            raise Forbidden("this key reads the books; it may not call models")
        request = call.request
        reply = (request.max_output_tokens or EXPECTED_REPLY_TOKENS) * request.choices
        tokens = request.input_tokens + (reply if request.task == "chat" else 0)
        allowances = self._accounts.of(call.principal).allowances
        return await self._limiter.admit(call.request_id, allowances, tokens)

    async def leave(self, request_id: str, tokens: int | None = 0) -> None:
        """It got no answer and took so many `tokens`; None: as many as were counted.

        Idempotent, and nothing where it has ended.
        """
        await self._limiter.leave(request_id, tokens)

    async def ended(self, entry: Entry) -> None:
        """It is settled: only what it really took counts."""
        settled = entry.settlement
        usage = None if settled is None or entry.is_given else settled.usage
        tokens = 0 if usage is None else usage.input_tokens + usage.output_tokens
        await self._limiter.leave(entry.request_id, tokens)

    def budgets(self, principal: Principal) -> tuple[Budget, ...]:
        """What binds its spending."""
        return self._accounts.of(principal).budgets

    def purse(self, principal: Principal) -> str:
        """Equal for those whose spending the same budgets bind."""
        return self._accounts.of(principal).purse

    def means(self, principal: Principal) -> Means:
        """What it may use, and what is left to spend as far as is remembered."""
        account = self._accounts.of(principal)
        left = self._budgeting.left(account.budgets, self._clock.now())
        return Means(principal.grant, left, account.allow_unpriced, principal.organisation)

    async def refresh(self, principal: Principal) -> Sequence[Balance]:
        """How its budgets stand, as the books say. Raises LedgerUnavailable."""
        balances = await self._books.balances(self.budgets(principal), self._clock.now())
        self.note(balances)
        return balances

    def note(self, balances: Sequence[Balance]) -> None:
        """Remember how budgets stand, and tell where one is nearly spent."""
        self._budgeting.note(balances)
        self._alerts.note(balances)
        if self._told is not None:
            self._told(balances)
