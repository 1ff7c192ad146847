"""`pointsman` alone: what it is, how things stand here, and what to type next."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

import typer

from pointsman.assembly.offline import running_at
from pointsman.assembly.wiring import missing_weights
from pointsman.config import Settings, find, load
from pointsman.errors import PointsmanError
from pointsman.presets import presets

#: What to do first, and why; those commands are shown that there are.
_STEPS = (
    ("demo", "pointsman demo", "watch ten prompts being routed; needs nothing"),
    ("init", "pointsman init", "find models and keys, and write a configuration"),
    ("serve", "pointsman serve", "start the gateway, and point any client at it"),
    ("chat", "pointsman chat", "talk to it here"),
    ("launch", "pointsman launch claude", "start a coding agent that goes through it"),
    ("dashboard", "pointsman dashboard", "see where every prompt goes, and why"),
    ("batch", "pointsman batch FILE", "answer every row of a file"),
    ("doctor", "pointsman doctor", "find what is wrong, and the command that mends it"),
)


def welcome(commands: Collection[str]) -> None:
    """Explain Pointsman to whoever typed its name; looks at files alone, and calls nobody."""
    typer.echo("Pointsman sends each prompt to the cheapest model that will answer it well:")
    typer.echo("a local one, a cheap cloud model, a strong one, or an answer it already has.")
    typer.echo()
    for name, found in _standing():
        typer.echo(f"  {name:<14} {found}")
    typer.echo()
    typer.echo("What next:")
    for name, line, why in _STEPS:
        if name in commands:
            typer.echo(f"  {line:<24} {why}")
    typer.echo()
    typer.echo("All commands: pointsman --help")


def _standing() -> Iterator[tuple[str, str]]:
    file = find(os.environ)
    try:
        settings = load(file)
        address = running_at(settings)
    except PointsmanError as error:
        yield "configuration", f"{error}"
        return
    yield "configuration", _shown(file) if file else "none: it finds out by itself"
    yield "models", _models(settings)
    yield "keys", ", ".join(_keys()) or "none of a provider in the environment"
    yield "gateway", f"runs at {address}" if address else "not running"


def _models(settings: Settings) -> str:
    missing = missing_weights(settings)
    if missing is None:
        return ", ".join(settings.models)
    if "models" in settings.model_fields_set:
        return missing
    return "what runs on this machine; to have one: pointsman models pull smollm2"


def _keys() -> list[str]:
    """The variables that hold one, by name."""
    known = (key for preset in presets().values() for key in preset.keys)
    return [key for key in dict.fromkeys(known) if os.environ.get(key)]


def _shown(file: Path) -> str:
    """As short as it can be typed."""
    return os.path.relpath(file) if file.is_relative_to(Path.cwd()) else str(file)
