"""What deploy/ holds, and the programs that look at it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
#: What `scripts/prepare-deploy-tools` fetched.
FETCHED = ROOT / "var" / "deploy"


def program(name: str) -> Path:
    """Where a program is; skips the test where it is not."""
    places = (FETCHED / "tools" / "bin", FETCHED, "/usr/sbin", "/usr/bin", "/bin")
    found = shutil.which(name, path=":".join(map(str, places)))
    if found is None:
        pytest.skip(f"no {name}: scripts/prepare-test-full fetches it")
    return Path(found)


def run(name: str, *arguments: object, cwd: Path = ROOT, **environment: str) -> str:
    """What a program prints that is content; fails with what it says where it is not."""
    done = subprocess.run(
        [program(name), *map(str, arguments)],
        cwd=cwd,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
