"""Pointsman: an LLM router that sends each prompt to the cheapest model that will do.

    from pointsman import Router

Names are loaded when they are first used, so that `import pointsman` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pointsman.config import Settings
    from pointsman.errors import (
        AuthenticationFailed,
        BadRequest,
        ConfigError,
        NotFound,
        PointsmanError,
        Unavailable,
        UnknownModel,
    )
    from pointsman.router import Completion, Router
    from pointsman.types import Decision

_HOMES = {
    "AuthenticationFailed": "pointsman.errors",
    "BadRequest": "pointsman.errors",
    "Completion": "pointsman.router",
    "ConfigError": "pointsman.errors",
    "Decision": "pointsman.types",
    "NotFound": "pointsman.errors",
    "PointsmanError": "pointsman.errors",
    "Router": "pointsman.router",
    "Settings": "pointsman.config",
    "Unavailable": "pointsman.errors",
    "UnknownModel": "pointsman.errors",
}

__all__ = [
    "AuthenticationFailed",
    "BadRequest",
    "Completion",
    "ConfigError",
    "Decision",
    "NotFound",
    "PointsmanError",
    "Router",
    "Settings",
    "Unavailable",
    "UnknownModel",
]


def __getattr__(name: str) -> object:
    """Load a public name on its first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
