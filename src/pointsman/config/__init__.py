"""Settings: `pointsman.toml`, overridden by `POINTSMAN_*` variables."""

from pointsman.config.admission import LoadSettings
from pointsman.config.batch import BatchSettings
from pointsman.config.books import (
    AlertSettings,
    BudgetSettings,
    EveryBudget,
    EveryLimit,
    LedgerSettings,
    LimitSettings,
    PricesSettings,
    PromptSettings,
)
from pointsman.config.cache import CacheSettings
from pointsman.config.deployment import IN_PROCESS, ModelSettings, PriceSettings, TimeoutSettings
from pointsman.config.learning import (
    BlindJudgeSettings,
    ExploreSettings,
    LearningSettings,
    SignalSettings,
)
from pointsman.config.reloading import Renewal, renewal
from pointsman.config.routing import (
    EscalateSettings,
    JudgeSettings,
    PrincipalSettings,
    PrivacySettings,
    RoutingSettings,
    TierFloors,
    VerifySettings,
)
from pointsman.config.secrets import is_local, is_loopback, resolve_secret
from pointsman.config.settings import (
    DEFAULT_MODELS,
    RESERVED_NAMES,
    ServerSettings,
    Settings,
    checked,
    find,
    load,
    sources,
)
from pointsman.config.shared import RedisSettings
from pointsman.config.telemetry import LogSettings, TelemetrySettings
from pointsman.config.tenants import TenantSettings

__all__ = [
    "DEFAULT_MODELS",
    "IN_PROCESS",
    "RESERVED_NAMES",
    "AlertSettings",
    "BatchSettings",
    "BlindJudgeSettings",
    "BudgetSettings",
    "CacheSettings",
    "EscalateSettings",
    "EveryBudget",
    "EveryLimit",
    "ExploreSettings",
    "JudgeSettings",
    "LearningSettings",
    "LedgerSettings",
    "LimitSettings",
    "LoadSettings",
    "LogSettings",
    "ModelSettings",
    "PriceSettings",
    "PricesSettings",
    "PrincipalSettings",
    "PrivacySettings",
    "PromptSettings",
    "RedisSettings",
    "Renewal",
    "RoutingSettings",
    "ServerSettings",
    "Settings",
    "SignalSettings",
    "TelemetrySettings",
    "TenantSettings",
    "TierFloors",
    "TimeoutSettings",
    "VerifySettings",
    "checked",
    "find",
    "is_local",
    "is_loopback",
    "load",
    "renewal",
    "resolve_secret",
    "sources",
]
