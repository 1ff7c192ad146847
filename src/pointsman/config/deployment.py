"""One deployment's settings: a table `[models.<id>]`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    field_validator,
    model_validator,
)

from pointsman.config.secrets import is_local, resolve_secret
from pointsman.formats.ollama.catalogue import is_cloud_name
from pointsman.presets import Preset, presets
from pointsman.types import Capability, FormatName, Location, OnDisconnect, Task

#: Providers that live in this process.
IN_PROCESS = ("embedded", "scripted")


class Section(BaseModel):
    """A table of the configuration: unknown members are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TimeoutSettings(Section):
    """Seconds an attempt may take, by phase."""

    #: Until the connection stands.
    connect_s: float = Field(default=5.0, gt=0)
    #: 600 for a local model, which may have to load first, and 120 for one in the cloud.
    first_byte_s: float | None = Field(default=None, gt=0)
    #: Between two pieces of a stream.
    between_chunks_s: float = Field(default=60.0, gt=0)
    #: A whole attempt, its stream included.
    total_s: float = Field(default=1800.0, gt=0)
    #: Waiting for a free slot, before the next deployment is tried.
    queue_s: float = Field(default=30.0, gt=0)
    #: Waiting for a server that is loading its model, where no other deployment answers.
    load_s: float = Field(default=600.0, gt=0)


class RateSettings(Section):
    """US dollars per million tokens."""

    #: US dollars per million tokens of input.
    input: Decimal | None = Field(default=None, ge=0)
    #: US dollars per million tokens of output, reasoning included.
    output: Decimal | None = Field(default=None, ge=0)
    #: US dollars per million tokens of input that the provider had cached; as `input` where not
    #: given.
    cached: Decimal | None = Field(default=None, ge=0)
    #: US dollars per million tokens of input that are written to the provider's cache; as `input`
    #: where not given.
    written: Decimal | None = Field(default=None, ge=0)
    #: US dollars per million tokens of input that are written to it for an hour; as `written` where
    #: not given.
    written_1h: Decimal | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.input is None) != (self.output is None):
            raise ValueError("a price per token needs both input and output")
        if self.input is None and self.model_fields_set & {"cached", "written", "written_1h"}:
            raise ValueError("a price for the provider's cache needs input and output")
        return self


class PriceTierSettings(RateSettings):
    """What all tokens cost where the prompt is longer than so many."""

    #: Input tokens above which it holds.
    above: int = Field(ge=1)


class PriceSettings(RateSettings):
    """What a deployment costs: by tokens and requests, or by time."""

    #: US dollars for each request, beside its tokens.
    per_request: Decimal | None = Field(default=None, ge=0)
    #: Other prices for long prompts: tables with `above`, `input`, `output`, ...
    tiers: tuple[PriceTierSettings, ...] = ()
    #: By what the price of the tokens is multiplied where the reply says that it was served so:
    #: `{ batch = 0.5, flex = 0.5, priority = 2 }`. What is served otherwise has an unknown price.
    services: dict[str, Decimal] = Field(default_factory=dict)
    #: US dollars for each hour that requests occupy it.
    per_hour: Decimal | None = Field(default=None, ge=0)
    #: The same by its power: US dollars per kilowatt-hour,
    kwh: Decimal | None = Field(default=None, ge=0)
    #: and watts that it draws while it answers, beyond what it draws anyway.
    watts: Decimal | None = Field(default=None, ge=0)
    #: Requests that share an hour, as a rule.
    at_once: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        by_power = self.kwh is not None
        if by_power != (self.watts is not None):
            raise ValueError("a price by power needs both kwh and watts")
        by_tokens = self.input is not None or self.per_request is not None
        if (self.per_hour is not None) + by_power + by_tokens != 1:
            raise ValueError(
                "a price is one of: input and output (per million tokens) or per_request; "
                "per_hour; kwh and watts"
            )
        if (self.tiers or self.services) and self.input is None:
            raise ValueError("tiers and services of a price need input and output")
        if any(each.input is None for each in self.tiers):
            raise ValueError("each of the tiers of a price needs input and output")
        if any(factor < 0 for factor in self.services.values()):
            raise ValueError("services of a price are factors of at least 0")
        return self

    @property
    def hourly(self) -> Decimal | None:
        """US dollars per hour; None where it is not paid by time."""
        if self.kwh is not None and self.watts is not None:
            return self.kwh * self.watts / 1000
        return self.per_hour


class ModelSettings(Section):
    """One deployment: a table `[models.<id>]`."""

    #: How the model is reached: `embedded`, `scripted`, or a preset such as `ollama`.
    provider: str
    #: The model, as its server calls it.
    model: str = Field(min_length=1)
    #: The lowest tier where not given.
    tier: str | None = None
    #: The server's address, up to and with `/v1`.
    base_url: str | None = None
    #: The key to send, best as a reference: `${NAME}`.
    api_key: SecretStr | None = None
    #: Derived from the address where not given.
    location: Location | None = None
    #: In tokens, prompt and reply together; no limit is known where not given.
    context_length: int | None = Field(default=None, gt=0)
    #: What it can do; nothing is ruled out where not given.
    capabilities: frozenset[Capability] | None = None
    #: Your own price; beats every table.
    price: PriceSettings | None = None
    #: Another model's price, as `genai-prices` names it, such as `claude-haiku-5-5`.
    priced_as: str | None = None
    timeouts: TimeoutSettings = TimeoutSettings()
    #: What it is asked to do: any of chat, embeddings, audio, images, rerank.
    tasks: frozenset[Task] = frozenset({"chat"})
    #: The formats that its server takes, the preferred one first; the preset's where not given.
    formats: tuple[FormatName, ...] = ()
    #: Organisations that may use it; all where not given.
    organisations: frozenset[str] | None = Field(default=None, min_length=1)
    #: Its share of its tier's load beside the others'; 0 is for when no other is left.
    weight: float = Field(default=1.0, ge=0)
    #: Requests at once; as many as the server says it can, where not given.
    concurrency: int | None = Field(default=None, ge=1)
    #: Requests that may wait for a free slot; further ones go to the next deployment.
    queue: int = Field(default=64, ge=0)
    #: What becomes of its reply when the client has left: `cancel`, or `drain` where stopping it
    #: does not stop the bill.
    on_disconnect: OnDisconnect = "cancel"
    #: Parameters that it rejects, to be left out of requests; the reply's header names them.
    drop_params: frozenset[str] = frozenset()
    #: Its server's own members, set in every request: Ollama's `keep_alive`, ...
    extra: dict[str, JsonValue] = Field(default_factory=dict)
    #: Sent where the format must have a limit of the reply and the client sets none.
    max_output_tokens: int | None = Field(default=None, ge=1)
    #: `embedded` only: requests served at once, each with its own `context_length`.
    slots: int = Field(default=2, ge=1, le=64)
    #: `embedded` only: threads; one less than the cores this process may use, where not given.
    threads: int | None = Field(default=None, ge=1)
    #: `embedded` only: a GGUF file; else the pulled weights named like `model`.
    weights: Path | None = None
    #: `scripted` only: what to do, one table per request and then the last one again.
    script: tuple[dict[str, object], ...] = ()

    @field_validator("base_url")
    @classmethod
    def _http_only(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(
                "base_url must be http://... or https://..., as in http://127.0.0.1:8080/v1"
            )
        if parts.query or parts.fragment:
            raise ValueError("base_url takes no ?query and no #fragment: paths are put behind it")
        return value.rstrip("/")

    @field_validator("provider")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in IN_PROCESS and value not in presets():
            known = ", ".join(sorted([*IN_PROCESS, *presets()]))
            raise ValueError(f"unknown provider {value!r}; there are: {known}")
        return value

    @model_validator(mode="after")
    def _needs_an_address(self) -> ModelSettings:
        if self.provider not in IN_PROCESS and self.address is None:
            raise ValueError(f'provider "{self.provider}" needs base_url')
        return self

    @property
    def preset(self) -> Preset:
        """What is known of its provider."""
        return presets().get(self.provider, Preset())

    @property
    def address(self) -> str | None:
        """The base URL in force; None for a provider that lives in this process."""
        return self.base_url or self.preset.base_url

    @property
    def first_byte_s(self) -> float:
        """Seconds until the reply must have begun."""
        return self.timeouts.first_byte_s or (600.0 if self.where == "local" else 120.0)

    @property
    def where(self) -> Location:
        """`location`, or what the name or the address implies.

        Ollama passes prompts for its cloud models on, from whatever address and in whatever format.
        """
        if self.location is not None:
            return self.location
        if is_cloud_name(self.model):
            return "cloud"
        return "local" if self.address is None or is_local(self.address) else "cloud"

    def key(self, environment: Mapping[str, str]) -> str | None:
        """The provider's key, its reference resolved. Raises ConfigError where it is not set."""
        if self.api_key is None:
            # A provider's usual key goes to that provider's own address, and nowhere else.
            usual = () if self.base_url and self.provider != "azure" else self.preset.keys
            return next((environment[name] for name in usual if environment.get(name)), None)
        return resolve_secret(self.api_key, environment)
