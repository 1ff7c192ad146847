"""A finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    #: With a warning Pointsman works, but not as well as it could.
    status: Status
    detail: str
    #: The command that mends it, or the line of the configuration; None where all is well.
    mend: str | None = None
