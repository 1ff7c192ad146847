"""`pointsman doctor`: what works, what does not, and the one command that mends it."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import typer

from pointsman import discovery
from pointsman.app import App, missing_weights
from pointsman.cli.options import ConfigOption, JsonOption
from pointsman.cli.output import print_json, print_table
from pointsman.config import Settings, find, load
from pointsman.errors import PointsmanError
from pointsman.offline import reading, running_at

_LEAST_DISK_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    status: Literal["ok", "warning", "failed"]
    detail: str


def doctor(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check this machine, the configuration and every deployment; exit code 1 if one fails."""
    checks = [*_machine(), *_configured(config)]
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        print_table(("check", "status", "detail"), [(c.name, c.status, c.detail) for c in checks])
    if any(check.status == "failed" for check in checks):
        raise typer.Exit(1)


def _machine() -> Iterator[Check]:
    yield Check("python", "ok", f"{platform.python_version()} on {sys.platform}")
    cores = os.cpu_count() or 1
    yield Check("cores", "ok", str(cores))


def _configured(config: Path | None) -> Iterator[Check]:
    try:
        settings = load(config)
    except PointsmanError as error:
        yield Check("configuration", "failed", str(error))
        return
    file = config or find(os.environ)
    yield Check("configuration", "ok", str(file) if file else "none found: defaults")
    if settings.detect:
        found = asyncio.run(discovery.servers(discovery.addresses(os.environ)))
        yield Check("local servers", "ok", discovery.in_words(found))
        settings = discovery.with_found(settings, found, os.environ)
    yield _home(settings)
    yield _books(settings)
    yield _port(settings)
    if any(model.provider == "embedded" for model in settings.models.values()):
        yield from _embedded(settings)
    yield from asyncio.run(_deployments(settings))


def _home(settings: Settings) -> Check:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        return Check("home", "failed", f"{settings.home} is not writable; set POINTSMAN_HOME")
    free = shutil.disk_usage(folder).free
    status: Literal["ok", "warning"] = "ok" if free > _LEAST_DISK_BYTES else "warning"
    return Check("home", status, f"{settings.home}, {free / 1e9:.0f} GB free")


def _books(settings: Settings) -> Check:
    try:
        asyncio.run(_opened(settings))
    except PointsmanError as error:
        return Check("books", "failed", str(error))
    where = str(settings.database) if settings.ledger.url is None else "in PostgreSQL"
    return Check("books", "ok", where)


async def _opened(settings: Settings) -> None:
    async with reading(settings):
        """To open them is all."""


def _port(settings: Settings) -> Check:
    address = running_at(settings)
    if address is not None:
        return Check("port", "ok", f"a gateway runs at {address}")
    host, port = settings.server.host, settings.server.port
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            detail = f"{host}:{port}: {error.strerror}; `pointsman serve --port N`"
            return Check("port", "failed", detail)
    return Check("port", "ok", f"{host}:{port} is free")


def _embedded(settings: Settings) -> Iterator[Check]:
    if importlib.util.find_spec("xllamacpp") is None:
        yield Check("llama.cpp", "failed", "not installed: pip install 'pointsman[local]'")
    else:
        yield Check("llama.cpp", "ok", "xllamacpp is installed")
    missing = missing_weights(settings)
    if missing:
        yield Check("weights", "failed", missing)
    else:
        yield Check("weights", "ok", "here")


async def _deployments(settings: Settings) -> list[Check]:
    """A look at each deployment's server, all at once; embedded ones were looked at above."""
    try:
        app = App(settings)
    except PointsmanError as error:
        return [Check("deployments", "failed", str(error))]
    remote = {
        name: provider
        for name, provider in app.providers().items()
        if settings.models[name].provider != "embedded"
    }
    try:
        seen = await asyncio.gather(*(provider.probe() for provider in remote.values()))
    finally:
        await app.close()
    return [
        Check(name, "failed" if health.state == "down" else "ok", health.detail or health.state)
        for name, health in zip(remote, seen, strict=True)
    ]
