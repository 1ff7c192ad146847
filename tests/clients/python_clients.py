"""Clients in environments of their own, which scripts/prepare_clients.py makes in var/clients."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parents[2] / "var" / "clients"
#: Seconds that one run of a client may take.
PATIENCE_S = 240.0


@dataclass(frozen=True)
class Ran:
    """A program that has ended."""

    code: int
    #: All it wrote, errors included.
    said: str


def prepared(name: str) -> Path:
    """What lies in var/clients under this name; skips the test where it is not there."""
    if not (found := CLIENTS / name).is_dir():
        pytest.skip(f"needs {found}: scripts/prepare_clients.py makes it (`make test-full` does)")
    return found


async def run(
    environment: str, *arguments: str | Path, home: Path, more: Mapping[str, str] | None = None
) -> Ran:
    """Run the `python` of an environment, or another of its programs named first.

    It finds the folder `home`, the variables in `more`, and nothing of this process's own settings.
    """
    program, *others = arguments
    variables = {"PATH": os.environ["PATH"], "HOME": str(home), "NO_COLOR": "1", **(more or {})}
    process = await asyncio.create_subprocess_exec(
        prepared(environment) / "bin" / program,
        *others,
        cwd=home,
        env=variables,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ran(process.returncode or 0, said.decode(errors="replace"))
