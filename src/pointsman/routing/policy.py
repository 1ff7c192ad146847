"""What the operator wants, and what is known of each deployment: the facts of a decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pointsman.errors import UnknownModel
from pointsman.types import Deployment, Target

LOCATIONS = ("local", "cloud")


@dataclass(frozen=True, slots=True)
class Floors:
    """The lowest tier of a topic or a domain."""

    topics: Mapping[str, str] = field(default_factory=dict)
    domains: Mapping[str, str] = field(default_factory=dict)
    #: Drop what is below the floor even where nothing else is left.
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's rules."""

    #: Lowest first.
    tiers: tuple[str, ...] = ("simple", "medium", "complex")
    #: Lowest score of each tier above the first; overrides the scorer's own.
    thresholds: Mapping[str, float] = field(default_factory=dict)
    default_tier: str = "medium"
    max_local_tokens: int | None = None
    fallback: bool = True
    floors: Floors = Floors()
    aliases: Mapping[str, str] = field(default_factory=dict)
    unknown_model_is_auto: bool = False


def names(policy: Policy, deployments: Mapping[str, Deployment]) -> tuple[str, ...]:
    """Every name that a request may ask for: routes, tiers in use, aliases, deployments."""
    in_use = {deployment.tier for deployment in deployments.values()}
    tiers = [tier for tier in policy.tiers if tier in in_use]
    return ("auto", *LOCATIONS, *tiers, *policy.aliases, *deployments)


def resolve(name: str, policy: Policy, deployments: Mapping[str, Deployment]) -> Target:
    """What a model's name stands for. Raises UnknownModel."""
    name = policy.aliases.get(name, name)
    if name == "auto":
        return Target("auto", name)
    if name in LOCATIONS:
        return Target("location", name)
    if name in policy.tiers:
        return Target("tier", name)
    if name in deployments:
        return Target("deployment", name)
    if policy.unknown_model_is_auto:
        return Target("auto", "auto")
    known = ", ".join(names(policy, deployments))
    raise UnknownModel(
        f"there is no model {name[:128]!r}; there are: {known}. "
        "GET /v1/models lists them, and [aliases] gives other names to them",
        param="model",
    )
