"""Prices as `genai-prices` lists them: by model, seller and date, offline.

A price that is not listed is None, never zero.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from pointsman.ledger.rates import Rates, Tiered, of_input
from pointsman.types import Usage

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, PriceCalculation, PriceContext, TieredPrices

#: Paid for what no reply tells: a model that has such a price has none that we know.
_UNSEEN = (
    *("audio_hours", "input_audio_hours", "input_mchars", "input_text_messages_kcount"),
    *("input_document_kpages", "input_annotated_document_kpages", "output_citation_mtok"),
)
#: Under which of the library's names a service may be listed.
_CONTEXTS = ("service_tier", "processing", "speed")
#: Inference in one country, by seller and what the reply calls it: it multiplies what tokens cost
#: (https://platform.claude.com/docs/en/manage-claude/data-residency).
_REGIONS = {"anthropic": {"us": Decimal("1.1")}}
_PER_THOUSAND = Decimal(1000)


class Listed(msgspec.Struct, frozen=True):
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


class About(msgspec.Struct, frozen=True):
    """Where a price is from."""

    seller: str
    #: As the list names it.
    model: str
    #: The seller's page of prices.
    page: str | None
    #: The services that have a price of their own, as in `Usage.service`.
    services: tuple[str, ...]


class Listing(msgspec.Struct, frozen=True):
    """What is listed for a model at a time, for a service."""

    #: For text, which most requests are nothing but.
    text: Tiered
    #: All of it.
    price: ModelPrice

    def cost(self, usage: Usage) -> Decimal | None:
        """US dollars; None where what was used has no price."""
        tokens = self.text.cost(usage) if _is_text(usage) else self._of_parts(usage)
        each = _price_above(self.price.web_searches_kcount, -1)
        if tokens is None or (usage.searches and each is None):
            return None
        return tokens + usage.searches * (each or Decimal(0)) / _PER_THOUSAND

    def _of_parts(self, usage: Usage) -> Decimal | None:
        """The library takes the parts apart; it raises where they don't fit together."""
        import genai_prices  # noqa: PLC0415 - see `_look_up`

        cached, written, lasting = of_input(usage)
        parts = {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cache_read_tokens": cached,
            "cache_write_tokens": written,
            "cache_write_1h_tokens": lasting,
            "input_audio_tokens": usage.audio_input_tokens,
            "output_audio_tokens": usage.audio_output_tokens,
            "input_image_tokens": usage.image_input_tokens,
            "output_image_tokens": usage.image_output_tokens,
        }
        counted = genai_prices.Usage(**{name: count for name, count in parts.items() if count})
        factor, each = self.text.factor(usage.service), self.text.per_request
        try:
            total = self.price.calc_price(counted)["total_price"]
        except ValueError:
            return None
        return None if factor is None else (total - each) * factor + each


def listing(tariff: Listed, at: datetime, service: tuple[str, ...] = ()) -> Listing | None:
    """What is listed; None where nothing is, or not for that service."""
    return _listing(tariff, at.replace(second=0, microsecond=0), service)


def about(tariff: Listed, at: datetime) -> About | None:
    """Where it is listed, and as what; None where it is not."""
    found = _look_up(tariff, at, {})
    if found is None:
        return None
    variants = found.model.price_variants or ()
    services = [word for each in variants for word in each.when.values() if vars(each.prices)]
    return About(
        found.provider.id,
        found.model.id,
        next(iter(found.provider.pricing_urls or ()), None),
        tuple(word for word in dict.fromkeys(services) if listing(tariff, at, (word,)) is not None),
    )


def forget() -> None:
    """The list is another one: look everything up again."""
    _listing.cache_clear()


@lru_cache(maxsize=1024)
def _listing(tariff: Listed, minute: datetime, service: tuple[str, ...]) -> Listing | None:
    """Kept for a minute: looking up and adding up takes `genai-prices` 0.1 ms."""
    found = _look_up(tariff, minute, {})
    if found is None:
        return None
    regions = _REGIONS.get(found.provider.id, {})
    context: dict[str, str] = {}
    for word in service:
        name = _context(found, word, minute)
        if name is not None:
            context[name] = word
        elif word not in regions:
            return None
    if context and (found := _look_up(tariff, minute, context)) is None:
        return None
    text = _text(found.model_price)
    if text is None:
        return None
    factors = {**regions, **dict.fromkeys(context.values(), Decimal(1))}
    return Listing(replace(text, services=factors), found.model_price)


def _look_up(tariff: Listed, at: datetime, context: PriceContext) -> PriceCalculation | None:
    import genai_prices  # noqa: PLC0415 - a third of a second, only where a price is asked for

    nothing = genai_prices.Usage()
    try:
        if tariff.base_url is None:
            return genai_prices.calc_price(
                nothing,
                tariff.model,
                provider_id=tariff.provider,
                genai_request_timestamp=at,
                price_context=context,
            )
        return genai_prices.calc_price(
            nothing,
            tariff.model,
            provider_api_url=tariff.base_url,
            genai_request_timestamp=at,
            price_context=context,
        )
    except (LookupError, ValueError):
        return None


def _context(found: PriceCalculation, word: str, at: datetime) -> str | None:
    """Under which name this seller lists the service; None where it does not."""
    model = found.model
    if not any(model is own for own in found.provider.models):
        return None  # another seller's model: the library would ignore the service
    listed = [
        each.when
        for each in model.price_variants or ()
        if each.constraint is None or each.constraint.active(at)
    ]
    return next((name for name in _CONTEXTS if {name: word} in listed), None)


def _text(listed: ModelPrice) -> Tiered | None:
    """The rates for text; None where there is more to the price than a reply tells."""
    if listed == type(listed)():
        return Tiered(((-1, Rates(Decimal(0), Decimal(0))),))  # listed as free
    if any(getattr(listed, key) is not None for key in _UNSEEN):
        return None
    prices = (
        *(listed.input_mtok, listed.output_mtok, listed.cache_read_mtok, listed.cache_write_mtok),
        listed.cache_write_1h_mtok,
    )
    in_tiers = (each for each in prices if each is not None and not isinstance(each, Decimal))
    tiers = []
    for above in sorted({-1, *(tier.start for each in in_tiers for tier in each.tiers)}):
        input_, output, *cache = (_price_above(each, above) for each in prices)
        if input_ is None:
            return None
        # Embeddings have no output, and no price for it.
        tiers.append((above, Rates(input_, output or Decimal(0), *cache)))
    each_request = _price_above(listed.requests_kcount, -1) or Decimal(0)
    return Tiered(tuple(tiers), each_request / _PER_THOUSAND)


def _price_above(listed: Decimal | TieredPrices | None, tokens: int) -> Decimal | None:
    """What one of them costs where there are more than so many input tokens."""
    if listed is None or isinstance(listed, Decimal):
        return listed
    reached = (tier.price for tier in reversed(listed.tiers) if tokens >= tier.start)
    return next(reached, listed.base)


def _is_text(usage: Usage) -> bool:
    return not (
        usage.audio_input_tokens
        or usage.audio_output_tokens
        or usage.image_input_tokens
        or usage.image_output_tokens
    )
