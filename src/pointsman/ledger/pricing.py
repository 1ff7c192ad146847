"""What tokens cost, in exact US dollars. Prices come from `genai-prices`, which bundles them.

A price that is not known is None, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from pointsman.types import Usage

_PER_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Free:
    """Runs on your own machine: nothing is paid per token."""


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars per million tokens, as configured."""

    input: Decimal
    output: Decimal
    #: For cached input; as `input` where None.
    cached: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """Looked up by name: `claude-opus-5-5`, or `openai/gpt-6-sol` where the provider matters."""

    model: str
    #: The provider's address, where that is what identifies it.
    base_url: str | None = None


Tariff: TypeAlias = Free | Rates | Listed


class Pricer:
    """Prices usage by deployment, and against the baseline."""

    def __init__(self, tariffs: Mapping[str, Tariff], baseline: Tariff) -> None:
        """`tariffs` by deployment id."""
        self._tariffs = tariffs
        self._baseline = baseline

    def load(self) -> None:
        """Load the price table now, so that no request has to wait for it. Blocks."""
        if any(isinstance(tariff, Listed) for tariff in (*self._tariffs.values(), self._baseline)):
            import genai_prices  # noqa: F401, PLC0415 - a third of a second

    def cost(self, deployment: str, usage: Usage, at: datetime) -> Decimal | None:
        """US dollars for `usage` on a deployment at that time; None where unknown."""
        return price(self._tariffs[deployment], usage, at)

    def baseline_cost(self, usage: Usage, at: datetime) -> Decimal | None:
        """US dollars that the same tokens would have cost on the baseline; None where unknown."""
        return price(self._baseline, usage, at)


def price(tariff: Tariff, usage: Usage, at: datetime) -> Decimal | None:
    """US dollars for `usage`; None where the price is unknown."""
    if isinstance(tariff, Free):
        return Decimal(0)
    if isinstance(tariff, Listed):
        return _listed(tariff, usage, at)
    fresh = usage.input_tokens - usage.cached_tokens
    cached = tariff.input if tariff.cached is None else tariff.cached
    total = (
        fresh * tariff.input + usage.cached_tokens * cached + usage.output_tokens * tariff.output
    )
    return total / _PER_MILLION


def _listed(tariff: Listed, usage: Usage, at: datetime) -> Decimal | None:
    import genai_prices  # noqa: PLC0415 - a third of a second, only where a price is asked for

    provider, _, model = tariff.model.rpartition("/")
    counted = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cached_tokens,
        output_tokens=usage.output_tokens,
    )
    try:
        if provider or tariff.base_url is None:
            found = genai_prices.calc_price(
                counted, model, provider_id=provider or None, genai_request_timestamp=at
            )
        else:
            found = genai_prices.calc_price(
                counted, model, provider_api_url=tariff.base_url, genai_request_timestamp=at
            )
    except (LookupError, ValueError):
        return None
    return found.total_price
