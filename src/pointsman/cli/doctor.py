"""`pointsman doctor`: what works, what does not, and the one command that mends it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote

import typer
from msgspec.structs import asdict

from pointsman.assembly import discovery
from pointsman.assembly.tariffs import baseline_doubt
from pointsman.cli.checkup import kept, machine, shared, whole
from pointsman.cli.checkup.check import Check
from pointsman.cli.checkup.deployments import deployments
from pointsman.cli.options import ConfigOption, JsonOption
from pointsman.cli.output import print_json, print_table
from pointsman.config import Settings, find, load
from pointsman.config.unread import unread
from pointsman.errors import PointsmanError


def doctor(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check this machine, the configuration and every deployment; exit code 1 if one fails.

    Nothing is changed and no token is spent. Each finding comes with what mends it.
    """
    checks = asyncio.run(_all(config))
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        print_table(("check", "status", "detail"), [(c.name, c.status, c.detail) for c in checks])
        _print_mends(checks)
    if any(check.status == "failed" for check in checks):
        raise typer.Exit(1)


async def _all(config: Path | None) -> list[Check]:
    return [*machine.machine(), *[check async for check in _configured(config)]]


async def _configured(config: Path | None) -> AsyncIterator[Check]:
    try:
        settings = load(config)
    except PointsmanError as error:
        yield Check("configuration", "failed", str(error), _written(config))
        return
    file = config or find(os.environ)
    faults = whole.faults(settings, os.environ)
    if faults:
        yield Check("configuration", "failed", "; ".join(faults))
    else:
        yield Check("configuration", "ok", str(file) if file else "none found: defaults")
    for doubt in unread(Settings, os.environ):
        yield Check("environment", "warning", doubt, f"unset {doubt.partition(':')[0]}")
    if settings.detect:
        found = await discovery.servers(discovery.addresses(os.environ))
        yield Check("local servers", "ok", discovery.in_words(found))
        settings = discovery.with_found(settings, found, os.environ)
    yield machine.home(settings)
    books, newest = await kept.books(settings)
    yield books
    for check in await kept.cache(settings):
        yield check
    async for check in shared.redis(settings):
        yield check
    yield await machine.port(settings)
    yield await asyncio.to_thread(machine.clock, settings, newest)
    yield kept.prices(settings)
    for check in (*_money(settings), *kept.embedded(settings), *await deployments(settings)):
        yield check


def _money(settings: Settings) -> Iterator[Check]:
    """What budgets and savings come to nothing for."""
    now = datetime.now(UTC)
    if doubt := whole.unpriced(settings, now):
        mend = '[models.<id>] priced_as = "<a model that `pointsman prices show` knows>"'
        yield Check("budgets", "warning", doubt, mend)
    if doubt := baseline_doubt(settings, now):
        mend = '[routing] baseline = "<a deployment, or what `pointsman prices show` knows>"'
        yield Check("baseline", "warning", doubt, mend)


def _written(config: Path | None) -> str | None:
    """What writes a configuration that is not there."""
    if config is None or config.exists():
        return None
    return f"pointsman init --config {quote(str(config))}"


def _print_mends(checks: list[Check]) -> None:
    mends = [check for check in checks if check.mend is not None]
    if not mends:
        return
    typer.echo()
    typer.echo("What mends it:")
    for check in mends:
        typer.echo(f"  {check.name}: {check.mend}")
