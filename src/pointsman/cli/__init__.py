"""The command line: one module per family of commands.

Exit codes: 0 done, 1 it could not be done (one line says why and what to do), 2 wrong usage,
130 interrupted.
"""

from __future__ import annotations

import functools
import gc
import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pointsman.cli.commands import app

__all__ = ["app", "main"]


def main() -> None:
    """Run a command and exit with its code."""
    _commands().run()


@functools.cache
def _commands() -> ModuleType:
    """The commands, loaded without a look for garbage.

    What is loaded stays, so there is none: to look again and again, now and while the gateway
    starts, would take a seventh of the start.
    """
    gc.disable()
    try:
        return importlib.import_module("pointsman.cli.commands")
    finally:
        gc.freeze()
        gc.enable()


def __getattr__(name: str) -> object:
    """`app` is loaded when somebody asks for it (PEP 562)."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("pointsman.cli.commands").app
