"""What the operator wants, and what is known of each deployment: the facts of a decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from pointsman.errors import UnknownModel
from pointsman.types import Deployment, Target

LOCATIONS = ("local", "cloud")
#: What makes an alias a pattern, as in the shell: `gpt-4o*`.
_PATTERN = frozenset("*?[")
#: Characters of a model's name at most: the books keep what was asked for.
LONGEST_NAME = 512


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


def _unaliased(name: str, aliases: Mapping[str, str]) -> str:
    """What an alias stands for: its exact name first, then the first pattern that fits."""
    if name in aliases:
        return aliases[name]
    return next((to for pattern, to in aliases.items() if fnmatchcase(name, pattern)), name)


def names(policy: Policy, deployments: Mapping[str, Deployment]) -> tuple[str, ...]:
    """Every name that a request may ask for: routes, tiers in use, aliases, deployments."""
    in_use = {deployment.tier for deployment in deployments.values()}
    tiers = [tier for tier in policy.tiers if tier in in_use]
    aliases = [alias for alias in policy.aliases if not _PATTERN.intersection(alias)]
    return ("auto", *LOCATIONS, *tiers, *aliases, *deployments)


def resolve(name: str, policy: Policy, deployments: Mapping[str, Deployment]) -> Target:
    """What a model's name stands for. Raises UnknownModel."""
    if len(name) <= LONGEST_NAME:
        target = _target(_unaliased(name, policy.aliases), policy, deployments)
        if target is not None:
            return target
    known = ", ".join(names(policy, deployments))
    raise UnknownModel(
        f"there is no model {name[:128]!r}; there are: {known}. "
        "GET /v1/models lists them, and [aliases] gives other names to them",
        param="model",
    )


def _target(name: str, policy: Policy, deployments: Mapping[str, Deployment]) -> Target | None:
    if name == "auto":
        return Target("auto", name)
    if name in LOCATIONS:
        return Target("location", name)
    if name in policy.tiers:
        return Target("tier", name)
    if name in deployments:
        return Target("deployment", name)
    return Target("auto", "auto") if policy.unknown_model_is_auto else None
