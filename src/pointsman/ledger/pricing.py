"""What tokens cost, in exact US dollars. Prices come from `genai-prices`, which bundles them.

A price that is not known is None, never zero.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from pointsman.types import Usage

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, PriceCalculation, TieredPrices

_PER_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Free:
    """Runs on your own machine: nothing is paid per token."""


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars per million tokens, as configured."""

    input: Decimal
    output: Decimal
    #: For input read from the provider's cache; as `input` where None.
    cached: Decimal | None = None
    #: For input written to it; as `input` where None.
    written: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """Looked up by the model's name, with what tells who sells it."""

    model: str
    provider: str | None = None
    #: The provider's address, where that is what identifies it.
    base_url: str | None = None

    @classmethod
    def named(cls, name: str) -> Listed:
        """From `claude-opus-5-5`, or from `openai/gpt-6-sol` where the provider matters."""
        provider, slash, model = name.partition("/")
        return cls(model, provider) if slash else cls(name)


Tariff: TypeAlias = Free | Rates | Listed


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

    def cost(self, deployment: str, usage: Usage, at: datetime) -> Decimal | None:
        """US dollars for `usage` on a deployment at that time; None where unknown."""
        if usage.stated_cost is not None and deployment in self._stating:
            return usage.stated_cost
        return price(self._tariffs[deployment], usage, at)

    def baseline_cost(self, usage: Usage, at: datetime) -> Decimal | None:
        """US dollars that the same tokens would have cost on the baseline; None where unknown."""
        prices = (price(tariff, usage, at) for tariff in self._baseline)
        return next((known for known in prices if known is not None), None)


def price(tariff: Tariff, usage: Usage, at: datetime) -> Decimal | None:
    """US dollars for `usage`; None where the price is unknown."""
    if isinstance(tariff, Free):
        return Decimal(0)
    if isinstance(tariff, Listed):
        return _listed(tariff, usage, at)
    cached, written = _of_input(usage)
    fresh = usage.input_tokens - cached - written
    total = (
        fresh * tariff.input
        + cached * (tariff.input if tariff.cached is None else tariff.cached)
        + written * (tariff.input if tariff.written is None else tariff.written)
        + usage.output_tokens * tariff.output
    )
    return total / _PER_MILLION


def _of_input(usage: Usage) -> tuple[int, int]:
    """Tokens read from the cache and written to it: no more than there were, whoever says so."""
    cached = min(usage.cached_tokens, usage.input_tokens)
    return cached, min(usage.written_tokens, usage.input_tokens - cached)


def _listed(tariff: Listed, usage: Usage, at: datetime) -> Decimal | None:
    tiers = _tiers(tariff, at.replace(second=0, microsecond=0))
    if tiers is not None:
        rates = next(rates for above, rates in reversed(tiers) if usage.input_tokens > above)
        return price(rates, usage, at)
    found = _look_up(tariff, usage, at)
    return found.total_price if found is not None and _is_by_token(found.model_price) else None


@lru_cache(maxsize=1024)
def _tiers(tariff: Listed, minute: datetime) -> tuple[tuple[int, Rates], ...] | None:
    """The listed rates, and above how many input tokens they apply; None where there is more to it.

    Kept for a minute: looking up and adding up takes `genai-prices` 0.1 ms, twice per request.
    """
    found = _look_up(tariff, Usage(), minute)
    if found is None or found.model_price.requests_kcount is not None:
        return None
    listed = found.model_price
    prices = listed.input_mtok, listed.output_mtok, listed.cache_read_mtok, listed.cache_write_mtok
    in_tiers = (each for each in prices if each is not None and not isinstance(each, Decimal))
    tiers = []
    for above in sorted({-1, *(tier.start for each in in_tiers for tier in each.tiers)}):
        input_, output, cached, written = (_price_above(each, above) for each in prices)
        if input_ is None:
            return None
        # Embeddings have no output, and no price for it.
        tiers.append((above, Rates(input_, output or Decimal(0), cached, written)))
    return tuple(tiers)


def _price_above(listed: Decimal | TieredPrices | None, tokens: int) -> Decimal | None:
    """What one of them costs where there are more than so many input tokens."""
    if listed is None or isinstance(listed, Decimal):
        return listed
    reached = (tier.price for tier in reversed(listed.tiers) if tokens >= tier.start)
    return next(reached, listed.base)


def _is_by_token(listed: ModelPrice) -> bool:
    """Whether tokens are what is paid for, or nothing is: not hours or pages."""
    return listed.input_mtok is not None or listed == type(listed)()


def _look_up(tariff: Listed, usage: Usage, at: datetime) -> PriceCalculation | None:
    import genai_prices  # noqa: PLC0415 - a third of a second, only where a price is asked for

    cached, written = _of_input(usage)
    counted = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        output_tokens=usage.output_tokens,
    )
    try:
        if tariff.base_url is None:
            return genai_prices.calc_price(
                counted, tariff.model, provider_id=tariff.provider, genai_request_timestamp=at
            )
        return genai_prices.calc_price(
            counted, tariff.model, provider_api_url=tariff.base_url, genai_request_timestamp=at
        )
    except (LookupError, ValueError):
        return None
