"""`pointsman config`: is the configuration right, what is it, and have it read again."""

from __future__ import annotations

import asyncio
import os
import re
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from pointsman.assembly.discovery import may_look
from pointsman.assembly.offline import running_at
from pointsman.assembly.wiring import missing_weights
from pointsman.cli import remote
from pointsman.cli.checkup import whole
from pointsman.cli.options import ConfigOption, JsonOption
from pointsman.cli.output import print_json
from pointsman.config import load, sources
from pointsman.config.shown import members, nested
from pointsman.errors import ConfigError

_BARE = re.compile(r"[A-Za-z0-9_-]+")

app = typer.Typer(help="Look at the configuration, and have it read again.", no_args_is_help=True)


class _Renewed(msgspec.Struct):
    changed: list[str]
    waiting: list[str]


@app.callback()
def configuration() -> None:
    """Look at the configuration, and have it read again."""


@app.command()
def check(config: ConfigOption = None) -> None:
    """Read the configuration and say what is wrong with it; nothing is started or changed.

    All that a start needs is looked at: the references to secrets and the weights, too. What is no
    error, but hardly meant, is said as well.
    """
    settings = load(config)
    faults = whole.faults(settings, os.environ)
    # where none are configured, `serve` may find deployments that need no weights
    if not may_look(settings) and (missing := missing_weights(settings)):
        faults.append(missing)
    if faults:
        raise ConfigError("\n".join(faults))
    for doubt in whole.doubts(settings, os.environ, datetime.now(UTC)):
        typer.echo(f"but {doubt}", err=True)
    typer.echo(f"the configuration is right: {len(settings.models)} deployments")


@app.command()
def show(
    config: ConfigOption = None,
    every: Annotated[
        bool, typer.Option("--all", help="Also what nobody set: the defaults.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print what is set, by the file or by the environment, which goes before it.

    As TOML has it, with where each is from; secrets are left out. With --json all there is, in
    tables.
    """
    settings, said = load(config), sources(config)
    if as_json:
        print_json(nested(settings))
        return
    for place, value in members(settings):
        source = said.of(place)
        if source or every:
            name = ".".join(map(_named, place))
            line = f"{name} = {msgspec.json.encode(value).decode()}  # {source or 'default'}"
            typer.echo(f"# {line}" if value is None else line)


def _named(part: str) -> str:
    """As TOML has it."""
    return part if _BARE.fullmatch(part) else f'"{part}"'


@app.command()
def reload(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Have the running gateway read its configuration again; no request is cut.

    What can't be changed without a restart stays as it was, and is named.
    """
    settings = load(config)
    address = running_at(settings)
    if address is None:
        raise ConfigError("no gateway runs here; `pointsman serve` reads it when it starts")
    asked = remote.call(settings, address, "/v1/config/reload", _Renewed, {})
    renewed = asyncio.run(asked)
    if as_json:
        print_json(msgspec.to_builtins(renewed))
        return
    typer.echo(f"changed: {', '.join(renewed.changed) or 'nothing'}")
    if renewed.waiting:
        typer.echo(f"with the next start: {', '.join(renewed.waiting)}")
