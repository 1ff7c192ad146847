"""From settings to prices: what each deployment costs, and what savings are measured against."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from pointsman.clock import SystemClock
from pointsman.config import ModelSettings, Settings
from pointsman.config.deployment import PriceSettings, RateSettings
from pointsman.formats.counting import services_wanted
from pointsman.ledger.price_list import Edition, PriceList
from pointsman.ledger.pricing import Free, Hourly, Listed, Pricer, Rates, Tariff, Tiered, price
from pointsman.ledger.reservation import Reservations
from pointsman.providers.http import HttpClient
from pointsman.types import Usage

#: What savings are measured against where the configuration names nothing that has a price.
REFERENCE_BASELINE = "claude-opus-5-5"


def pricer(settings: Settings) -> Pricer:
    """What prices every deployment's usage."""
    tariffs = {name: _tariff(model) for name, model in settings.models.items()}
    stating = [name for name, model in settings.models.items() if _states_cost(model)]
    return Pricer(tariffs, *_baseline(settings, tariffs).values(), stating=stating)


def tariffs(settings: Settings) -> Mapping[str, Tariff]:
    """By deployment id."""
    return {name: _tariff(model) for name, model in settings.models.items()}


def price_list(settings: Settings) -> PriceList:
    """The list of prices, and where a newer one is kept."""
    return PriceList(settings.home / "prices.json")


async def update_prices(settings: Settings) -> Edition:
    """Fetch a newer list of prices and keep it. Raises UpstreamError or PricesUnavailable."""
    client = HttpClient()
    try:
        return await price_list(settings).update(client, SystemClock().now())
    finally:
        await client.close()


def reservations(settings: Settings, pricer: Pricer) -> Reservations:
    """What requests may cost at most."""
    bounded = {
        name: model.max_output_tokens
        for name, model in settings.models.items()
        if model.max_output_tokens is not None
    }
    return Reservations(pricer, settings.budgets.reply_tokens, bounded, services_wanted)


def baseline_name(settings: Settings, at: datetime) -> str:
    """What savings are measured against: a deployment, or a model of the price list."""
    tariffs = {name: _tariff(model) for name, model in settings.models.items()}
    those = _baseline(settings, tariffs)
    priced = (name for name, each in those.items() if price(each, Usage(), at) is not None)
    return next(priced, next(iter(those)))


def baseline_doubt(settings: Settings, at: datetime) -> str | None:
    """Why nothing can be compared with the baseline; None where its price is known."""
    if pricer(settings).baseline_cost(Usage(1, 1), at) is not None:
        return None
    name = baseline_name(settings, at)
    what = "has no known price" if name in settings.models else "is no deployment, nor listed"
    return f"[routing] baseline: {name!r} {what}, so no savings can be told"


def _states_cost(model: ModelSettings) -> bool:
    """What the configuration says of a price goes before what the provider says of a cost."""
    return model.preset.quirks.states_cost and model.price is None and model.priced_as is None


def _tariff(model: ModelSettings) -> Tariff:
    if model.price is not None:
        return _own(model.price, model.timeouts.total_s)
    if model.priced_as is not None:
        return Listed.named(model.priced_as)
    if model.where == "local":
        return Free()
    if model.preset.prices is not None:
        return Listed(model.model, model.preset.prices)
    return Listed(model.model, base_url=model.address)


def _own(own: PriceSettings, most_s: float) -> Tariff:
    if own.hourly is not None:
        return Hourly(own.hourly, own.at_once, most_s)
    tiers = [(each.above, _rates(each)) for each in sorted(own.tiers, key=lambda each: each.above)]
    return Tiered(
        ((-1, _rates(own)), *tiers),
        per_request=own.per_request or Decimal(0),
        services=own.services,
    )


def _rates(own: RateSettings) -> Rates:
    nothing = Decimal(0)
    return Rates(
        own.input or nothing, own.output or nothing, own.cached, own.written, own.written_1h
    )


def _costs_money(tariff: Tariff) -> bool:
    """As far as is known without the list of prices."""
    match tariff:
        case Free():
            return False
        case Hourly():
            return tariff.per_hour > 0
        case Rates() | Tiered():
            return bool(tariff.most(1, 1))
        case Listed():
            return True


def _baseline(settings: Settings, tariffs: Mapping[str, Tariff]) -> Mapping[str, Tariff]:
    """What is named; else the strongest deployments that cost money, and then the reference."""
    named = settings.routing.baseline
    if named is not None:
        return {named: tariffs.get(named) or Listed.named(named)}
    tiers = settings.routing.tiers
    everybodys = [name for name in tariffs if settings.models[name].organisations is None]
    by_strength = sorted(
        everybodys, key=lambda name: -tiers.index(settings.tier_of(settings.models[name]))
    )
    paid = {
        name: tariffs[name]
        for name in by_strength
        if "chat" in settings.models[name].tasks and _costs_money(tariffs[name])
    }
    return {**paid, REFERENCE_BASELINE: Listed.named(REFERENCE_BASELINE)}
