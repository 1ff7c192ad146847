"""Settings: `pointsman.toml`, overridden by `POINTSMAN_*` variables."""

from pointsman.config.deployment import IN_PROCESS, ModelSettings, PriceSettings, TimeoutSettings
from pointsman.config.secrets import is_loopback, resolve_secret
from pointsman.config.settings import (
    DEFAULT_MODELS,
    LogSettings,
    RoutingSettings,
    ServerSettings,
    Settings,
    TierFloors,
    find,
    load,
)

__all__ = [
    "DEFAULT_MODELS",
    "IN_PROCESS",
    "LogSettings",
    "ModelSettings",
    "PriceSettings",
    "RoutingSettings",
    "ServerSettings",
    "Settings",
    "TierFloors",
    "TimeoutSettings",
    "find",
    "is_loopback",
    "load",
    "resolve_secret",
]
