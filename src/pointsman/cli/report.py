"""`pointsman report`: what was spent, and what was saved."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, TypeVar

import typer
from msgspec.structs import replace

from pointsman.assembly.tariffs import baseline_doubt, baseline_name
from pointsman.cli import keyed
from pointsman.cli.options import (
    ConfigOption,
    DaysOption,
    JsonOption,
    KeyOption,
    OrganisationOption,
    SinceOption,
    UntilOption,
    entries_of,
)
from pointsman.cli.output import dollars, print_bars, print_json, print_table
from pointsman.cli.reading import read
from pointsman.config import Settings, load
from pointsman.errors import PointsmanError
from pointsman.ledger import figures
from pointsman.ledger.analytics import GROUPINGS, Costs, Savings, SavingsLine
from pointsman.ledger.effect import Effect
from pointsman.ledger.report import Line, Report
from pointsman.types import Filter

#: What is grouped by who asked.
_KEY = "key"
_L = TypeVar("_L", Line, SavingsLine)


def _grouping(text: str) -> str:
    if text not in GROUPINGS:
        raise typer.BadParameter(f"one of {', '.join(GROUPINGS)}")
    return text


def report(
    *,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT", parser=_grouping, help=f"Only by one of {', '.join(GROUPINGS)}."
        ),
    ] = None,
    savings: Annotated[
        bool, typer.Option("--savings", help="What was saved, and how that is known.")
    ] = False,
    plot: Annotated[
        bool, typer.Option("--plot", help="Draw cost and savings, by day or as --by says.")
    ] = False,
    days: DaysOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    organisation: OrganisationOption = None,
    key: KeyOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sum the books up: requests, tokens, cost and savings."""
    which = entries_of(days=days, since=since, until=until, organisation=organisation, key=key)
    settings = load(config)
    if savings:
        saved = asyncio.run(_savings(settings, which, by))
        if not as_json:
            saved = replace(saved, by=_named(settings, saved.by))
        _show_savings(saved, as_json=as_json, plot=plot)
        if not as_json and saved.total.requests:
            _doubt(settings, saved.baseline)
    elif by or plot:
        spent = asyncio.run(_costs(settings, which, by or "day"))
        if not as_json:
            spent = replace(spent, by=_named(settings, spent.by))
        _show_costs(spent, as_json=as_json, plot=plot)
    else:
        _show(asyncio.run(_report(settings, which)), as_json=as_json)


async def _report(settings: Settings, which: Filter) -> Report:
    return await read(
        settings, "/v1/report", Report, lambda books: figures.report(books, which), which
    )


async def _costs(settings: Settings, which: Filter, by: str) -> Costs:
    return await read(
        settings,
        "/v1/stats/cost",
        Costs,
        lambda books: figures.costs(books, which, (by,)),
        which,
        by=(by,),
    )


async def _savings(settings: Settings, which: Filter, by: str | None) -> Savings:
    groupings = figures.USUAL if by is None else (by,)
    baseline = baseline_name(settings, datetime.now(UTC))
    return await read(
        settings,
        "/v1/analytics/savings-report",
        Savings,
        lambda books: figures.savings(books, which, groupings, baseline=baseline),
        which,
        by=groupings,
    )


def _named(settings: Settings, by: Mapping[str, tuple[_L, ...]]) -> Mapping[str, tuple[_L, ...]]:
    """The same; keys with the names that people gave them, as far as these can be read."""
    if _KEY not in by:
        return by
    names: dict[str, str] = {}
    with suppress(PointsmanError):
        names = {key.id: key.name for key in asyncio.run(keyed.listed(settings)).data}
    lines = (
        replace(line, name=f"{line.name} {names.get(line.name, '')}".rstrip()) for line in by[_KEY]
    )
    return {**by, _KEY: tuple(lines)}


def _show(found: Report, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    if _is_empty(found.total.requests):
        return
    for title, lines in (
        ("by deployment", found.by_deployment),
        ("by tier served", found.by_tier),
        ("by outcome", found.by_outcome),
        ("by cache", found.by_cache),
        ("by day", found.by_day),
    ):
        _print(title, lines)
    _print("all", (found.total,))
    _print_notes(found.total)
    if found.learning is not None:
        _print_effect(found.learning)


def _print_effect(learned: Effect) -> None:
    """Before and after, in a line each."""
    typer.echo(f"\nlearned: {learned.version} since {learned.since:%Y-%m-%d %H:%M}: {learned.why}")
    for name, side in (("before", learned.before), ("after", learned.after)):
        tiers = ", ".join(f"{tier} {share:.0%}" for tier, share in side.tiers.items())
        said = "no ratings" if side.rating is None else f"{side.ratings} ratings {side.rating:+.2f}"
        cost = "" if side.cost is None else f", {dollars(side.cost)} each"
        typer.echo(f"  {name:6} {side.requests} requests: {tiers or 'none'}; {said}{cost}")


def _show_costs(found: Costs, *, as_json: bool, plot: bool) -> None:
    if as_json:
        print_json(found)
        return
    if _is_empty(found.total.requests):
        return
    for name, lines in found.by.items():
        if plot:
            print_bars(
                name,
                [(line.name, line.cost or Decimal(0), line.saved or Decimal(0)) for line in lines],
            )
        else:
            _print(f"by {name}", lines)
    _print("all", (found.total,))
    _print_notes(found.total)


def _show_savings(found: Savings, *, as_json: bool, plot: bool) -> None:
    if as_json:
        print_json(found)
        return
    if _is_empty(found.total.requests):
        return
    for name, lines in found.by.items():
        if plot:
            print_bars(
                name,
                [(line.name, line.cost or Decimal(0), line.saved or Decimal(0)) for line in lines],
            )
        else:
            _print_savings(f"by {name}", lines)
    _print_savings("all", (found.total,))
    total = found.total
    typer.echo(found.formula)
    typer.echo(f"baseline: {found.baseline}")
    if total.excluded:
        typer.echo(
            f"{total.excluded} requests can't be compared: their cost of"
            f" {dollars(total.excluded_cost)} is in no savings"
            + (f"; {total.unpriced} of them have no known price" if total.unpriced else "")
        )
    _print_estimated(total)


def _doubt(settings: Settings, baseline: str) -> None:
    """Why there are no savings, where it is for want of the baseline's price."""
    now = datetime.now(UTC)
    doubt = baseline_doubt(settings, now)
    if doubt is not None and baseline == baseline_name(settings, now):
        typer.echo(doubt)


def _is_empty(requests: int) -> bool:
    """Says so, too."""
    if not requests:
        typer.echo("The books have nothing there. `pointsman serve`, then send it a prompt.")
    return not requests


def _print(title: str, lines: tuple[Line, ...]) -> None:
    print_table(
        (
            *(title, "requests #", "input tokens #", "output tokens #"),
            *("cost $", "baseline $", "saved $", "share #"),
        ),
        [
            (
                line.name,
                str(line.requests),
                str(line.input_tokens),
                str(line.output_tokens),
                _cost(line),
                dollars(None if line.cost is None else line.baseline_cost),
                dollars(line.saved),
                _percent(line.saved_share),
            )
            for line in lines
        ],
    )
    typer.echo()


def _print_savings(title: str, lines: tuple[SavingsLine, ...]) -> None:
    print_table(
        (
            *(title, "compared #", "baseline $", "cost $", "saved $", "share #"),
            *("by cache $", "overhead $", "excluded #"),
        ),
        [
            (
                line.name,
                f"{line.compared} of {line.requests}",
                dollars(None if line.cost is None else line.baseline_cost),
                _cost(line),
                dollars(line.saved),
                _percent(line.share),
                dollars(line.saved_by_cache),
                dollars(line.overhead),
                str(line.excluded),
            )
            for line in lines
        ],
    )
    typer.echo()


def _print_notes(total: Line) -> None:
    typer.echo("saved = what the same tokens cost on the baseline - what they did cost")
    if total.unpriced:
        typer.echo(f"{total.unpriced} requests have no known price: they are in no sum (?)")
    _print_estimated(total)


def _print_estimated(total: Line | SavingsLine) -> None:
    if total.estimated:
        typer.echo(
            f"~ the tokens of {total.estimated} requests are estimated:"
            f" {dollars(total.estimated_cost)} of the cost"
        )


def _cost(line: Line | SavingsLine) -> str:
    """What is known of it, with `?` behind it where that is not all."""
    if line.cost is None:
        return dollars(None)
    return ("~" if line.estimated else "") + dollars(line.cost) + ("?" if line.unpriced else "")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
