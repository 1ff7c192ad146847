"""`pointsman experiment`: two deployments or two versions, compared on a share of the traffic."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from pointsman.cli import experimented
from pointsman.cli.options import ConfigOption, JsonOption
from pointsman.cli.output import print_json, print_table
from pointsman.config import load
from pointsman.feedback.experiment_view import ExperimentView, FiguresView
from pointsman.feedback.intervals import Interval
from pointsman.types import Json

app = typer.Typer(
    help="Compare two deployments, or two learned versions, on a share of the traffic.",
    no_args_is_help=True,
)

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="As `experiment status` and each decision name it.")
]


@app.command()
def start(
    *,
    a: Annotated[str, typer.Option("--a", metavar="NAME", help="What is used now.")],
    b: Annotated[str, typer.Option("--b", metavar="NAME", help="What might be better.")],
    versions: Annotated[
        bool,
        typer.Option(
            "--versions", help="They are learned versions, or `shipped`: not deployments."
        ),
    ] = False,
    share: Annotated[
        float,
        typer.Option(help="Of the conversations that could take part, 0 to 1; half on each side."),
    ] = 0.2,
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    organisation: Annotated[
        str | None, typer.Option("--organisation", metavar="NAME", help="Only this one's traffic.")
    ] = None,
    until_decided: Annotated[
        bool,
        typer.Option("--until-decided", help="Stop as soon as one side is known to be better."),
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start an experiment: each conversation stays on the side that it is drawn to."""
    wish: dict[str, Json] = {
        "a": a,
        "b": b,
        "of": "versions" if versions else "deployments",
        "share": share,
        "name": name,
        "until_decided": until_decided,
    }
    if organisation is not None:
        wish["organisation"] = organisation
    made = asyncio.run(experimented.started(load(config), wish))
    if as_json:
        print_json(made)
        return
    typer.echo(f"{made.id} runs: {made.a} against {made.b} on {_share(made)} of the conversations")
    if made.note:
        typer.echo(made.note)
    typer.echo(f"`pointsman experiment status {made.id}` says how they do")


@app.command()
def status(
    experiment_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One of them; else all.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how the sides do: quality, cost and latency, with intervals that hold at any time."""
    settings = load(config)
    if experiment_id is not None:
        found = asyncio.run(experimented.shown(settings, experiment_id))
        if as_json:
            print_json(found)
        else:
            _print_one(found)
        return
    everything = asyncio.run(experimented.listed(settings))
    if as_json:
        print_json(everything)
    elif everything.data:
        _print_all(everything.data)
    else:
        typer.echo("There is no experiment. `pointsman experiment start --a X --b Y` starts one.")


@app.command()
def stop(
    experiment_id: IdArgument,
    reason: Annotated[str, typer.Option(help="Why, for people.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """End an experiment. What it showed stays to be read."""
    ended = asyncio.run(experimented.stopped(load(config), experiment_id, reason))
    if as_json:
        print_json(ended)
    else:
        _print_one(ended)


def _print_all(experiments: Sequence[ExperimentView]) -> None:
    print_table(
        ("experiment", "name", "organisation", "a", "b", "share #", "state", "since", "verdict"),
        [
            (
                each.id,
                each.name,
                each.organisation or "(all)",
                each.a,
                each.b,
                _share(each),
                each.state,
                f"{each.started:%Y-%m-%d %H:%M}",
                each.reason if each.figures is None else each.figures.verdict,
            )
            for each in experiments
        ],
    )


def _print_one(experiment: ExperimentView) -> None:
    until = f" until {experiment.stopped:%Y-%m-%d %H:%M}" if experiment.stopped else ""
    typer.echo(
        f"{experiment.id} {experiment.name}: {experiment.state}, "
        f"{_share(experiment)} of the conversations, from {experiment.started:%Y-%m-%d %H:%M}{until}"
    )
    for said in (experiment.note, experiment.reason):
        if said:
            typer.echo(said)
    if experiment.figures is not None:
        typer.echo()
        _print_figures(experiment, experiment.figures)


def _print_figures(experiment: ExperimentView, figures: FiguresView) -> None:
    a, b, less = figures.a, figures.b, figures.difference
    print_table(
        ("", f"a: {experiment.a} #", f"b: {experiment.b} #", "b less a, 95 % #"),
        [
            ("conversations", str(a.conversations), str(b.conversations), ""),
            ("requests", str(a.requests), str(b.requests), ""),
            ("failed", str(a.failed), str(b.failed), ""),
            ("answered by another", str(a.fallen_back), str(b.fallen_back), ""),
            ("quality", _span(a.quality, 3), _span(b.quality, 3), _span(less["quality"], 3)),
            ("cost $", _span(a.cost, 6), _span(b.cost, 6), _span(less["cost"], 6)),
            (
                "latency ms",
                _span(a.latency_ms, 0),
                _span(b.latency_ms, 0),
                _span(less["latency_ms"], 0),
            ),
        ],
    )
    typer.echo(f"\n{figures.verdict}")


def _share(experiment: ExperimentView) -> str:
    return f"{experiment.share * 100:.3g}%"


def _span(interval: Interval, places: int) -> str:
    if interval.value is None:
        return "unknown"
    value = f"{interval.value:z.{places}f}"
    if interval.low is None or interval.high is None:
        return value
    return f"{value} ({interval.low:z.{places}f} to {interval.high:z.{places}f})"
