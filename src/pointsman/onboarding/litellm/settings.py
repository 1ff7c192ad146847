"""What stands beside LiteLLM's list of models: taken over, or named with what there is instead."""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.onboarding.became import Became
from pointsman.onboarding.draft import Table
from pointsman.onboarding.litellm.values import (
    FROM_ENVIRONMENT,
    NOT_COPIED,
    is_open,
    mapping,
    number,
    seconds,
)
from pointsman.types import Json

#: The sections; where two say the same, the first one counts.
_PARTS = ("router_settings", "litellm_settings", "general_settings")
#: Taken by whoever reads the names of models.
_NAMES = frozenset({"model_list", "fallbacks", "default_fallbacks", "model_group_alias"})
#: How LiteLLM says how long a budget lasts, and what that is here.
_PERIODS: Mapping[str, str] = {
    **dict.fromkeys(("1d", "24h", "1 day", "daily"), "per_day"),
    **dict.fromkeys(("30d", "31d", "1mo", "1 month", "monthly"), "per_month"),
}
#: Of one request; the router's goes first.
_TIMEOUTS = ("timeout", "request_timeout")
_MOST_RETRIES = 10
_NO_SETTING = "there is no setting for it here"
_ALERTS = "see [alerts]: a word before a budget is spent"
_ALONE = "a deployment that keeps failing is left alone for a while by itself"
_REDIS = 'see [redis]: url = "${REDIS_URL}"'
_BOOKS = "LiteLLM's own; the books here have a file, or [ledger] url"
_CALLBACKS = "see `pointsman report`, /metrics and [telemetry]"
_NOT_STORED = "prompts are not kept unless [prompts] store = true"
#: What needs no setting here, or has another one.
_LEFT: Mapping[str, str] = {
    "alert_types": _ALERTS,
    "alerting": _ALERTS,
    "alerting_args": _ALERTS,
    "alerting_threshold": _ALERTS,
    "allowed_fails": _ALONE,
    "allowed_fails_policy": _ALONE,
    "budget_duration": "a budget here is by day or by month: [budgets]",
    "cache": "the exact cache is on; [cache] semantic is for similar prompts",
    "cache_params": "see [cache]: store, url, ttl_s",
    "cache_responses": "the exact cache is on; [cache] exact = false turns it off",
    "callbacks": _CALLBACKS,
    "content_policy_fallbacks": "a model's refusal is its answer here",
    "context_window_fallbacks": "one whose context is too short is passed over: name the longer "
    "model in the list of [aliases]",
    "cooldown_time": _ALONE,
    "custom_auth": "callers have keys: `pointsman keys create`",
    "database_connection_pool_limit": "see [ledger] max_connections",
    "database_url": _BOOKS,
    "default_max_internal_user_budget": "see [budgets.key]",
    "disable_cooldowns": _ALONE,
    "drop_params": "by deployment: [models.<id>] drop_params names the parameters",
    "enable_pre_call_checks": "a deployment whose context is too short is never asked",
    "environment_variables": "set them where the gateway is started",
    "failure_callback": _CALLBACKS,
    "forward_client_headers_to_llm_api": "the headers that a provider's format knows are sent",
    "global_max_parallel_requests": "see [load] max_in_flight",
    "json_logs": 'see [log] format = "json"',
    "max_parallel_requests": "see [limits.key] concurrent",
    "max_request_size_mb": "see [server] max_body_bytes",
    "redact_user_api_key_info": "the books hold a key's id, never the key",
    "redis_host": _REDIS,
    "redis_password": _REDIS,
    "redis_port": _REDIS,
    "redis_url": _REDIS,
    "retry_after": "retries are spread out by themselves",
    "retry_policy": "see [routing] retries",
    "routing_strategy": "within a tier, and within a list of [aliases], the one that costs less "
    "goes first, then the one with least to do",
    "routing_strategy_args": "see [models.<id>] weight",
    "set_verbose": "see [log]",
    "store_model_in_db": "models are in this file, or an organisation's own: `pointsman "
    "organisations`",
    "store_prompts_in_spend_logs": _NOT_STORED,
    "request_timeout": "see [models.<id>.timeouts]",
    "stream_timeout": "see [models.<id>.timeouts] first_byte_s, between_chunks_s",
    "success_callback": _CALLBACKS,
    "timeout": "see [models.<id>.timeouts]",
    "turn_off_message_logging": _NOT_STORED,
}


class Rest:
    """The sections beside the list of models."""

    def __init__(self, config: Mapping[str, Json]) -> None:
        """`config` is the whole file."""
        self._config = config
        self._parts = {part: mapping(config.get(part)) for part in _PARTS}
        self._taken = set(_NAMES)
        self.tables: list[Table] = []
        self.became: list[Became] = []
        #: Seconds until a reply must have begun, for models that say nothing themselves.
        self.first_byte_s = seconds(self._stated(_TIMEOUTS[0])) or seconds(
            self._stated(_TIMEOUTS[1])
        )

    def take(self) -> None:
        """Each of their members: what it becomes, or why it is left."""
        self._master_key()
        self._budget()
        self._retries()
        self._timeout()
        for section in (*self._parts.values(), self._others()):
            for name in section:
                if name not in self._taken:
                    self._left(name, _LEFT.get(name, _NO_SETTING))

    def _others(self) -> Mapping[str, Json]:
        """What is in no section."""
        return {name: True for name in mapping(dict(self._config)) if name not in _PARTS}

    def _stated(self, name: str) -> Json:
        """A setting of whichever section has it."""
        return next((part[name] for part in self._parts.values() if name in part), None)

    def _master_key(self) -> None:
        master = self._parts["general_settings"].get("master_key")
        if not isinstance(master, str):
            return
        open_ = is_open(master)
        variable = "LITELLM_MASTER_KEY" if open_ else master.removeprefix(FROM_ENVIRONMENT)
        self.tables.append(Table((), {"api_key": f"${{{variable}}}"}))
        said = f'api_key = "${{{variable}}}": callers send it'
        self._took("master_key", said + (f"; {NOT_COPIED}" if open_ else ""))

    def _budget(self) -> None:
        """What all callers together may spend."""
        stated, lasts = self._stated("max_budget"), self._stated("budget_duration")
        if stated is None:
            return
        period = _PERIODS.get(str(lasts).strip().lower())
        dollars = number(stated)
        if period is None or dollars is None:
            why = "a budget here is by day or by month: [budgets.organisation] per_day, per_month"
            self._left("max_budget", why)
            return
        self.tables.append(Table(("budgets", "organisation"), {period: dollars}))
        self._taken.add("budget_duration")
        said = f"[budgets.organisation] {period} = {dollars:g}; what has no known price is refused"
        self._took("max_budget", said)

    def _retries(self) -> None:
        stated = number(self._stated("num_retries"))
        if stated is None:
            return
        retries = int(stated)
        if retries != stated or retries > _MOST_RETRIES:
            self._left("num_retries", f"see [routing] retries, {_MOST_RETRIES} at most")
            return
        self.tables.append(Table(("routing",), {"retries": retries}))
        self._took("num_retries", f"[routing] retries = {retries}")

    def _timeout(self) -> None:
        """The one that counts; the other one, if there is one, is left."""
        counts = next((name for name in _TIMEOUTS if seconds(self._stated(name))), None)
        if counts is not None:
            said = (
                f"[models.<id>.timeouts] first_byte_s = {self.first_byte_s:g}, where none is said"
            )
            self._took(counts, said)

    def _took(self, name: str, what: str) -> None:
        self._taken.add(name)
        self.became.append(Became(name, what))

    def _left(self, name: str, why: str) -> None:
        self._taken.add(name)
        self.became.append(Became(name, f"left: {why}", taken=False))
