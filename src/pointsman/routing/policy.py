"""What the operator wants, and what is known of each deployment: the facts of a decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import TypeAlias

import msgspec

from pointsman.errors import ConfigError, UnknownModel
from pointsman.types import Deployment, Target

#: Deployments in the order in which they are tried; those of one group share the load.
Groups: TypeAlias = tuple[tuple[str, ...], ...]

LOCATIONS = ("local", "cloud")
#: What makes an alias a pattern, as in the shell: `gpt-4o*`.
_PATTERN = frozenset("*?[")
#: Characters of a model's name at most: the books keep what was asked for.
LONGEST_NAME = 512
#: The name of a scorer's own threshold where there are deployments in two tiers only.
TWO_TIERS = "two_tiers"
#: Lowest score of each of three tiers, and of the higher of two, by scorer: its own thresholds.
DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "heuristic": {"medium": 25.0, "complex": 50.0, TWO_TIERS: 50.0}
}


class Escalate(msgspec.Struct, frozen=True):
    """What to spend on better tiers: one of the three, or none for the scorer's own thresholds.

    One number for `score` or `share` is the step into the highest tier in use.
    """

    #: Lowest score (0-100) of each tier above the first. Between the first and the highest, tiers
    #: that are not named keep the scorer's own; below one number, in proportion to it.
    score: float | Mapping[str, float] | None = None
    #: Share of the traffic (0-1) that goes to each tier above the first; those that are not named
    #: get none. The share of a tier without a deployment goes to the next lower one that has any.
    share: float | Mapping[str, float] | None = None
    #: The lowest tier whose predicted quality is at least this share (0-1) of the highest one's.
    quality: float | None = None

    def __post_init__(self) -> None:
        """Raises ConfigError."""
        given = [each for each in (self.score, self.share, self.quality) if each is not None]
        if len(given) > 1:
            raise ConfigError("escalate says how to spend in one way: score, share or quality")
        if any(not 0 <= score <= 100 for score in _values(self.score)):  # noqa: PLR2004 - a scale
            raise ConfigError("escalate.score: scores are from 0 to 100")
        shares = _values(self.share)
        if any(not 0 <= share <= 1 for share in shares) or sum(shares) > 1 + 1e-9:
            raise ConfigError("escalate.share: shares are from 0 to 1, and at most 1 together")
        if self.quality is not None and not 0 < self.quality <= 1:
            raise ConfigError(
                "escalate.quality is a share of the highest tier's, above 0 and at most 1"
            )

    def check(self, tiers: tuple[str, ...]) -> None:
        """Raises ConfigError where it does not go with these tiers, lowest first."""
        for name, asked in (("score", self.score), ("share", self.share)):
            named = asked if isinstance(asked, Mapping) else {}
            for tier in named:
                if tier not in tiers[1:]:
                    can = ", ".join(tiers[1:]) or "none: there is only one tier"
                    raise ConfigError(f"escalate.{name}: {tier!r} can't be named; can be: {can}")
        bounds = self.score if isinstance(self.score, Mapping) else {}
        rising = [bounds[tier] for tier in tiers if tier in bounds]
        if rising != sorted(rising):
            raise ConfigError("escalate.score: a higher tier begins at a higher score")


def _values(asked: float | Mapping[str, float] | None) -> tuple[float, ...]:
    if isinstance(asked, Mapping):
        return tuple(asked.values())
    return () if asked is None else (asked,)


class Floors(msgspec.Struct, frozen=True):
    """The lowest tier of a topic or a domain."""

    topics: Mapping[str, str] = msgspec.field(default_factory=dict)
    domains: Mapping[str, str] = msgspec.field(default_factory=dict)
    #: Drop what is below the floor even where nothing else is left.
    strict: bool = False


class Policy(msgspec.Struct, frozen=True):
    """The operator's rules."""

    #: Lowest first.
    tiers: tuple[str, ...] = ("simple", "medium", "complex")
    escalate: Escalate = Escalate()
    #: What holds for an organisation instead, and for a key (by its id) instead of either.
    by_organisation: Mapping[str, Escalate] = msgspec.field(default_factory=dict)
    by_key: Mapping[str, Escalate] = msgspec.field(default_factory=dict)
    #: Each scorer's own thresholds, by its name: `medium`, `complex` and `two_tiers`.
    defaults: Mapping[str, Mapping[str, float]] = msgspec.field(default_factory=lambda: DEFAULTS)
    default_tier: str = "medium"
    max_local_tokens: int | None = None
    fallback: bool = True
    floors: Floors = Floors()
    #: What a name stands for: another name, or deployments in the order in which they are tried.
    aliases: Mapping[str, str | Groups] = msgspec.field(default_factory=dict)
    unknown_model_is_auto: bool = False

    def __post_init__(self) -> None:
        """Raises ConfigError."""
        for escalate in (
            self.escalate,
            *self.by_organisation.values(),
            *self.by_key.values(),
        ):
            escalate.check(self.tiers)

    def lists_with(self, deployment: str) -> tuple[str, ...]:
        """The aliases of several deployments that name this one."""
        return tuple(
            alias
            for alias, to in self.aliases.items()
            if not isinstance(to, str) and any(deployment in group for group in to)
        )

    def own(self, scorer: str) -> Mapping[str, float]:
        """The thresholds that a scorer brings along; none where it brings none."""
        return self.defaults.get(scorer, {})


def names(policy: Policy, deployments: Mapping[str, Deployment]) -> tuple[str, ...]:
    """Every name that a request may ask for: routes, tiers in use, aliases, deployments."""
    in_use = {deployment.tier for deployment in deployments.values()}
    tiers = [tier for tier in policy.tiers if tier in in_use]
    aliases = [
        alias
        for alias in policy.aliases
        if not _PATTERN.intersection(alias) and _target(alias, policy, deployments) is not None
    ]
    return tuple(dict.fromkeys(("auto", *LOCATIONS, *tiers, *aliases, *deployments)))


def resolve(
    name: str,
    policy: Policy,
    deployments: Mapping[str, Deployment],
    shows: Callable[[Target], bool] = lambda _: True,
) -> Target:
    """What a model's name stands for. Raises UnknownModel, with the names of all that it `shows`."""
    if len(name) <= LONGEST_NAME:
        target = _target(name, policy, deployments)
        if target is not None:
            return target
    targets = ((each, _target(each, policy, deployments)) for each in names(policy, deployments))
    known = ", ".join(each for each, target in targets if target is not None and shows(target))
    raise UnknownModel(
        f"there is no model {name[:128]!r}; there are: {known}. "
        f"GET /v1/models lists them, and [aliases] gives other names to them{_entry(name)}",
        param="model",
    )


def _entry(name: str) -> str:
    """What would make a model of it, where it says whose: `ollama/qwen3:4b`."""
    provider, _, model = name.partition("/")
    if not (provider and model and len(name) <= LONGEST_NAME):
        return ""
    return f"; to add it: [models.{name!r}] with provider = {provider!r} and model = {model!r}"


def _aliased(name: str, aliases: Mapping[str, str | Groups]) -> tuple[str, str | Groups]:
    """The alias that fits, and what it stands for: an exact name first, then the first pattern."""
    if name in aliases:
        return name, aliases[name]
    fit = ((alias, to) for alias, to in aliases.items() if fnmatchcase(name, alias))
    return next(fit, (name, name))


def _target(asked: str, policy: Policy, deployments: Mapping[str, Deployment]) -> Target | None:
    alias, name = _aliased(asked, policy.aliases)
    if not isinstance(name, str):
        there = (tuple(each for each in group if each in deployments) for group in name)
        groups = tuple(group for group in there if group)
        if groups:
            return Target("deployment", alias, groups)
    elif name == "auto":
        return Target("auto", name)
    elif name in LOCATIONS:
        return Target("location", name)
    elif name in policy.tiers:
        return Target("tier", name)
    elif name in deployments:
        return Target("deployment", name)
    return Target("auto", "auto") if policy.unknown_model_is_auto else None
