"""Settings: `pointsman.toml`, overridden by `POINTSMAN_*` variables.

Secrets are references (`api_key = "${OPENAI_API_KEY}"`): they are resolved when a provider is
built and hidden in every repr.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, ParamSpec

import platformdirs
from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from pointsman.config import aliases
from pointsman.config.admission import LoadSettings
from pointsman.config.aliases import Aliases
from pointsman.config.batch import BatchSettings
from pointsman.config.books import (
    AlertSettings,
    EveryBudget,
    EveryLimit,
    LedgerSettings,
    PricesSettings,
    PromptSettings,
)
from pointsman.config.cache import CacheSettings
from pointsman.config.deployment import ModelSettings, Section
from pointsman.config.learning import LearningSettings
from pointsman.config.routing import PrincipalSettings, PrivacySettings, RoutingSettings
from pointsman.config.shared import CachePlace, RedisSettings, cache_place
from pointsman.config.sources import Sources
from pointsman.config.telemetry import LogSettings, TelemetrySettings
from pointsman.config.tenants import TenantSettings
from pointsman.config.wording import faults
from pointsman.errors import ConfigError

#: Ids, tiers and aliases go into headers, paths and logs: printable ASCII without spaces.
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$")
#: What is in the books as a key: those that were made, and who asks with another, or with none.
_KEY_ID = re.compile(r"^(?:pm_[a-z0-9]+|static|operator|anonymous)$")
RESERVED_NAMES = frozenset({"auto", "local", "cloud"})
_P = ParamSpec("_P")


class ServerSettings(Section):
    """Where and how the gateway listens."""

    #: The address to listen on; any other than loopback needs `api_key`.
    host: str = "127.0.0.1"
    #: The port to listen on; 0 takes a free one.
    port: int = Field(default=7070, ge=0, le=65535)
    #: A port of its own for `GET /health/live`, which answers however busy the gateway is; of
    #: several workers, each has the next one.
    live_port: int | None = Field(default=None, ge=0, le=65535)
    #: Bytes of a request's body; larger ones get 413.
    max_body_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    #: Seconds until a request's body must be there; slower ones get 408.
    body_timeout_s: float = Field(default=60.0, gt=0)
    #: Web pages that may call from a browser, as origins such as `http://localhost:3000`; `*` is any.
    cors_origins: tuple[str, ...] = ()
    #: Seconds for which a reply may be continued by `previous_response_id`; 0 keeps none.
    response_retention_s: float = Field(default=3600.0, ge=0)
    #: Seconds after which a connection without a request is closed; longer than a load balancer in
    #: front keeps one, or it would send requests on connections that are just being closed.
    keep_alive_s: int = Field(default=75, ge=1)
    #: Seconds after SIGTERM for which new requests are still served, while `/health/ready` says 503:
    #: time for a load balancer to notice.
    drain_s: float = Field(default=0.0, ge=0)
    #: Seconds that open replies get to finish after that.
    shutdown_grace_s: int = Field(default=30, ge=0)


DEFAULT_MODELS: Mapping[str, ModelSettings] = {
    "smollm2": ModelSettings(
        provider="embedded", model="smollm2-135m-instruct", tier="simple", context_length=4096
    )
}


class Settings(BaseSettings):
    """Everything Pointsman can be told."""

    model_config = SettingsConfigDict(
        env_prefix="POINTSMAN_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    #: Where the books and the weights are; by default the system's folder for user data.
    home: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("pointsman")))
    #: A static key that every caller must send; optional on loopback.
    api_key: SecretStr | None = Field(default=None, min_length=1)
    server: ServerSettings = ServerSettings()
    load: LoadSettings = LoadSettings()
    models: dict[str, ModelSettings] = Field(default_factory=lambda: dict(DEFAULT_MODELS))
    #: Where no models are configured: look for servers on this machine and for providers' keys in
    #: the environment when `serve` starts.
    detect: bool = True
    #: Other names: what a client asks for, and what it gets; `gpt-4o*` fits all that begin so. A
    #: list names several deployments, in the order in which they are tried; those of a list within
    #: it share the load: `[["gpt-4o", "gpt-4o-2"], "claude"]`.
    aliases: Aliases = Field(default_factory=dict)
    #: What becomes of a name that nothing has.
    unknown_model: Literal["error", "auto"] = "error"
    routing: RoutingSettings = RoutingSettings()
    privacy: PrivacySettings = PrivacySettings()
    cache: CacheSettings = CacheSettings()
    batch: BatchSettings = BatchSettings()
    learning: LearningSettings = LearningSettings()
    #: By organisation: what may be spent and what stays local.
    organisations: dict[str, PrincipalSettings] = Field(default_factory=dict)
    #: By key's id, which goes before its organisation; `static` is the one in `[server] api_key`,
    #: `anonymous` who asks without any.
    keys: dict[str, PrincipalSettings] = Field(default_factory=dict)
    tenants: TenantSettings = TenantSettings()
    limits: EveryLimit = EveryLimit()
    budgets: EveryBudget = EveryBudget()
    alerts: AlertSettings = AlertSettings()
    ledger: LedgerSettings = LedgerSettings()
    redis: RedisSettings = RedisSettings()
    prompts: PromptSettings = PromptSettings()
    prices: PricesSettings = PricesSettings()
    log: LogSettings = LogSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    #: Which of the processes of `serve --workers` this is, from 1 on; `serve` says it to each.
    worker: int | None = Field(default=None, ge=1)

    @classmethod
    def settings_customise_sources(  # noqa: D102 - pydantic-settings' hook
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)  # `load` puts file and environment together

    @model_validator(mode="after")
    def _fits(self) -> Settings:
        wrong = [*self._wrong_names(), *self._wrong_references(), *self._wrong_principals()]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def _wrong_names(self) -> Iterator[str]:
        if not self.models:
            yield "[models] is empty: add a table [models.<id>]"
        taken = RESERVED_NAMES | set(self.routing.tiers)
        for name in [*self.models, *self.routing.tiers]:
            if not _NAME.fullmatch(name):
                yield f"{name!r} is no usable name: letters, digits and . _ : / @ + - only"
        for name, model in self.models.items():
            if name in taken:
                yield f"[models.{name}]: {name!r} already names a tier or a route"
            if self.tier_of(model) not in self.routing.tiers:
                there = ", ".join(self.routing.tiers)
                yield f"[models.{name}]: unknown tier {model.tier!r}; there are: {there}"
        yield from _told(aliases.check, self.aliases, self.models, taken)

    def _wrong_references(self) -> Iterator[str]:
        judge, blind = self.routing.judge.deployment, self.learning.judge.deployment
        built_in = self.cache.embedder == "minilm" and "minilm" not in self.models
        embedder = None if built_in else self.cache.embedder
        for place, name in (
            ("[routing.judge] deployment", judge),
            ("[learning.judge] deployment", blind),
            ("[cache] embedder", embedder),
        ):
            if name is None:
                continue
            if name not in self.models:
                yield f"{place}: there is no [models.{name}]"
            elif self.models[name].organisations is not None:
                yield f"{place}: [models.{name}] is for some organisations only"
        yield from _told(cache_place, self.cache, self.redis, self.ledger)
        lists = {alias for alias, to in self.aliases.items() if not isinstance(to, str)}
        routes = RESERVED_NAMES | set(self.routing.tiers) | set(self.models) | lists
        for unknown in sorted(set(self.cache.routes) - routes):
            yield f"[cache.routes.{unknown}]: no deployment, tier or route of that name"

    def _wrong_principals(self) -> Iterator[str]:
        for name in self.keys:
            if not _KEY_ID.match(name):
                yield f"[keys.{name}] is no key's id; `pointsman keys list` has them"
        there = ", ".join(self.routing.tiers)
        for table, principals in (("organisations", self.organisations), ("keys", self.keys)):
            for name, principal in principals.items():
                named = principal.escalate.tiers() if principal.escalate else frozenset()
                for unknown in sorted(named - set(self.routing.tiers)):
                    yield f"[{table}.{name}]: unknown tier {unknown!r}; there are: {there}"

    def tier_of(self, model: ModelSettings) -> str:
        """The deployment's tier; the lowest where it names none."""
        return model.tier or self.routing.tiers[0]

    @property
    def calibration(self) -> Path:
        """What `pointsman calibrate` wrote, if it was run."""
        return self.home / "calibration.json"

    @property
    def cache_place(self) -> CachePlace:
        """Where cached replies are kept."""
        return cache_place(self.cache, self.redis, self.ledger)

    @property
    def cache_file(self) -> Path:
        """Where the embedded cache keeps replies; each worker has its own."""
        return self.home / ("cache.db" if self.worker is None else f"cache-{self.worker}.db")

    @property
    def database(self) -> Path:
        """The ledger's file."""
        return self.home / "pointsman.db"


def _told(check: Callable[_P, object], *values: _P.args, **named: _P.kwargs) -> Iterator[str]:
    """What a check says that raises ValueError."""
    try:
        check(*values, **named)
    except ValueError as error:
        yield str(error)


def load(file: Path | None = None) -> Settings:
    """The settings in force: `file`, or the first configuration found, under the environment.

    Raises ConfigError that names the file, the member and what is wrong with it.
    """
    found = sources(file)
    return checked(_merged(found.values, found.environment), found)


def sources(file: Path | None = None) -> Sources:
    """What the settings in force are made of. Raises ConfigError where that can't be read."""
    found = file or find(os.environ)
    try:
        stated = EnvSettingsSource(Settings)()
    except SettingsError as error:
        raise ConfigError(f"the environment can't be read: {error}") from error
    return Sources(environment=stated) if found is None else _read(found, stated)


def checked(values: Mapping[str, object], said: Sources | None = None) -> Settings:
    """The settings that these values say, as they are `said` somewhere.

    Raises ConfigError that names the member, where it stands and what is wrong with it.
    """
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        where = None if said is None else said.nearest
        raise ConfigError("\n".join(faults(error, Settings, where))) from error


def _merged(low: Mapping[str, object], high: Mapping[str, object]) -> dict[str, object]:
    """Both, member by member; `high` wins."""
    merged = dict(low)
    for name, value in high.items():
        under = merged.get(name)
        if isinstance(value, dict) and isinstance(under, dict):
            merged[name] = _merged(under, value)
        else:
            merged[name] = value
    return merged


def find(environment: Mapping[str, str]) -> Path | None:
    """`POINTSMAN_CONFIG`, ./pointsman.toml, or the one in the home folder; None without any."""
    named = environment.get("POINTSMAN_CONFIG")
    if named:
        return Path(named)
    home = environment.get("POINTSMAN_HOME") or platformdirs.user_data_dir("pointsman")
    candidates = (Path("pointsman.toml"), Path(home) / "pointsman.toml")
    return next((path for path in candidates if path.is_file()), None)


def _read(file: Path, environment: Mapping[str, object]) -> Sources:
    try:
        text = file.read_text(encoding="utf-8")
        return Sources(file, text, tomllib.loads(text), environment)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no configuration file {file}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file} can't be read: {error}") from error
