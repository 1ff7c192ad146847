"""A finding."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Status: TypeAlias = Literal["ok", "warning", "failed"]


class Check(msgspec.Struct, frozen=True):
    """One thing looked at."""

    name: str
    #: With a warning Pointsman works, but not as well as it could.
    status: Status
    detail: str
    #: The command that mends it, or the line of the configuration; None where all is well.
    mend: str | None = None
