"""`pointsman launch`: a client, pointed at the gateway."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal

import typer

from pointsman.cli.gateway import key_for, let_in, reachable, running
from pointsman.cli.options import ConfigOption, ModelOption
from pointsman.config import Settings, load
from pointsman.errors import ConfigError
from pointsman.onboarding.clients import CLIENTS, Gateway, Recipe

#: The terminal was closed, or somebody ends this process.
_ENDINGS = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGTERM") if hasattr(signal, name))
#: What a shell says of a program that a signal ended.
_SIGNALLED = 128

AddressOption = Annotated[
    str | None,
    typer.Option("--address", metavar="URL", help="The gateway; else the one on this machine."),
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="KEY", envvar="POINTSMAN_KEY", help="A key of the gateway's."),
]


def launch(
    *,
    client: Annotated[
        Literal["claude", "codex", "opencode", "aider", "llm"],
        typer.Argument(help="claude, codex, opencode, aider or llm."),
    ],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="-- ARGS", help="The client's own arguments.")
    ] = None,
    config: ConfigOption = None,
    model: ModelOption = "auto",
    address: AddressOption = None,
    key: KeyOption = None,
) -> None:
    """Start a client through the gateway, and a gateway for that time where none runs.

    Exits with the client's exit code. The client's own files stay as they are.
    """
    settings = load(config)
    key = key_for(settings, key)
    program = _program(CLIENTS[client](Gateway("", key, model)))
    if address is not None:
        code = _through(
            Gateway(reachable(address), key, model), client, program, settings, arguments
        )
    else:
        with _heard(_leave, *_ENDINGS), running(settings, config) as found:
            code = _through(Gateway(found, key, model), client, program, settings, arguments)
    raise typer.Exit(code)


def _program(recipe: Recipe) -> str:
    found = shutil.which(recipe.program)
    if found is None:
        raise ConfigError(f"{recipe.program} is not installed; `{recipe.install}` gets it")
    return found


def _through(
    to: Gateway, client: str, program: str, settings: Settings, arguments: list[str] | None
) -> int:
    """Run it to its end; its exit code."""
    let_in(to.address, to.key)
    recipe = CLIENTS[client](to)
    typer.echo(f"{recipe.program} through {to.address}, model {to.model}", err=True)
    command = [program, *recipe.arguments, *(arguments or ())]
    environment = _environment(recipe, settings.home / "clients" / client)
    process = subprocess.Popen(command, env=environment)  # noqa: S603 - what the user asked for
    try:
        with _heard(lambda *_: None, signal.SIGINT):  # Ctrl-C is the client's own matter
            code = process.wait()
    finally:
        process.terminate()
        process.wait()
    return code if code >= 0 else _SIGNALLED - code


@contextlib.contextmanager
def _heard(
    handler: Callable[[int, FrameType | None], None], *signals: signal.Signals
) -> Iterator[None]:
    before = {each: signal.signal(each, handler) for each in signals}
    try:
        yield
    finally:
        for each, handled in before.items():
            signal.signal(each, handled)


def _leave(number: int, _: FrameType | None) -> None:
    """End, so that what was started ends, too."""
    sys.exit(_SIGNALLED + number)


def _environment(recipe: Recipe, folder: Path) -> dict[str, str]:
    """This process's, with what the client needs; its files are written."""
    ours = {name: value for name, value in os.environ.items() if name not in recipe.without}
    if recipe.folder_variable is None:
        return {**ours, **recipe.environment}
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, text in recipe.files.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text, encoding="utf-8")
    return {**ours, **recipe.environment, recipe.folder_variable: str(folder)}
