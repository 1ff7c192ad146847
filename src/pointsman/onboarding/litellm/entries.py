"""LiteLLM's `model_list`: its entries become deployments."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec.structs import replace

from pointsman.onboarding.addresses import without_password
from pointsman.onboarding.became import Became
from pointsman.onboarding.draft import Table, name_for
from pointsman.onboarding.litellm.values import (
    FROM_ENVIRONMENT,
    NOT_COPIED,
    is_open,
    mapping,
    names,
    number,
    seconds,
)
from pointsman.onboarding.models_named import provider_of
from pointsman.presets import presets
from pointsman.types import Json

#: Names that route here, and so name no deployment.
_RESERVED = ("auto", "local", "cloud")
_MILLION = 1_000_000
_MODES: Mapping[str, str] = {
    "embedding": "embeddings",
    "image_generation": "images",
    "audio_transcription": "audio",
    "audio_speech": "audio",
    "rerank": "rerank",
}
#: What every deployment is there for.
_CHAT_MODES = ("chat", "completion", "responses")
#: Whole numbers that have an equal here.
_COUNTS: Mapping[str, str] = {
    "max_input_tokens": "context_length",
    "max_parallel_requests": "concurrency",
}
#: US dollars for a token.
_RATES: Mapping[str, str] = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cached",
    "cache_creation_input_token_cost": "written",
}
#: What says which model it is and where.
_PLACE = frozenset({"model", "api_base", "base_url", "api_key", "order"})
_LIMITS = "a deployment has `weight` and `concurrency`; [limits] are of keys and organisations"
_TIMES = "see [models.<id>.timeouts]"
_NO_SETTING = "there is no setting for it here; `extra` sets a member in every request"
#: What needs no setting here, or has another one.
_LEFT: Mapping[str, str] = {
    "access_groups": "a key has `models`: `pointsman keys create`",
    "api_version": "the address that is called needs none",
    "budget_duration": "budgets are of keys and organisations: [budgets]",
    "drop_params": "[models.<id>] drop_params names the parameters",
    "id": "LiteLLM's own; a deployment's id is its table's name",
    "max_budget": "budgets are of keys and organisations: [budgets]",
    "max_output_tokens": "see [models.<id>] max_output_tokens",
    "max_retries": "retries are for all: [routing] retries",
    "max_tokens": "see [models.<id>] max_output_tokens",
    "num_retries": "retries are for all: [routing] retries",
    "region_name": "see [models.<id>] location: local or cloud",
    "rpm": _LIMITS,
    "stream_timeout": f"{_TIMES} first_byte_s, between_chunks_s",
    "timeout": _TIMES,
    "tpm": _LIMITS,
}

#: US dollars for a million tokens in and out of the model of such a table; None where unknown.
PriceOf = Callable[[Table], Decimal | None]


@dataclass(slots=True)
class Entries:
    """The list of models, entry by entry."""

    tiers: tuple[str, ...]
    environment: Mapping[str, str]
    #: Seconds until the reply of those must have begun that say nothing themselves.
    first_byte_s: float | None = None
    tables: list[Table] = field(default_factory=list)
    became: list[Became] = field(default_factory=list)
    #: By name of LiteLLM's: the deployments that have it, with their `order`.
    _ids: dict[str, list[tuple[float, str]]] = field(default_factory=dict)

    @property
    def named(self) -> dict[str, list[list[str]]]:
        """By name of LiteLLM's: its deployments; those of one `order` together, the lowest first."""
        return {
            name: [
                [each for at, each in ids if at == order] for order in sorted({at for at, _ in ids})
            ]
            for name, ids in self._ids.items()
        }

    def take(self, entry: object) -> None:
        """One entry of the list."""
        whole = entry if isinstance(entry, dict) else {}
        parameters, info = mapping(whole.get("litellm_params")), mapping(whole.get("model_info"))
        model, name = parameters.get("model"), whole.get("model_name")
        if not isinstance(model, str) or not isinstance(name, str):
            self._left("an entry", "it has no model_name, or no litellm_params.model")
            return
        if "*" in name or "*" in model:
            self._left(name, 'it is a pattern; name the models, or set unknown_model = "auto"')
            return
        extras = _Extras({**info, **parameters})
        extras.take()
        try:
            members = self._members(model, parameters) | extras.found
        except ValueError as error:
            self._left(name, str(error))
            return
        if self.first_byte_s is not None:
            members.setdefault("timeouts", {"first_byte_s": self.first_byte_s})
        here = (table.path[-1] for table in self.tables if table.path[0] == "models")
        usable = name_for(name, [*_RESERVED, *self.tiers, *here])
        self.tables.append(Table(("models", usable), members, f"LiteLLM's {name} ({model})"))
        if "api_key" in members and is_open(parameters.get("api_key")):
            said = f'api_key = "{members["api_key"]}": {NOT_COPIED}'
            self.became.append(Became(f"{name}'s api_key", said))
        order = number(parameters.get("order")) or 0.0
        self._ids.setdefault(name, []).append((order, usable))
        for member in {**parameters, **info, **_beside(whole)}:
            if member not in _PLACE and member not in extras.taken:
                self._left(f"{usable}'s {member}", _why(member))

    def _members(self, model: str, parameters: Mapping[str, Json]) -> dict[str, Json]:
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
        return members

    def _said(self, value: Json, what: str) -> str | None:
        """A value that may stand in the environment."""
        if not isinstance(value, str) or not value.startswith(FROM_ENVIRONMENT):
            return value if isinstance(value, str) else None
        variable = value.removeprefix(FROM_ENVIRONMENT)
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

    def _left(self, name: str, why: str) -> None:
        self.became.append(Became(name, f"left: {why}", taken=False))


def _why(member: str) -> str:
    """Why a member of an entry is left."""
    if member.startswith("supports_"):
        return "see [models.<id>] capabilities"
    return _LEFT.get(member, _NO_SETTING)


def _beside(entry: Mapping[str, Json]) -> Mapping[str, Json]:
    """What an entry says beside its name and the two tables."""
    known = ("model_name", "litellm_params", "model_info")
    return {name: each for name, each in mapping(dict(entry)).items() if name not in known}


def _azure(url: str) -> str:
    return url if url.endswith("/v1") else f"{url}/openai/v1"


def _key(value: Json, provider: str) -> str | None:
    """The variable that holds the key: one that stands in the file in the open is not copied."""
    if isinstance(value, str) and value.startswith(FROM_ENVIRONMENT):
        return value.removeprefix(FROM_ENVIRONMENT)
    usual = presets()[provider].keys
    if usual:
        return usual[0]
    if isinstance(value, str) and re.match(r"sk-|.{20}", value):
        return f"{re.sub('[^A-Z0-9]', '_', provider.upper())}_API_KEY"
    return None


@dataclass(slots=True)
class _Extras:
    """Price, context, task, load and time of an entry; `taken` are the members that say it."""

    stated: Mapping[str, Json]
    found: dict[str, Json] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def take(self) -> None:
        base, mode = self.stated.get("base_model"), self.stated.get("mode")
        if isinstance(base, str):
            self._is("priced_as", base.rpartition("/")[2], "base_model")
        if isinstance(mode, str) and mode in _MODES:
            self._is("tasks", [_MODES[mode]], "mode")
        elif mode in _CHAT_MODES:
            self.taken.add("mode")
        self._price()
        for theirs, ours in _COUNTS.items():
            figure = self.stated.get(theirs)
            if isinstance(figure, int) and not isinstance(figure, bool) and figure > 0:
                self._is(ours, figure, theirs)
        weight, first = number(self.stated.get("weight")), seconds(self.stated.get("timeout"))
        if weight is not None:
            self._is("weight", weight, "weight")
        if first is not None:
            self._is("timeouts", {"first_byte_s": first}, "timeout")
        if dropped := names(self.stated.get("additional_drop_params")):
            self._is("drop_params", list[Json](dropped), "additional_drop_params")

    def _price(self) -> None:
        rates = {ours: _rate(self.stated.get(theirs)) for theirs, ours in _RATES.items()}
        if rates["input"] is None or rates["output"] is None:
            return
        known: dict[str, Json] = {ours: rate for ours, rate in rates.items() if rate is not None}
        self._is("price", known, *(theirs for theirs, ours in _RATES.items() if ours in known))

    def _is(self, ours: str, value: Json, *theirs: str) -> None:
        self.found[ours] = value
        self.taken.update(theirs)


def _rate(value: Json) -> float | None:
    """US dollars per million tokens, of those per token."""
    per_token = number(value)
    rate = None if per_token is None else float(Decimal(str(per_token)) * _MILLION)
    return rate if rate is not None and math.isfinite(rate) else None


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
