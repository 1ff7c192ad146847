"""Settings: `pointsman.toml`, overridden by `POINTSMAN_*` variables."""

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
from pointsman.config.routing import (
    EscalateSettings,
    JudgeSettings,
    PrincipalSettings,
    PrivacySettings,
    RoutingSettings,
    TierFloors,
    VerifySettings,
)
from pointsman.config.secrets import is_loopback, resolve_secret
from pointsman.config.settings import (
    DEFAULT_MODELS,
    LogSettings,
    ServerSettings,
    Settings,
    checked,
    find,
    load,
)

__all__ = [
    "DEFAULT_MODELS",
    "IN_PROCESS",
    "AlertSettings",
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
    "LogSettings",
    "ModelSettings",
    "PriceSettings",
    "PricesSettings",
    "PrincipalSettings",
    "PrivacySettings",
    "PromptSettings",
    "RoutingSettings",
    "ServerSettings",
    "Settings",
    "SignalSettings",
    "TierFloors",
    "TimeoutSettings",
    "VerifySettings",
    "checked",
    "find",
    "is_loopback",
    "load",
    "resolve_secret",
]
