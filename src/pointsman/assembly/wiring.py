"""From settings to deployments that can be called: which adapter, where, with which limits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pointsman.calling.line import Line, Rules
from pointsman.calling.slots import Slots
from pointsman.config import IN_PROCESS, ModelSettings, Settings, is_loopback
from pointsman.conversation import Addressee
from pointsman.errors import ConfigError
from pointsman.formats import registry
from pointsman.formats.translate import Speech
from pointsman.ports import Clock, Provider
from pointsman.presets import DialectName
from pointsman.providers import probes
from pointsman.providers.dialects import DIALECTS
from pointsman.providers.embedded import EmbeddedProvider
from pointsman.providers.http import HttpClient, Timeouts
from pointsman.providers.scripted import Script, ScriptedProvider
from pointsman.providers.upstream import HttpProvider, Probe
from pointsman.types import Capability, Deployment, FormatName, Json
from pointsman.weights import WeightsStore, published_weights

#: Tokens of context that the embedded model gets for each request, where nobody says.
EMBEDDED_CONTEXT = 4096
#: llama.cpp is started without a projector: it neither sees nor hears.
EMBEDDED_CAPABILITIES: frozenset[Capability] = frozenset({"tools", "json_schema", "logprobs", "n"})
#: What the embedded and the scripted model take.
IN_PROCESS_FORMATS: tuple[FormatName, ...] = ("chat", "completions", "embeddings")
#: Requests that a scripted deployment remembers.
SCRIPTED_LOG = 1000
#: Characters: a shorter one may be a word of an error's.
_SHORTEST_KEY = 8


class Wiring:
    """Builds lines, without I/O."""

    def __init__(
        self,
        settings: Settings,
        *,
        client: HttpClient,
        clock: Clock,
        environment: Mapping[str, str],
    ) -> None:
        """The client is shared by all of them; keys are looked up in the environment."""
        self._settings = settings
        self._client = client
        self._clock = clock
        self._environment = environment

    def line(self, name: str, model: ModelSettings) -> Line:
        """One deployment, ready to be called. Raises ConfigError."""
        deployment = _deployment(name, model, self._settings)
        to = Addressee(
            model.model,
            max_output_tokens=model.max_output_tokens,
            drop=model.drop_params,
            extra={**_set_always(model), **model.extra},
        )
        takes = registry.upstreams(deployment.formats, model.preset.quirks)
        slots = model.slots if model.provider == "embedded" else model.concurrency
        return Line(
            deployment,
            self._provider(name, model),
            Speech(registry.CLIENTS, takes, to),
            Slots(slots, model.queue, self._clock),
            Rules(
                queue_s=model.timeouts.queue_s,
                load_s=model.timeouts.load_s,
                total_s=model.timeouts.total_s,
                on_disconnect=model.on_disconnect,
            ),
            presumed=EMBEDDED_CAPABILITIES if model.provider == "embedded" else None,
            key=_secret(model.key(self._environment)),
            quota_group=self._quota_group(name, model),
            watched=model.where == "local" and model.provider != "scripted",
            is_shared=model.address is not None
            and not is_loopback(urlsplit(model.address).hostname or ""),
        )

    def _quota_group(self, name: str, model: ModelSettings) -> str:
        """One per address, key and whose it is; a provider in this process is its own.

        Nothing that an organisation does with a server of its own leaves everybody's alone.
        """
        if model.address is None:
            return name
        key = model.key(self._environment) or ""
        whose = " ".join(sorted(model.organisations or ()))
        return (
            f"{model.address} {hashlib.sha256(key.encode()).hexdigest()} {model.provider} {whose}"
        )

    def _provider(self, name: str, model: ModelSettings) -> Provider:
        if model.provider == "embedded":
            return EmbeddedProvider(
                weights=weights_of(model, self._settings),
                model=model.model,
                context_length=_embedded_context(model),
                slots=model.slots,
                threads=model.threads,
                clock=self._clock,
                upstream=lambda url, key: self._http(model, "openai", probes.llamacpp, url, key),
            )
        if model.provider == "scripted":
            scripts = [Script.from_mapping(script) for script in model.script]
            standing = scripts[-1] if scripts else None
            return ScriptedProvider(
                model.model, scripts[:-1], script=standing, clock=self._clock, keep=SCRIPTED_LOG
            )
        if model.address is None:
            raise ConfigError(f"[models.{name}]: provider {model.provider!r} needs base_url")
        dialect = model.preset.dialect
        probe = probes.BY_PROVIDER.get(model.provider) or probes.BY_PROVIDER[dialect]
        return self._http(model, dialect, probe, model.address, model.key(self._environment))

    def _http(
        self, model: ModelSettings, dialect: DialectName, probe: Probe, url: str, key: str | None
    ) -> HttpProvider:
        timeouts = Timeouts(
            connect_s=model.timeouts.connect_s,
            first_byte_s=model.first_byte_s,
            between_chunks_s=model.timeouts.between_chunks_s,
        )
        return HttpProvider(
            self._client,
            DIALECTS[dialect],
            probe,
            base_url=url,
            model=model.model,
            api_key=key,
            timeouts=timeouts,
        )


def _secret(key: str | None) -> str:
    """A key that can be told from a word: local servers are shown `none` and the like."""
    return key if key is not None and len(key) >= _SHORTEST_KEY else ""


def _deployment(name: str, model: ModelSettings, settings: Settings) -> Deployment:
    return Deployment(
        id=name,
        provider=model.provider,
        model=model.model,
        tier=settings.tier_of(model),
        location=model.where,
        context_length=_context_length(model),
        capabilities=model.capabilities,
        formats=_formats(name, model),
        tasks=model.tasks,
        weight=model.weight,
        organisations=model.organisations,
    )


def _formats(name: str, model: ModelSettings) -> tuple[FormatName, ...]:
    """What its server takes, the preferred one first."""
    paths = DIALECTS[model.preset.dialect].paths
    unknown = sorted(set(model.formats) - set(paths))
    if unknown and model.provider not in IN_PROCESS:
        known = ", ".join(paths)
        raise ConfigError(f"[models.{name}]: {model.provider} takes {known}, not {unknown[0]}")
    if model.formats or model.preset.formats:
        return model.formats or model.preset.formats
    if model.provider in IN_PROCESS:
        return IN_PROCESS_FORMATS
    return tuple(paths)


def _set_always(model: ModelSettings) -> dict[str, Json]:
    """What a server must be told in every request: Ollama truncates to 4096 tokens otherwise."""
    if model.preset.dialect != "ollama" or model.context_length is None:
        return {}
    return {"num_ctx": model.context_length}


def _context_length(model: ModelSettings) -> int | None:
    return _embedded_context(model) if model.provider == "embedded" else model.context_length


def _embedded_context(model: ModelSettings) -> int:
    return model.context_length or EMBEDDED_CONTEXT


def weights_of(model: ModelSettings, settings: Settings) -> Path:
    """The weights' file; where they are not here, the one that would be looked for."""
    if model.weights is not None:
        return model.weights
    found = WeightsStore(settings.home).find(model.model, "gguf")
    return found or settings.home / "models" / f"{model.model}.gguf"


def missing_weights(settings: Settings) -> str | None:
    """Which embedded deployment has no weights yet, and what to do; None where all have theirs."""
    for name, model in settings.models.items():
        if model.provider == "embedded" and not weights_of(model, settings).is_file():
            known = model.model in published_weights("gguf")
            spec = model.model if known else "<path or URL of its GGUF file>"
            return (
                f"[models.{name}]: the weights of {model.model} are not here yet; "
                f"`pointsman models pull {spec}` fetches them"
            )
    return None
