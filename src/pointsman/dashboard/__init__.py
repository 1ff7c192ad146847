"""The dashboard's pages as the package ships them; read when asked for, never at import."""

from __future__ import annotations

import re
from importlib.resources import files

_PART = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
#: No part begins with a dot, so that no name leads out of the folder.
_NAME = re.compile(rf"(?:{_PART}/)*{_PART}")
#: Characters of a name: a file system fails on one that is too long.
_LONGEST = 128


def read_page(name: str) -> bytes | None:
    """The file of that name, `/` between folders; None where there is none, whatever is tried."""
    if len(name) > _LONGEST or not _NAME.fullmatch(name):
        return None
    found = files(__name__).joinpath("static", *name.split("/"))
    return found.read_bytes() if found.is_file() else None
