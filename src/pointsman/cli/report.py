"""`pointsman report`: what was spent, and what was saved."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime
from urllib.parse import quote

import typer

from pointsman.app import read_books, running_at
from pointsman.cli import remote
from pointsman.cli.options import ConfigOption, DaysOption, JsonOption, days_ago
from pointsman.cli.output import dollars, print_json, print_table
from pointsman.config import Settings, load
from pointsman.ledger.report import Line, Report
from pointsman.ledger.report import report as summed


def report(
    config: ConfigOption = None,
    as_json: JsonOption = False,
    days: DaysOption = None,
) -> None:
    """Sum the books up: requests, tokens, cost and savings."""
    settings = load(config)
    since = days_ago(days)
    figures = asyncio.run(_read(settings, since))
    if as_json:
        print_json(asdict(figures))
        return
    if not figures.total.requests:
        typer.echo("The books are empty. `pointsman serve`, then send it a prompt.")
        return
    for title, lines in (
        ("by deployment", figures.by_deployment),
        ("by tier served", figures.by_tier),
        ("by outcome", figures.by_outcome),
        ("by cache", figures.by_cache),
    ):
        _print(title, lines)
    _print("all", (figures.total,))
    typer.echo("saved = what the same tokens cost on the baseline - what they did cost")
    if figures.total.unpriced:
        typer.echo(f"{figures.total.unpriced} requests have no known price: they are in no sum")


async def _read(settings: Settings, since: datetime | None) -> Report:
    """From the running gateway, or from the file where none runs."""
    address = running_at(settings)
    if address is not None:
        query = f"?since={quote(since.isoformat())}" if since else ""
        path = f"/v1/report{query}"
        return await asyncio.to_thread(remote.call, settings, address, path, Report)
    books = read_books(settings)
    try:
        return summed(await books.report(since=since))
    finally:
        await books.close()


def _print(title: str, lines: tuple[Line, ...]) -> None:
    print_table(
        (title, "requests #", "input tokens #", "output tokens #", "cost $", "saved $"),
        [
            (
                line.name,
                str(line.requests),
                str(line.input_tokens),
                str(line.output_tokens),
                dollars(line.cost),
                dollars(line.saved),
            )
            for line in lines
        ],
    )
    typer.echo()
