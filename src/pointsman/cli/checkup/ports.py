"""Who listens on a port of this machine, as far as this user may know."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LISTENING = "0A"
_PATIENCE_S = 5.0


def holder(port: int) -> str | None:
    """The program and its process, such as `python3 (process 4711)`; None where it can't be told."""
    if Path("/proc/net/tcp").exists():
        return _by_proc(port)
    return _by_lsof(port)


def _by_proc(port: int) -> str | None:
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in Path("/proc").glob("[0-9]*"):
        if not sockets.isdisjoint(_opened(process)):
            name = (process / "comm").read_text(encoding="utf-8").strip()
            return f"{name} (process {process.name})"
    return None


def _opened(process: Path) -> Iterator[str]:
    """What a process has open; nothing where that is another user's business, or it has ended."""
    with suppress(OSError):
        for each in (process / "fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                yield str(each.readlink())


def _listening(port: int) -> Iterator[str]:
    """The inodes of the sockets that listen there."""
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text(encoding="utf-8").splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
                yield inode


def _by_lsof(port: int) -> str | None:
    program = shutil.which("lsof")
    if program is None:
        return None
    command = [program, "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"]
    found = subprocess.run(  # noqa: S603 - nothing of it is a user's
        command, capture_output=True, text=True, check=False, timeout=_PATIENCE_S
    )
    said = {line[:1]: line[1:] for line in found.stdout.splitlines()}
    return f"{said['c']} (process {said['p']})" if {"c", "p"} <= said.keys() else None
