"""`pointsman train`: fit the scorer's weights to your own outcomes."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pointsman.cli.options import ConfigOption, JsonOption, OrganisationOption
from pointsman.cli.output import print_json
from pointsman.config import Settings, load
from pointsman.errors import PointsmanError

if TYPE_CHECKING:
    from pointsman.cli.trained import Trained


def train(
    *,
    from_ledger: Annotated[
        bool, typer.Option("--from-ledger", help="From the outcomes in the books.")
    ] = False,
    organisation: OrganisationOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to write; else in the home folder."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write them even if they are not proven.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit the learned scorer's weights to your own outcomes, and prove them on later ones.

    They are written only where they are better; nothing uses them before you say so.
    """
    if not from_ledger:
        raise typer.BadParameter("say what to train from: --from-ledger")
    settings = load(config)
    trained = asyncio.run(_trained(settings, organisation))
    if not (trained.proven or force):
        if as_json:
            print_json({"file": None, "version": trained.version, **trained.facts})
        raise PointsmanError(f"{trained.verdict}. Nothing is written; --force writes it")
    file = out or settings.home / f"learned-{trained.version}.json"
    _write(file, trained.text)
    if as_json:
        print_json({"file": str(file), "version": trained.version, **trained.facts})
        return
    typer.echo(trained.verdict)
    typer.echo(f'written to {file}; to use it:\n\n[routing]\nweights = "{file.resolve()}"')


def _trained(settings: Settings, organisation: str | None) -> Coroutine[None, None, Trained]:
    made: Coroutine[None, None, Trained] = importlib.import_module("pointsman.cli.trained").trained(
        settings, organisation
    )
    return made


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PointsmanError(f"{file} can't be written: {error.strerror}") from error
