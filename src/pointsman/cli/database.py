"""`pointsman db`: the books' file."""

from __future__ import annotations

import asyncio

import typer

from pointsman.app import upgrade_books
from pointsman.cli.options import ConfigOption
from pointsman.config import load

app = typer.Typer(help="Look after the books' database.", no_args_is_help=True)


@app.callback()
def database() -> None:
    """Look after the books' database."""


@app.command()
def upgrade(config: ConfigOption = None) -> None:
    """Bring the schema up to date; `serve` does so by itself."""
    settings = load(config)
    asyncio.run(upgrade_books(settings))
    typer.echo(f"{settings.database} is up to date")
