"""Which models to begin with: one for what is easy, one for what is hard."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from pointsman.config import ModelSettings
from pointsman.onboarding.draft import Table
from pointsman.types import Json

#: Billions of parameters up to which a model is taken to run well on a machine of one's own.
COMFORTABLE_B = 16.0

_SIZE = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)b(?![a-z0-9])", re.IGNORECASE)


class Pair(msgspec.Struct, frozen=True):
    """A model for what is easy and, where there is one, another for what is hard: ids."""

    easy: str
    hard: str | None


def suggested(models: Mapping[str, ModelSettings]) -> Pair:
    """The pair that most people would pick from these deployments, of which there is one at least.

    Local before cloud for what is easy; the first provider's strong model for what is hard.
    """
    easy, hard = easy_ones(models), hard_ones(models)
    first = easy[0]
    return Pair(first, next((each for each in hard if each != first), None))


def easy_ones(models: Mapping[str, ModelSettings]) -> list[str]:
    """Candidates for what is easy, the best first.

    The largest local model of up to `COMFORTABLE_B` leads; then those whose size their name does
    not tell, larger ones, and cloud models from the cheapest tier on.
    """
    local = [name for name, model in models.items() if model.where == "local"]
    cloud = [name for name, model in models.items() if model.where == "cloud"]
    tiers = ["simple", "medium", "complex"]
    return [
        *sorted(local, key=lambda name: _rank(models[name].model)),
        *sorted(cloud, key=lambda name: tiers.index(models[name].tier or "simple")),
    ]


def hard_ones(models: Mapping[str, ModelSettings]) -> list[str]:
    """Candidates for what is hard, the best first: strong models of providers whose key is there."""
    strong = [name for name, model in models.items() if model.tier == "complex"]
    others = [n for n, model in models.items() if model.where == "cloud" and n not in strong]
    return [*strong, *others]


def tables(
    pair: Pair, models: Mapping[str, ModelSettings], keys: Mapping[str, str]
) -> Iterator[Table]:
    """The pair's tables; `keys` has the variable that holds the key, by provider."""
    strong = None if pair.hard is None else models[pair.hard]
    notes = {"simple": "What is easy goes here.", "complex": "What is hard goes here."}
    chosen = {"simple": models[pair.easy]} | ({} if strong is None else {"complex": strong})
    for (tier, model), name in zip(chosen.items(), (pair.easy, pair.hard), strict=False):
        yield Table(
            ("models", name or ""), _members(model, tier, keys.get(model.provider)), notes[tier]
        )


def _members(model: ModelSettings, tier: str, key: str | None) -> dict[str, Json]:
    members: dict[str, Json] = {"provider": model.provider, "model": model.model, "tier": tier}
    if model.base_url is not None and model.base_url != model.preset.base_url:
        members["base_url"] = model.base_url
    if key is not None and model.where == "cloud":
        members["api_key"] = f"${{{key}}}"
    return members


def _rank(model: str) -> tuple[int, float]:
    found = [float(size) for size in _SIZE.findall(model)]
    if not found:
        return (1, 0.0)
    size = max(found)
    return (0, -size) if size <= COMFORTABLE_B else (2, size)
