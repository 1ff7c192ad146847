"""Learning, tried out on labelled rows. What needs numpy is loaded when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pointsman.cli.rehearsal.run import Rehearsed, rehearse

__all__ = ["Rehearsed", "rehearse"]


def __getattr__(name: str) -> object:
    """Load a public name on its first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("pointsman.cli.rehearsal.run"), name)
