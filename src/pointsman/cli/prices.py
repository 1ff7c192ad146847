"""`pointsman prices`: what models cost, and where that is from."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import typer

from pointsman.assembly.tariffs import price_list, tariffs, update_prices
from pointsman.cli.options import ConfigOption, JsonOption
from pointsman.cli.output import print_json, print_table
from pointsman.config import Settings, load
from pointsman.ledger.listed import About, about, listing
from pointsman.ledger.price_list import Edition
from pointsman.ledger.pricing import Free, Hourly, Listed, Rates, Tariff, Tiered
from pointsman.types import Json

app = typer.Typer(help="What models cost, and where that is from.", no_args_is_help=True)

UNKNOWN = "unknown"
_COLUMNS = ("input $", "cached $", "written $", "for an hour $", "output $")
_PER = "US dollars per million tokens"


@app.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """What each deployment costs now."""
    settings = load(config)
    edition = price_list(settings).load()
    priced = {name: _quotes(tariff) for name, tariff in tariffs(settings).items()}
    if as_json:
        print_json({"list": _edition(edition), "deployments": priced})
        return
    typer.echo(_said(edition))
    rows = [(name, *_row(quote)) for name, quotes in priced.items() for quote in quotes]
    print_table(("deployment", "when", *_COLUMNS, "else"), rows, _PER)


@app.command()
def show(
    model: Annotated[
        str,
        typer.Argument(help="A deployment, or a model such as gpt-6-sol or anthropic/claude-5."),
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """What a deployment or a listed model costs now, by length of the prompt and service."""
    settings = load(config)
    edition = price_list(settings).load()
    tariff = tariffs(settings).get(model) or Listed.named(model)
    source = about(tariff, _now()) if isinstance(tariff, Listed) else None
    quotes = _quotes(tariff, ("", *_services(tariff, source)))
    if as_json:
        print_json({"list": _edition(edition), "source": source, "prices": quotes})
        return
    if all(quote["price"] == UNKNOWN for quote in quotes):
        typer.echo(f"{model}: {UNKNOWN}. {_said(edition)}")
        typer.echo("Give its deployment a `price`, or name another model's with `priced_as`.")
        return
    typer.echo(f"{model}: {_source(source)}")
    print_table(("when", *_COLUMNS, "else"), [_row(quote) for quote in quotes], _PER)


@app.command()
def update(config: ConfigOption = None) -> None:
    """Fetch the newest list; it is used from the next start on, and by these commands at once."""
    settings: Settings = load(config)
    typer.echo(_said(asyncio.run(update_prices(settings))))


def _services(tariff: Tariff, source: About | None) -> Iterable[str]:
    """Those with a price of their own."""
    if source is not None:
        return source.services
    return tariff.services if isinstance(tariff, Tiered) else ()


def _quotes(tariff: Tariff, services: tuple[str, ...] = ("",)) -> list[dict[str, Json]]:
    """One for each length of the prompt and each service."""
    match tariff:
        case Free():
            return [{"price": "free"}]
        case Hourly():
            per_hour = _figure(tariff.per_hour / tariff.at_once)
            return [{"price": "per hour", "per_hour": per_hour}]
        case Rates():
            return list(_by_length(Tiered(((-1, tariff),)), ""))
        case Tiered():
            return [quote for service in services for quote in _by_length(tariff, service)]
        case Listed():
            return [
                quote
                for service in services
                for quote in _by_length(_found(tariff, service), service)
            ]


def _found(tariff: Listed, service: str) -> Tiered | None:
    found = listing(tariff, _now(), (service,) if service else ())
    return None if found is None else found.text


def _by_length(tiered: Tiered | None, service: str) -> Iterator[dict[str, Json]]:
    factor = None if tiered is None else tiered.factor((service,) if service else ())
    if tiered is None or factor is None:
        yield {"price": UNKNOWN}
        return
    for above, rates in tiered.tiers:
        yield {
            "price": "per million tokens",
            "service": service or None,
            "above_tokens": above if above >= 0 else None,
            "input": _times(rates.input, factor),
            "cached": _times(rates.cached, factor),
            "written": _times(rates.written, factor),
            "written_1h": _times(rates.written_1h, factor),
            "output": _times(rates.output, factor),
            "per_request": _figure(tiered.per_request),
        }


def _row(quote: dict[str, Json]) -> tuple[str, ...]:
    """As a line of a table: when it holds, five figures, and what there is else."""
    if quote["price"] != "per million tokens":
        per_hour = f"${quote['per_hour']} per hour" if "per_hour" in quote else str(quote["price"])
        return ("", *("",) * len(_COLUMNS), per_hour)
    above = quote["above_tokens"]
    when = (quote["service"], f"above {above:,} tokens" if isinstance(above, int) else "")
    each = quote["per_request"]
    return (
        ", ".join(str(word) for word in when if word),
        str(quote["input"]),
        str(quote["cached"] or "as input"),
        str(quote["written"] or "as input"),
        str(quote["written_1h"] or "as written"),
        str(quote["output"]),
        f"${each} per request" if each != "0" else "",
    )


def _times(amount: Decimal | None, factor: Decimal) -> str | None:
    return _figure(None if amount is None else amount * factor)


def _figure(amount: Decimal | None) -> str | None:
    """Exact, without needless zeros or an exponent."""
    return None if amount is None else f"{amount.normalize():f}"


def _source(source: About | None) -> str:
    if source is None:
        return "as configured"
    return f"as {source.seller} lists {source.model}" + (f", {source.page}" if source.page else "")


def _said(edition: Edition) -> str:
    where = "installed" if edition.fetched is None else f"fetched {edition.fetched:%Y-%m-%d %H:%M}"
    return (
        f"Prices of {edition.models} models from {edition.sellers} sellers: "
        f"genai-prices {edition.version}, {where}."
    )


def _edition(edition: Edition) -> dict[str, Json]:
    return {
        "genai_prices": edition.version,
        "fetched": None if edition.fetched is None else edition.fetched.isoformat(),
        "models": edition.models,
    }


def _now() -> datetime:
    return datetime.now(UTC)
