"""All commands, by name."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from pointsman.app import version
from pointsman.cli import (
    ask,
    batches,
    batching,
    cache,
    calibrate,
    configuration,
    dashboard,
    database,
    decisions,
    demo,
    doctor,
    experiment,
    init,
    keys,
    launch,
    learn,
    models,
    organisations,
    prices,
    prove,
    report,
    route,
    serve,
    snippets,
    train,
    welcome,
)
from pointsman.cli.chat import command as chat
from pointsman.errors import PointsmanError

app = typer.Typer(
    name="pointsman",
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
)
app.command("init")(init.init)
app.command("launch")(launch.launch)
app.command("snippets")(snippets.snippets)
app.command("serve")(serve.serve)
app.command("chat")(chat.chat)
app.command("ask")(ask.ask)
app.command("route")(route.route)
app.command("demo")(demo.demo)
app.command("prove")(prove.prove)
app.command("calibrate")(calibrate.calibrate)
app.command("train")(train.train)
app.command("report")(report.report)
app.command("decisions")(decisions.decisions)
app.command("retrain")(learn.retrain)
app.command("batch")(batching.batch)
app.command("dashboard")(dashboard.dashboard)
app.command("doctor")(doctor.doctor)
app.add_typer(keys.app, name="keys")
app.add_typer(organisations.app, name="organisations")
app.add_typer(batches.app, name="batches")
app.add_typer(cache.app, name="cache")
app.add_typer(experiment.app, name="experiment")
app.add_typer(learn.app, name="learn")
app.add_typer(models.app, name="models")
app.add_typer(prices.app, name="prices")
app.add_typer(database.app, name="db")
app.add_typer(configuration.app, name="config")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version())
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Send each prompt to the cheapest model that will answer it well, and prove it."""
    del show_version
    if context.invoked_subcommand is None:
        welcome.welcome([command.name for command in app.registered_commands if command.name])


@functools.cache
def _command() -> Callable[[], object]:
    """All of them, read from their signatures once: that takes as long as a small command."""
    return typer.main.get_command(app)


def run() -> None:
    """Run the command that the arguments name and exit with its code."""
    try:
        _command()()
    except PointsmanError as error:
        typer.echo(f"pointsman: {error}", err=True)
        sys.exit(1)
