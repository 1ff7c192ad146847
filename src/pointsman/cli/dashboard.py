"""`pointsman dashboard`: where to look at what the gateway does."""

from __future__ import annotations

import sys
import webbrowser
from typing import Annotated

import typer

from pointsman.assembly.offline import running_at
from pointsman.cli.options import ConfigOption
from pointsman.config import load
from pointsman.errors import ConfigError


def dashboard(
    config: ConfigOption = None,
    browser: Annotated[
        bool | None,
        typer.Option(help="Open it in the browser; on a terminal that is the default."),
    ] = None,
) -> None:
    """Print the dashboard's address, and open it."""
    address = running_at(load(config))
    if address is None:
        raise ConfigError("no gateway is running: `pointsman serve` starts one")
    url = f"{address}/dashboard"
    typer.echo(url)
    if browser or (browser is None and sys.stdout.isatty()):
        webbrowser.open(url)
