"""What a request costs, in exact US dollars.

A price that is not known is None, never zero.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from pointsman.ledger.listed import Listed, listing
from pointsman.ledger.rates import Hourly, Rates, Tiered
from pointsman.types import Attempt, Usage

__all__ = ["Free", "Hourly", "Listed", "Pricer", "Rates", "Tariff", "Tiered", "most", "price"]


_FEW = 1_000
_FEWS_IN_A_MILLION = 1_000


class Free(msgspec.Struct, frozen=True):
    """Runs on your own machine: nothing is paid."""


Tariff: TypeAlias = Free | Rates | Tiered | Hourly | Listed


class Pricer:
    """Prices usage by deployment, and against the baseline."""

    def __init__(
        self, tariffs: Mapping[str, Tariff], *baseline: Tariff, stating: Collection[str] = ()
    ) -> None:
        """`tariffs` by deployment id; the first of the `baseline` whose price is known is it.

        `stating` are the deployments whose own word for what a request cost is taken.
        """
        self._tariffs = tariffs
        self._baseline = baseline
        self._stating = frozenset(stating)

    def load(self, at: datetime) -> None:
        """Ask for each price once, so that no request waits for the table: it takes half a second."""
        for tariff in (*self._tariffs.values(), *self._baseline):
            price(tariff, Usage(), at)

    def cost(
        self, deployment: str, usage: Usage, at: datetime, seconds: float | None = None
    ) -> Decimal | None:
        """US dollars for `usage` on a deployment at that time; None where unknown.

        `seconds` is how long the request occupied it; where it is paid by time and nobody says how
        much that was, the cost is unknown.
        """
        if usage.stated_cost is not None and deployment in self._stating:
            return usage.stated_cost
        return price(self._tariffs[deployment], usage, at, seconds)

    def goes_by_time(self, deployment: str) -> bool:
        """Whether a deployment is paid by the time for which requests occupy it."""
        return isinstance(self._tariffs[deployment], Hourly)

    def priced(self, attempt: Attempt, at: datetime) -> Attempt:
        """An attempt with what it cost, where it used something that is not the answer's.

        Of a deployment that is paid by time it used that, whatever became of it.
        """
        usage = attempt.usage
        if usage is None and attempt.sent and self.goes_by_time(attempt.deployment):
            usage = Usage()
        if usage is None:
            return attempt
        cost = self.cost(attempt.deployment, usage, at, attempt.occupied_s)
        return replace(attempt, usage=usage, cost=cost)

    def worst_cost(
        self,
        deployment: str,
        input_tokens: int,
        output_tokens: int,
        at: datetime,
        service: tuple[str, ...] = (),
    ) -> Decimal | None:
        """US dollars that a request can cost at most on a deployment; None where unknown.

        For text of at most so many tokens: all input at the dearest rate for what the provider's
        cache may do with it, in the dearest tier that it can reach. `service` as in `Usage`. What
        is paid by time is reckoned with the longest that a request may take.
        """
        return most(self._tariffs[deployment], input_tokens, output_tokens, at, service)

    def per_million(self, deployment: str, at: datetime) -> tuple[Decimal, Decimal] | None:
        """US dollars for a million tokens of input and of output, in a short prompt's price.

        None where the price is unknown, or goes by time.
        """
        tariff = self._tariffs[deployment]
        base, input_, output = (
            price(tariff, Usage(*tokens), at) for tokens in ((0, 0), (_FEW, 0), (0, _FEW))
        )
        if base is None or input_ is None or output is None:
            return None
        return (input_ - base) * _FEWS_IN_A_MILLION, (output - base) * _FEWS_IN_A_MILLION

    def baseline_cost(self, usage: Usage, at: datetime) -> Decimal | None:
        """US dollars that the same tokens would have cost on the baseline; None where unknown.

        As the baseline usually serves: how this request was served is no matter.
        """
        plain = replace(usage, service=()) if usage.service else usage
        known = (each for each in self._baseline if price(each, Usage(), at) is not None)
        first = next(known, None)
        return None if first is None else price(first, plain, at)


def price(
    tariff: Tariff, usage: Usage, at: datetime, seconds: float | None = None
) -> Decimal | None:
    """US dollars for `usage`, which took so many seconds; None where the price is unknown."""
    match tariff:
        case Free():
            return Decimal(0)
        case Hourly():
            return None if seconds is None else tariff.cost(seconds)
        case Listed():
            found = listing(tariff, at, usage.service)
            return None if found is None else found.cost(usage)
        case Rates() | Tiered():
            return tariff.cost(usage)


def most(
    tariff: Tariff, input_tokens: int, output_tokens: int, at: datetime, service: tuple[str, ...]
) -> Decimal | None:
    """The most US dollars that so many tokens can cost; None where the price is unknown."""
    match tariff:
        case Free():
            return Decimal(0)
        case Hourly():
            return tariff.most
        case Listed():
            found = listing(tariff, at, service)
            return None if found is None else found.text.most(input_tokens, output_tokens, service)
        case Rates():
            return tariff.most(input_tokens, output_tokens)
        case Tiered():
            return tariff.most(input_tokens, output_tokens, service)
