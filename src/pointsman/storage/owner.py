"""One process owns a file, such as a ledger: a lock beside it, and a note of who holds it."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import filelock
import msgspec

from pointsman.errors import ConfigError

#: Seconds to wait for the lock: `owner` holds it for an instant when it looks.
_PATIENCE_S = 0.5
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that holds a file. None where it has not said."""

    pid: int | None = None
    #: Where it listens, such as `http://127.0.0.1:7070`.
    address: str | None = None
    #: What lets the command line in there, whatever keys there are: of this run, for this user.
    token: str | None = field(default=None, repr=False)


class Claim:
    """The exclusive right to write to a file, until `release`, or until the process ends."""

    def __init__(self, path: Path, *, address: str | None = None, what: str = "ledger") -> None:
        """Take it; raises ConfigError naming the holder where another has it.

        `what` the file is, for the message.
        """
        self._lock = _lock(path)
        self._note = _note(path)
        try:
            self._lock.acquire(timeout=_PATIENCE_S)
        except filelock.Timeout as error:
            raise ConfigError(_held_message(path, what, _read(self._note))) from error
        try:
            token = None if address is None else secrets.token_urlsafe(_TOKEN_BYTES)
            _write(self._note, Owner(os.getpid(), address, token))
        except OSError:
            self._lock.release()
            raise

    def release(self) -> None:
        """Give it back. Idempotent."""
        if self._lock.is_locked:
            self._note.unlink(missing_ok=True)
            self._lock.release()


def owner(path: Path) -> Owner | None:
    """Who holds the file at `path` now; None where nobody does.

    The lock decides, not the note: a note that a killed process left behind is no owner.
    """
    lock = _lock(path)
    if not Path(lock.lock_file).exists():
        return None
    try:
        with lock.acquire(timeout=0):
            return None
    except filelock.Timeout:
        return _read(_note(path))


def _lock(path: Path) -> filelock.BaseFileLock:
    return filelock.FileLock(f"{path}.lock", mode=0o600, thread_local=False)


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.owner")


def _write(note: Path, owner: Owner) -> None:
    """Whole or not at all, so that nobody reads half a note, and for this user's eyes only."""
    draft = note.with_name(f"{note.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(owner))
    draft.replace(note)


def _read(note: Path) -> Owner:
    try:
        return msgspec.json.decode(note.read_bytes(), type=Owner)
    except (FileNotFoundError, msgspec.DecodeError):  # held, but the note is not written yet
        return Owner()


def _held_message(path: Path, what: str, holder: Owner) -> str:
    who = f"process {holder.pid}" if holder.pid else "another process"
    where = f" at {holder.address}" if holder.address else ""
    return f"the {what} {path} is in use by {who}{where}; stop it, or name another file"
