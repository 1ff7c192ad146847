"""`pointsman models`: the weights on this machine."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from pointsman.cli.options import ConfigOption, JsonOption
from pointsman.cli.output import print_json, print_table
from pointsman.cli.progress import Display
from pointsman.config import load
from pointsman.weights import WeightsStore, published_weights

app = typer.Typer(help="Fetch, list and remove model weights.", no_args_is_help=True)


@app.command()
def pull(
    spec: Annotated[
        str, typer.Argument(help="A name such as smollm2, or the path or URL of a GGUF file.")
    ],
    config: ConfigOption = None,
) -> None:
    """Fetch weights; an interrupted download goes on where it stopped."""
    store = WeightsStore(load(config).home)
    here = store.find(spec)
    if here is not None:
        typer.echo(f"{spec} is here: {here}")
        return
    started = time.monotonic()
    with Display("MB", per_s=True) as display:
        weights = store.pull(
            spec, lambda done, total: display(spec, done / 1e6, total and total / 1e6)
        )
    licence = f", {weights.published.licence}" if weights.published else ""
    seconds = time.monotonic() - started
    typer.echo(
        f"{weights.name}: {weights.size / 1e6:.0f} MB{licence} in {seconds:.0f} s, {weights.path}"
    )


@app.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the weights that are here, and the names that can be pulled."""
    here = WeightsStore(load(config).home).list()
    names = {weights.name for weights in here}
    rows = [(weights.name, f"{weights.size / 1e6:.0f}", str(weights.path)) for weights in here]
    rows += [
        (name, f"{known.size / 1e6:.0f}", f"pointsman models pull {name}")
        for name, known in published_weights().items()
        if name not in names
    ]
    if as_json:
        print_json(
            [{"name": w.name, "path": str(w.path), "bytes": w.size, "here": True} for w in here]
            + [
                {"name": name, "path": None, "bytes": known.size, "here": False}
                for name, known in published_weights().items()
                if name not in names
            ]
        )
    else:
        print_table(("weights", "MB #", "where"), rows)


@app.command("rm")
def remove(
    name: Annotated[str, typer.Argument(help="The name that `models list` shows.")],
    config: ConfigOption = None,
) -> None:
    """Delete weights from this machine."""
    WeightsStore(load(config).home).remove(name)
    typer.echo(f"{name} is removed")
