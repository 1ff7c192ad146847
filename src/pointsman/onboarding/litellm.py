"""LiteLLM's `config.yaml`, taken over: its `model_list` becomes deployments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation

from pointsman.errors import ConfigError
from pointsman.onboarding.addresses import without_password
from pointsman.onboarding.became import Became, Imported
from pointsman.onboarding.draft import Table, merged, name_for
from pointsman.onboarding.models_named import provider_of
from pointsman.presets import presets
from pointsman.types import Json

#: Names that route here, and so name no deployment.
_RESERVED = ("auto", "local", "cloud")
_FROM_ENVIRONMENT = "os.environ/"
#: Of a key that stands in the file in the open.
_NOT_COPIED = "not copied, so set that"
_MILLION = 1_000_000
_MODES: Mapping[str, str] = {
    "embedding": "embeddings",
    "image_generation": "images",
    "audio_transcription": "audio",
    "audio_speech": "audio",
    "rerank": "rerank",
}

#: US dollars for a million tokens in and out of the model of such a table; None where unknown.
PriceOf = Callable[[Table], Decimal | None]


def imported(
    config: object, tiers: tuple[str, ...], price_of: PriceOf, environment: Mapping[str, str]
) -> Imported:
    """What a parsed configuration of LiteLLM says. Raises ConfigError where it is none.

    LiteLLM has no tiers: local models get the lowest, the dearest cloud model the highest, the
    others the middle one; without a local one the cheapest is the lowest.
    """
    listed = config.get("model_list") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(listed, list):
        raise ConfigError("it is no configuration of LiteLLM: there is no list `model_list`")
    found = _Found(tiers, environment)
    for entry in listed:
        found.take(entry)
    found.share_out(price_of)
    found.take_rest(config)
    return Imported(merged(found.tables), tuple(found.became))


@dataclass(slots=True)
class _Found:
    tiers: tuple[str, ...]
    environment: Mapping[str, str]
    tables: list[Table] = field(default_factory=list)
    became: list[Became] = field(default_factory=list)
    #: By name of LiteLLM's: the deployment that has it.
    ids: dict[str, str] = field(default_factory=dict)

    def take(self, entry: object) -> None:
        """One entry of the list."""
        whole = entry if isinstance(entry, dict) else {}
        parameters, info = _mapping(whole.get("litellm_params")), _mapping(whole.get("model_info"))
        model, name = parameters.get("model"), whole.get("model_name")
        if not isinstance(model, str) or not isinstance(name, str):
            self._left("an entry", "it has no model_name, or no litellm_params.model")
            return
        if "*" in name or "*" in model:
            self._left(name, 'it is a pattern; name the models, or set unknown_model = "auto"')
            return
        try:
            members = self._members(model, parameters, info)
        except ValueError as error:
            self._left(name, str(error))
            return
        here = (table.path[-1] for table in self.tables if table.path[0] == "models")
        usable = name_for(name, [*_RESERVED, *self.tiers, *here])
        self.tables.append(Table(("models", usable), members, f"LiteLLM's {name} ({model})"))
        if "api_key" in members and _is_open(parameters.get("api_key")):
            said = f'api_key = "{members["api_key"]}": {_NOT_COPIED}'
            self.became.append(Became(f"{name}'s api_key", said))
        self.ids.setdefault(name, usable)
        if usable != name and self.ids[name] == usable:
            self.tables.append(Table(("aliases",), {name: usable}))

    def _members(
        self, model: str, parameters: Mapping[str, Json], info: Mapping[str, Json]
    ) -> dict[str, Json]:
        url = self._said(parameters.get("api_base") or parameters.get("base_url"), "api_base")
        provider, own = provider_of(model, presets())
        if provider is None and url is not None:
            provider = "openai-compatible"
        if provider is None:
            raise ValueError(f"there is no provider for {model!r}")
        if provider == "openai" and url is not None and "api.openai.com" not in url:
            provider = "openai-compatible"
        if presets()[provider].base_url is None and url is None:
            raise ValueError("it has no api_base")
        members: dict[str, Json] = {"provider": provider, "model": own, "tier": self.tiers[-1]}
        if url is not None:
            url = without_password(url).rstrip("/")
            members["base_url"] = _azure(url) if provider == "azure" else url
        key = _key(parameters.get("api_key"), provider)
        if key is not None:
            members["api_key"] = f"${{{key}}}"
        return members | _extras(parameters, info)

    def _said(self, value: Json, what: str) -> str | None:
        """A value that may stand in the environment."""
        if not isinstance(value, str) or not value.startswith(_FROM_ENVIRONMENT):
            return value if isinstance(value, str) else None
        variable = value.removeprefix(_FROM_ENVIRONMENT)
        if not self.environment.get(variable):
            raise ValueError(f"its {what} is in {variable}, which is not set")
        return self.environment[variable]

    def share_out(self, price_of: PriceOf) -> None:
        """Give each model its tier, and say so."""
        models = [each for each in self.tables if each.path[0] == "models"]
        tier = _tiers(models, self.tiers, price_of)
        for place, table in enumerate(self.tables):
            if table.path[0] != "models":
                continue
            name = table.path[1]
            self.tables[place] = replace(table, members={**table.members, "tier": tier[name]})
            self.became.append(Became(table.note, f"[models.{name}] in tier {tier[name]}"))

    def take_rest(self, config: Mapping[str, Json]) -> None:
        """What stands beside the list of models."""
        router, general = (
            _mapping(config.get("router_settings")),
            _mapping(config.get("general_settings")),
        )
        for alias, name in _mapping(router.get("model_group_alias")).items():
            if isinstance(name, str) and name in self.ids:
                self.tables.append(Table(("aliases",), {alias: self.ids[name]}))
                self.became.append(Became(f"alias {alias}", f"[aliases]: {self.ids[name]}"))
            else:
                self._left(f"alias {alias}", "it names no model that was taken over")
        master = general.get("master_key")
        if isinstance(master, str):
            variable = master.removeprefix(_FROM_ENVIRONMENT)
            named = variable if master.startswith(_FROM_ENVIRONMENT) else "LITELLM_MASTER_KEY"
            self.tables.append(Table((), {"api_key": f"${{{named}}}"}))
            said = f'api_key = "${{{named}}}": callers send it'
            said += f"; {_NOT_COPIED}" if _is_open(master) else ""
            self.became.append(Became("master_key", said))
        for name, why in _LEFT.items():
            if any(name in _mapping(config.get(part)) for part in _PARTS):
                self._left(name, why)

    def _left(self, name: str, why: str) -> None:
        self.became.append(Became(name, f"left: {why}", taken=False))


_PARTS = ("litellm_settings", "router_settings", "general_settings")
#: What needs no setting here, or has another one.
_LEFT: Mapping[str, str] = {
    "fallbacks": "every other deployment stands in where one fails; `fallback = false` stops it",
    "context_window_fallbacks": "a deployment whose context is too short is never asked",
    "routing_strategy": "within a tier the one with least to do goes first",
    "cache": "the exact cache is on; [cache] semantic is for similar prompts",
    "cache_params": "see [cache]: store, url, ttl_s",
    "database_url": "LiteLLM's own; the books here have a file, or [ledger] url",
    "success_callback": "see `pointsman report` and /metrics",
}


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _azure(url: str) -> str:
    return url if url.endswith("/v1") else f"{url}/openai/v1"


def _is_open(value: Json) -> bool:
    """A key itself, not the name of its variable."""
    return isinstance(value, str) and not value.startswith(_FROM_ENVIRONMENT)


def _key(value: Json, provider: str) -> str | None:
    """The variable that holds the key: one that stands in the file in the open is not copied."""
    if isinstance(value, str) and value.startswith(_FROM_ENVIRONMENT):
        return value.removeprefix(_FROM_ENVIRONMENT)
    usual = presets()[provider].keys
    if usual:
        return usual[0]
    if isinstance(value, str) and re.match(r"sk-|.{20}", value):
        return f"{re.sub('[^A-Z0-9]', '_', provider.upper())}_API_KEY"
    return None


def _extras(parameters: Mapping[str, Json], info: Mapping[str, Json]) -> dict[str, Json]:
    """Price, context, task, and how many at once."""
    found: dict[str, Json] = {}
    base = info.get("base_model")
    if isinstance(base, str):
        found["priced_as"] = base.rpartition("/")[2]
    both = {**info, **parameters}
    rates = {what: _rate(both.get(f"{what}_cost_per_token")) for what in ("input", "output")}
    if None not in rates.values():
        found |= {"price": dict(rates)}
    for theirs, ours in (
        ("max_input_tokens", "context_length"),
        ("max_parallel_requests", "concurrency"),
    ):
        figure = both.get(theirs)
        if isinstance(figure, int) and figure > 0:
            found[ours] = figure
    mode = info.get("mode")
    if isinstance(mode, str) and mode in _MODES:
        found["tasks"] = [_MODES[mode]]
    return found


def _rate(value: Json) -> float | None:
    """US dollars per million tokens, of those per token."""
    try:
        return float(Decimal(str(value)) * _MILLION)
    except InvalidOperation:
        return None


def _tiers(models: Sequence[Table], tiers: tuple[str, ...], price_of: PriceOf) -> Mapping[str, str]:
    lowest, middle, highest = tiers[0], tiers[len(tiers) // 2], tiers[-1]
    prices = {each.path[1]: price_of(each) for each in models}
    paid = {name: price for name, price in prices.items() if price}
    found = {name: lowest if price == 0 else middle for name, price in prices.items()}
    if paid:
        found |= dict.fromkeys(_at(paid, max(paid.values())), highest)
        if 0 not in prices.values() and len(set(paid.values())) > 1:
            found |= dict.fromkeys(_at(paid, min(paid.values())), lowest)
    return found


def _at(prices: Mapping[str, Decimal], price: Decimal) -> Iterator[str]:
    return (name for name, each in prices.items() if each == price)
