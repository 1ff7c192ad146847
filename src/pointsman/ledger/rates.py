"""Prices as plain figures: per token, per request, per hour. Exact, and without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from pointsman.types import Usage

_PER_MILLION = Decimal(1_000_000)
_MS_PER_HOUR = Decimal(3_600_000)
#: What the books count in: time divides into no whole figures, so its price is rounded to this.
_PICO_DOLLAR = Decimal("1e-12")


class Rates(msgspec.Struct, frozen=True):
    """US dollars per million tokens."""

    input: Decimal
    #: Reasoning included.
    output: Decimal
    #: For input read from the provider's cache; as `input` where None.
    cached: Decimal | None = None
    #: For input written to it; as `input` where None.
    written: Decimal | None = None
    #: For input that stays in it for an hour; as `written` where None.
    written_1h: Decimal | None = None

    def cost(self, usage: Usage) -> Decimal:
        """US dollars."""
        cached, written, lasting = of_input(usage)
        total = (
            (usage.input_tokens - cached - written) * self.input
            + cached * self._cached
            + (written - lasting) * self._written
            + lasting * self._lasting
            + usage.output_tokens * self.output
        )
        return total / _PER_MILLION

    def most(self, input_tokens: int, output_tokens: int) -> Decimal:
        """US dollars at most for so many tokens, whatever the provider's cache had of them."""
        dearest = max(self.input, self._cached, self._written, self._lasting)
        return (input_tokens * dearest + output_tokens * self.output) / _PER_MILLION

    @property
    def _cached(self) -> Decimal:
        return self.input if self.cached is None else self.cached

    @property
    def _written(self) -> Decimal:
        return self.input if self.written is None else self.written

    @property
    def _lasting(self) -> Decimal:
        return self._written if self.written_1h is None else self.written_1h


class Tiered(msgspec.Struct, frozen=True):
    """Rates by the length of the prompt, and what there is beside them."""

    #: From the shortest prompts on: above how many input tokens rates apply, to all tokens. The
    #: first is -1.
    tiers: tuple[tuple[int, Rates], ...]
    #: US dollars for the request itself.
    per_request: Decimal = Decimal(0)
    #: By a word of `Usage.service`: by what the price of the tokens is multiplied. The price of a
    #: service that is not here is unknown.
    services: Mapping[str, Decimal] = msgspec.field(default_factory=dict)

    def cost(self, usage: Usage) -> Decimal | None:
        """US dollars; None where it was served in a way whose price is unknown."""
        factor = self.factor(usage.service)
        rates = next(rates for above, rates in reversed(self.tiers) if usage.input_tokens > above)
        return None if factor is None else rates.cost(usage) * factor + self.per_request

    def most(
        self, input_tokens: int, output_tokens: int, service: tuple[str, ...] = ()
    ) -> Decimal | None:
        """US dollars at most for a prompt of at most so many tokens, and such a reply."""
        factor = self.factor(service)
        reached = (rates for above, rates in self.tiers if input_tokens > above)
        dearest = max(rates.most(input_tokens, output_tokens) for rates in reached)
        return None if factor is None else dearest * factor + self.per_request

    def factor(self, service: tuple[str, ...]) -> Decimal | None:
        """By what these words multiply the price of the tokens; None where one is unknown."""
        factor = Decimal(1)
        for word in service:
            if word not in self.services:
                return None
            factor *= self.services[word]
        return factor


class Hourly(msgspec.Struct, frozen=True):
    """Paid by the time that requests occupy a deployment: its machine, or its power."""

    #: US dollars per hour.
    per_hour: Decimal
    #: Requests that share the time, as a rule.
    at_once: int = 1
    #: Seconds that a request may take.
    most_s: float = 1800.0

    def cost(self, seconds: float) -> Decimal:
        """US dollars for a request that took so long, to the pico-dollar; time to the millisecond."""
        share = self.per_hour * round(seconds * 1000) / (_MS_PER_HOUR * self.at_once)
        return share.quantize(_PICO_DOLLAR, ROUND_HALF_EVEN)

    @property
    def most(self) -> Decimal:
        """US dollars at most for one request."""
        return self.cost(self.most_s)


def of_input(usage: Usage) -> tuple[int, int, int]:
    """Tokens read from the cache, written to it, and of these for an hour.

    No more than there were, whoever says so.
    """
    cached = min(usage.cached_tokens, usage.input_tokens)
    written = min(usage.written_tokens, usage.input_tokens - cached)
    return cached, written, min(usage.written_1h_tokens, written)
