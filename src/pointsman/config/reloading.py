"""Which of newly read settings take effect at once, and which with the next start."""

from __future__ import annotations

import msgspec

from pointsman.config.cache import CacheSettings
from pointsman.config.settings import Settings
from pointsman.errors import ConfigError

#: Sections that a running gateway takes over. All others stay as they were when it started.
RELOADED = (
    "aliases",
    "budgets",
    "keys",
    "limits",
    "models",
    "organisations",
    "privacy",
    "prompts",
    "routing",
    "unknown_model",
)
#: What it takes over of `[cache]`: what is looked up, not where it is kept or what finds it.
RELOADED_OF_CACHE = ("epoch", "exact", "ignore", "routes", "scope", "semantic", "ttl_s")


class Renewal(msgspec.Struct, frozen=True):
    """What a reload makes of the settings."""

    #: What is in force from now on.
    settings: Settings
    #: Sections that are others than before.
    changed: tuple[str, ...]
    #: Sections that are others in what was read, and stay as they were until the next start.
    waiting: tuple[str, ...]


def renewal(now: Settings, read: Settings) -> Renewal:
    """What becomes of the settings in force `now` with those that were `read`.

    Raises ConfigError where what needs a start and what does not don't go together.
    """
    cache = _cache(now.cache, read.cache)
    taken = {name: getattr(read, name) for name in RELOADED}
    settings = now.model_copy(update={**taken, "cache": cache})
    names = [name for name in type(now).model_fields if getattr(now, name) != getattr(read, name)]
    _check(now, settings)
    return Renewal(
        settings,
        changed=tuple(each for each in names if getattr(settings, each) != getattr(now, each)),
        waiting=tuple(each for each in names if getattr(settings, each) != getattr(read, each)),
    )


def _cache(now: CacheSettings, read: CacheSettings) -> CacheSettings:
    """Without an embedder there is no semantic tier before the next start."""
    taken = {name: getattr(read, name) for name in RELOADED_OF_CACHE}
    if read.is_similar and not now.is_similar:
        del taken["semantic"], taken["routes"]
    return now.model_copy(update=taken)


def _check(now: Settings, settings: Settings) -> None:
    """What stays names only what is there, as it was."""
    judge, embedder = settings.learning.judge.deployment, settings.cache.embedder
    if judge is not None and judge not in settings.models:
        raise ConfigError(
            f"[learning.judge] deployment: [models.{judge}] is gone; restart with another judge"
        )
    was, becomes = now.models.get(embedder), settings.models.get(embedder)
    if settings.cache.is_similar and was != becomes:
        raise ConfigError(
            f"[cache] embedder: [models.{embedder}] can't be changed while it is used; restart"
        )
