"""The models that another router's variables name: which deployments they become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pointsman.assembly.discovery import ollama_address
from pointsman.onboarding.addresses import without_password
from pointsman.onboarding.became import Became
from pointsman.onboarding.draft import Table, name_for
from pointsman.onboarding.models_named import provider_called, provider_of
from pointsman.presets import presets
from pointsman.types import Json

_TIERS = ("DEFAULT_SIMPLE_MODEL", "DEFAULT_MEDIUM_MODEL", "DEFAULT_COMPLEX_MODEL")
#: By provider: the variables of its key, the usual one first, and the one of its model.
_CLOUDS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "anthropic": (("ANTHROPIC_API_KEY",), "ANTHROPIC_MODEL"),
    "gemini": (("GEMINI_API_KEY", "GOOGLE_API_KEY"), "GEMINI_MODEL"),
    "openai": (("OPENAI_API_KEY",), "OPENAI_MODEL"),
}
MODEL_VARIABLES = frozenset(
    {
        "OLLAMA_HOST",
        "OLLAMA_BASE_URL",
        "OLLAMA_MODEL",
        "LOCAL_BASE_URL",
        "LOCAL_MODEL",
        "CLOUD_PROVIDER",
        *_TIERS,
        *(name for keys, model in _CLOUDS.values() for name in (*keys, model)),
    }
)


def deployments(
    stated: Mapping[str, str], tiers: tuple[str, ...]
) -> tuple[list[Table], list[Became]]:
    """The tables of the models that the variables name, and what became of each variable."""
    found = _Found(stated, tiers)
    found.by_tier()
    found.at_ollama()
    found.at_local_server()
    found.in_clouds()
    return found.tables, found.became


@dataclass(slots=True)
class _Found:
    stated: Mapping[str, str]
    tiers: tuple[str, ...]
    tables: list[Table] = field(default_factory=list)
    became: list[Became] = field(default_factory=list)

    def by_tier(self) -> None:
        """Models by tier; of a local server where their names tell no provider."""
        levels = (self.tiers[0], self.tiers[len(self.tiers) // 2], self.tiers[-1])
        for variable, tier in zip(_TIERS, levels, strict=True):
            name = self.stated.get(variable)
            if name is None:
                continue
            provider, model = provider_of(name, presets())
            if provider is None and self._ollama_address() is not None:
                provider = "ollama"
            if provider is None:
                why = f"left: {name!r} tells no provider; say it as provider/model"
                self.became.append(Became(variable, why, taken=False))
            else:
                self._add(variable, provider, model, tier)

    def at_ollama(self) -> None:
        """Ollama, where a variable names its model."""
        model = self.stated.get("OLLAMA_MODEL")
        here = [n for n in ("OLLAMA_BASE_URL", "OLLAMA_HOST") if n in self.stated]
        if model is not None:
            self._add("OLLAMA_MODEL", "ollama", model, self.tiers[0])
        used = any(table.members["provider"] == "ollama" for table in self.tables)
        for place, variable in enumerate(here):
            if not used:
                why = "left: no variable names a model there; `pointsman init` asks the server"
            elif place:
                why = f"left: {here[0]} says it, too"
            else:
                why = f"the base_url of Ollama's models: {self._ollama_address()}"
            self.became.append(Became(variable, why, taken=used and not place))

    def at_local_server(self) -> None:
        """A server of OpenAI's kind on this machine or its network."""
        url, model = self.stated.get("LOCAL_BASE_URL"), self.stated.get("LOCAL_MODEL")
        if url is not None and model is not None:
            self._add("LOCAL_MODEL", "openai-compatible", model, self.tiers[0], url=url)
            self.became.append(Became("LOCAL_BASE_URL", f"its base_url: {_http(url)}"))
        elif model is not None and self._ollama_address() is not None:
            self._add("LOCAL_MODEL", "ollama", model, self.tiers[0])
        elif url is not None or model is not None:
            variable, missing = (
                ("LOCAL_MODEL", "LOCAL_BASE_URL")
                if url is None
                else ("LOCAL_BASE_URL", "LOCAL_MODEL")
            )
            self.became.append(Became(variable, f"left: it needs {missing}, too", taken=False))

    def in_clouds(self) -> None:
        """A model of each provider whose key is there, or of the one that is named."""
        wanted = self.stated.get("CLOUD_PROVIDER")
        chosen = None if wanted is None else provider_called(wanted, presets())
        if wanted is not None:
            said = f"{wanted} alone gets the hard ones" if chosen else "left: no such provider here"
            self.became.append(Became("CLOUD_PROVIDER", said, taken=chosen is not None))
        for provider, (keys, variable) in _CLOUDS.items():
            self._in_cloud(provider, keys, variable, chosen or provider)

    def _in_cloud(self, provider: str, keys: tuple[str, ...], variable: str, chosen: str) -> None:
        key = next((name for name in keys if name in self.stated), None)
        model = self.stated.get(variable)
        used = any(table.members["provider"] == provider for table in self.tables)
        left = f"left: CLOUD_PROVIDER names {chosen}"
        if model is not None and provider != chosen:
            self.became.append(Became(variable, left, taken=False))
        elif model is not None:
            self._add(variable, provider, model, self.tiers[-1])
        elif key is not None and not used and provider == chosen:
            strong = presets()[provider].strong or ""
            self._add(None, provider, strong, self.tiers[-1])
        theirs = [each.path[1] for each in self.tables if each.members["provider"] == provider]
        for name in (name for name in keys if name in self.stated):
            if name != key:
                self.became.append(Became(name, f"left: {key} is the key", taken=False))
            elif theirs:
                said = f'api_key = "${{{name}}}" of {_named(theirs)}: a reference, not copied'
                self.became.append(Became(name, said))
            else:
                self.became.append(Became(name, left, taken=False))

    def _add(
        self, variable: str | None, provider: str, model: str, tier: str, *, url: str | None = None
    ) -> None:
        for table in self.tables:
            if (table.members["provider"], table.members["model"]) == (provider, model):
                said = f"{_named([table.path[1]])} has it already, in tier {table.members['tier']}"
                self.became.append(Became(variable or "", said))
                return
        name = name_for(f"{provider}/{model}", [table.path[1] for table in self.tables])
        members: dict[str, Json] = {"provider": provider, "model": model, "tier": tier}
        members |= self._address(provider, url) | dict(self._key(provider))
        self.tables.append(Table(("models", name), members, variable or ""))
        if variable is not None:
            self.became.append(Became(variable, f"{_named([name])} in tier {tier}"))

    def _address(self, provider: str, url: str | None) -> dict[str, Json]:
        if url is not None:
            return {"base_url": _http(url), "location": "local"}
        address = self._ollama_address() if provider == "ollama" else None
        return (
            {}
            if address is None or address == presets()["ollama"].base_url
            else {"base_url": address}
        )

    def _key(self, provider: str) -> Iterator[tuple[str, Json]]:
        keys = _CLOUDS[provider][0] if provider in _CLOUDS else presets()[provider].keys
        named = next((name for name in keys if name in self.stated), keys[0] if keys else None)
        if named is not None:
            yield "api_key", f"${{{named}}}"

    def _ollama_address(self) -> str | None:
        stated = self.stated.get("OLLAMA_BASE_URL") or self.stated.get("OLLAMA_HOST")
        if stated is None:
            return presets()["ollama"].base_url if "OLLAMA_MODEL" in self.stated else None
        return ollama_address(stated)


def _named(names: Sequence[str]) -> str:
    return ", ".join(f"[models.{name}]" for name in names)


def _http(url: str) -> str:
    return without_password(url if "://" in url else f"http://{url}").rstrip("/")
