"""The machine: Python, cores, the disk, the port, the clock."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from pointsman.assembly.offline import running_at
from pointsman.cli.checkup.check import Check
from pointsman.cli.checkup.ports import holder
from pointsman.config import Settings
from pointsman.providers.detect import identify
from pointsman.providers.http import HttpClient

#: Bytes: with less the books may not find room for the day, or for the next minutes.
_LITTLE_ROOM, _NO_ROOM = 1_000_000_000, 50_000_000
#: How far clocks may be apart: budgets and limits are kept by the clock.
_APART = timedelta(seconds=60)
_PATIENCE_S = 3.0


def machine() -> Iterator[Check]:
    """What it runs on."""
    yield Check("python", "ok", f"{platform.python_version()} on {sys.platform}")
    yield Check("cores", "ok", str(os.cpu_count() or 1))


def home(settings: Settings) -> Check:
    """The folder of the books and the weights, and the room there."""
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    elsewhere = "export POINTSMAN_HOME=<a folder with room>"
    if not os.access(folder, os.W_OK):
        detail = f"{settings.home} is not writable; set POINTSMAN_HOME"
        return Check("home", "failed", detail, elsewhere)
    free = shutil.disk_usage(folder).free
    detail = f"{settings.home}, {_size(free)} free"
    if free < _NO_ROOM:
        return Check("home", "failed", f"{detail}: the disk is full", elsewhere)
    if free < _LITTLE_ROOM:
        return Check("home", "warning", detail, _makes_room(settings))
    return Check("home", "ok", detail)


async def port(settings: Settings) -> Check:
    """Whether the gateway runs, or could listen; who is in its place."""
    address = running_at(settings)
    if address is not None:
        return Check("port", "ok", f"a gateway runs at {address}")
    host, number = settings.server.host, settings.server.port
    reason = _refused(host, number)
    if reason is None:
        return Check("port", "ok", f"{host}:{number} is free")
    client = HttpClient()
    try:
        server = await identify(client, f"http://{_dialled(host)}:{number}")
    finally:
        await client.close()
    who = holder(number) or "another program"
    if server is not None and server.kind == "pointsman":
        who = f"{who}, a Pointsman with another home"
    detail = f"{host}:{number}: {reason}, held by {who}; `pointsman serve --port N`"
    return Check("port", "failed", detail, f"pointsman serve --port {_free_one(host, number)}")


def clock(settings: Settings, newest: datetime | None) -> Check:
    """This machine's against that of the first cloud server that answers, and the newest entry's."""
    now = datetime.now(UTC)
    sets = (
        "sudo timedatectl set-ntp true" if sys.platform == "linux" else "sudo sntp -sS pool.ntp.org"
    )
    if newest is not None and newest > now + _APART:
        detail = f"it is {now:%Y-%m-%d %H:%M} UTC here, and the books have an entry of {newest:%Y-%m-%d %H:%M}"
        return Check("clock", "warning", detail, sets)
    addresses = {
        model.address: None
        for model in settings.models.values()
        if model.where == "cloud" and model.address is not None
    }
    for address in addresses:
        told = _told_by(address)
        if told is not None:
            apart = datetime.now(UTC) - told
            if abs(apart) > _APART:
                way = "ahead of" if apart > timedelta() else "behind"
                detail = f"{abs(apart).total_seconds():.0f} s {way} {address}"
                return Check("clock", "warning", detail, sets)
            return Check("clock", "ok", f"as at {address}")
    return Check("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC; no cloud server to compare it with")


def _told_by(address: str) -> datetime | None:
    """What time it is at a server; None where it does not say."""
    request = urllib.request.Request(address, method="HEAD")  # noqa: S310 - http by its settings
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as reply:  # noqa: S310
            date = reply.headers["date"]
    except urllib.error.HTTPError as error:
        date = error.headers["date"]
        error.close()
    except OSError:
        return None
    try:
        told = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def _refused(host: str, number: int) -> str | None:
    """Why nothing can listen there; None where it can."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
            probe.listen()
        except OSError as error:
            return error.strerror or str(error)
    return None


def _free_one(host: str, number: int) -> int:
    """The next port that is free, above those that are not for everybody."""
    above = range(max(number + 1, 1024), 65536)
    return next((each for each in above if _refused(host, each) is None), 0)


def _dialled(host: str) -> str:
    """Where a server that listens there is found."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"[{host}]" if ":" in host else host


def _makes_room(settings: Settings) -> str:
    """The larger of what can be had again: cached replies, or weights."""
    weights = sum(each.stat().st_size for each in _files(settings.home / "models"))
    cached = settings.cache_file.stat().st_size if settings.cache_file.exists() else 0
    return "pointsman cache clear" if cached > weights else "pointsman models rm <name>"


def _files(folder: Path) -> Iterator[Path]:
    return (each for each in folder.rglob("*") if each.is_file())


def _size(count: int) -> str:
    return f"{count / 1e9:.0f} GB" if count >= _LITTLE_ROOM else f"{count / 1e6:.0f} MB"
