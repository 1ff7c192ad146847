"""Sets up what tests/clients drives, under var/clients; does nothing where that is done already.

One environment for each file of requirements, named after it, exactly as locked; and
openai-python's source, for its own tests: the version and the hash that the lock names.
Run it with the Python that the clients shall have.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

from pointsman.weights.download import download, sha256

ROOT = Path(__file__).parents[1]
LOCKS = ROOT / "tests" / "clients" / "environments"
CLIENTS = ROOT / "var" / "clients"
SOURCE = CLIENTS / "openai-src"
_UV = Path(sys.executable).with_name("uv")
_PINNED = re.compile(r"^openai(?:\[\w+\])?(==\S+)((?:\s.*)?(?:\n    .*)*)", re.MULTILINE)


def environment(lock: Path) -> None:
    """Make the environment that a lock describes; it keeps the lock it was made from."""
    home = CLIENTS / lock.stem
    made_from = home / "requirements.txt"
    if made_from.is_file() and made_from.read_bytes() == lock.read_bytes():
        return
    print(f"Setting up {home.relative_to(ROOT)} ...")
    uv("venv", "--quiet", "--clear", "--python", sys.executable, str(home))
    options = ("--quiet", "--require-hashes", "--no-build", "--python", str(home))
    uv("pip", "install", *options, "--requirements", str(lock))
    shutil.copy(lock, made_from)


def openai_source(lock: Path) -> None:
    """Fetch and unpack the source of the openai that a lock names; nothing of it is run.

    Exits where the index offers another file than the one that was locked.
    """
    pin = _PINNED.search(lock.read_text(encoding="utf-8"))
    if pin is None:
        sys.exit(f"{lock.name} names no openai")
    requirement = f"openai{pin[1]}"
    stamp = SOURCE / "requirement.txt"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == requirement:
        return
    print(f"Fetching the source of {requirement} ...")
    url, digest = _whereabouts(requirement)
    archive = CLIENTS / "openai.tar.gz"
    download(url, archive, pinned=True, progress=lambda *_: None)
    if sha256(archive) != digest or f"sha256:{digest}" not in pin[2]:
        archive.unlink()
        sys.exit(f"{requirement}: the source is not the one that {lock.name} names")
    shutil.rmtree(SOURCE, ignore_errors=True)
    with tarfile.open(archive) as packed:
        packed.extractall(SOURCE, filter="data")
    archive.unlink()
    stamp.write_text(requirement, encoding="utf-8")


def uv(*arguments: str, given: str | None = None) -> str:
    """Run uv on the text `given`; what it prints. Raises CalledProcessError."""
    done = subprocess.run(
        [_UV, *arguments], cwd=ROOT, input=given, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def _whereabouts(requirement: str) -> tuple[str, str]:
    """URL and SHA-256 of the source distribution, as the index that uv uses has them."""
    options = ("--quiet", "--no-deps", "--no-header", "--format", "pylock.toml")
    found = tomllib.loads(uv("pip", "compile", *options, "-", given=requirement))
    sdist = found["packages"][0]["sdist"]
    return sdist["url"], sdist["hashes"]["sha256"]


def main() -> None:
    """Set up whatever is not there."""
    CLIENTS.mkdir(parents=True, exist_ok=True)
    for lock in sorted(LOCKS.glob("*.txt")):
        environment(lock)
    openai_source(LOCKS / "sdks.txt")


if __name__ == "__main__":
    main()
