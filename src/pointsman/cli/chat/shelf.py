"""Conversations in files that only their user can read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from pointsman.cli.chat.talk import Talk
from pointsman.errors import BadRequest


class Shelf(msgspec.Struct, frozen=True):
    """Where conversations are kept: under names, and the last one by itself."""

    home: Path
    #: Whether the last conversation is kept without being told to.
    keeps_last: bool = False

    @property
    def folder(self) -> Path:
        """Those that were saved under a name."""
        return self.home / "chats"

    @property
    def last(self) -> Path:
        """The last one."""
        return self.home / "last_chat.json"

    def named(self) -> list[Path]:
        """Those that were saved under a name, the newest first."""
        return sorted(self.folder.glob("*.json"), key=_age)

    def newest(self) -> Path:
        """What `--continue` goes on with. Raises BadRequest where there is nothing."""
        kept = [self.last] if self.last.exists() else []
        there = sorted([*kept, *self.folder.glob("*.json")], key=_age)
        if not there:
            raise BadRequest("there is no conversation yet to go on with")
        return there[0]

    def keep(self, talk: Talk) -> None:
        """Keep it as the last one, once something was answered."""
        if self.keeps_last and talk.turns:
            write(self.last, talk.saved())


def write(path: Path, content: bytes) -> None:
    """Write a file for its user's eyes only, whole or not at all."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # is 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _age(path: Path) -> float:
    return -path.stat().st_mtime
