"""No file names a machine that it was written on, or a host that packages come from."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import ROOT

_NOT_TRACKED = {"var", "dist", "build", "__pycache__", ".git", "node_modules"}
#: Written in pieces, so that this file is clean as well.
_FOLDERS = r"work|tmp/\w|root/\w|home/\w|Users/\w"
_HOSTS = "|".join(
    (
        r"pypi\." + "org",
        "python" + "hosted",
        r"registry\." + "npmjs",
        r"(?<!router\.)hugging" + r"face\.co",  # its router is a provider
    )
)
_FORBIDDEN = re.compile(rf"(?<![\w.~-])/({_FOLDERS})\b|{_HOSTS}")


def texts(folder: Path) -> Iterator[tuple[Path, str]]:
    """The text files that belong to the project."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            hidden = path.name.startswith(".") and path.name not in {".ci", ".github"}
            if not hidden and path.name not in _NOT_TRACKED:
                yield from texts(path)
        elif path.suffix not in {".pyc", ".gguf", ".db"}:
            yield path, path.read_text(encoding="utf-8", errors="replace")


def test_no_machine_and_no_registry_is_named() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path, text in texts(ROOT)
        for match in _FORBIDDEN.finditer(text)
    ]

    assert found == []
