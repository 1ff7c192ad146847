"""Writes a configuration so that only its owner can read it, whole or not at all."""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path

from pointsman.errors import ConfigError


def write(file: Path, text: str) -> Path | None:
    """Write `file` with mode 0600; what was there is kept beside it, and its new place returned.

    Raises ConfigError: no right to write, no space left.
    """
    kept = _free(file) if file.exists() else None
    folder = file.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=folder)  # is 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                out.write(text)
            if kept is not None:
                file.replace(kept)
            Path(temporary).replace(file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(
            f"can't write {file}: {error.strerror}; another place: `pointsman init --config FILE`"
        ) from error
    return kept


def _free(file: Path) -> Path:
    """The first of `.old`, `.old.2`, `.old.3` ... that is not taken."""
    names = (
        f"{file.name}.old{f'.{number}' if number > 1 else ''}" for number in itertools.count(1)
    )
    return next(place for place in map(file.with_name, names) if not place.exists())
