"""`pointsman learn`: what was learned, what happened to it, and taking it back. `pointsman retrain`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from pointsman.cli import learn_replay, learned
from pointsman.cli.options import ConfigOption, JsonOption, OrganisationOption
from pointsman.cli.output import dollars, print_json, print_table
from pointsman.config import load
from pointsman.feedback.learning_view import ChangeView, LearningView

app = typer.Typer(
    help="Look at what was learned from outcomes, and take it back.", no_args_is_help=True
)
app.command("replay")(learn_replay.replay)


@app.command()
def status(
    organisation: OrganisationOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is in force, since when and why, and what exploring takes."""
    found = asyncio.run(learned.status(load(config), organisation))
    if as_json:
        print_json(found)
    else:
        _print_status(found)


@app.command("history")
def history_(
    organisation: OrganisationOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was promoted, kept, moved, noticed and taken back, the newest first."""
    found = asyncio.run(learned.status(load(config), organisation))
    if as_json:
        print_json(found.changes)
        return
    _print_changes(found.changes)


@app.command()
def revert(
    version: Annotated[
        str | None,
        typer.Argument(
            metavar="VERSION", help="As `learn history` names it, or shipped; else the one before."
        ),
    ] = None,
    organisation: OrganisationOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put an earlier version in force again, at once; `pointsman retrain` lets it go on."""
    change = asyncio.run(learned.reverted(load(config), organisation, version))
    if as_json:
        print_json(change)
    else:
        typer.echo(f"{change.text}; nothing is promoted until `pointsman retrain` finds better")


def retrain(
    organisation: OrganisationOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Learn from outcomes now, and say what that changed."""
    found = asyncio.run(learned.retrained(load(config), organisation))
    if as_json:
        print_json(found)
        return
    if not found.changes:
        typer.echo("nothing changed: there is nothing to learn from yet; ratings tell most")
    for change in found.changes:
        typer.echo(_whose(change.organisation) + change.text)


def _print_status(found: LearningView) -> None:
    if not found.enabled:
        typer.echo("learning is off: [learning] enabled = false")
        return
    for each in found.in_force:
        since = "" if each.since is None else f" since {each.since:%Y-%m-%d %H:%M}"
        held = "; nothing is promoted until `pointsman retrain` finds better" if each.held else ""
        typer.echo(f"{_whose(each.organisation)}{each.version}{since}{held}")
        if each.why:
            typer.echo(f"  {each.why}")
    exploring = found.exploring
    if exploring.enabled:
        wider = ", wider since something changed" if exploring.widened else ""
        drawn = ""
        if exploring.extra is not None and exploring.spent is not None:
            drawn = (
                f"; {exploring.drawn} of {exploring.drawable} were drawn since the gateway started,"
                f" at an expected {dollars(exploring.extra)} of {dollars(exploring.spent)}"
            )
        typer.echo(
            f"exploring: {exploring.share:.1%} of the requests on average{wider}, for at most"
            f" {exploring.cost:.1%} of the money{drawn}"
        )
    else:
        typer.echo("exploring: off")
    if found.patterns:
        print_table(
            ("pattern", "score", "points #"),
            [
                (_whose(each.organisation) + each.domain, str(each.band), f"{each.points:+g}")
                for each in found.patterns
            ],
        )
    _print_changes(found.changes[:5])


def _print_changes(changes: list[ChangeView]) -> None:
    if not changes:
        typer.echo("nothing has happened yet")
        return
    print_table(
        ("when", "what", "why"),
        [
            (f"{each.time:%Y-%m-%d %H:%M}", each.kind, _whose(each.organisation) + each.text)
            for each in changes
        ],
    )


def _whose(organisation: str) -> str:
    return f"{organisation}: " if organisation else ""
