"""What the cache may do, where it keeps replies, and how its error is watched."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, model_validator

from pointsman.config.deployment import Section

#: Members that say nothing of the answer, and may be ignored by choice.
IGNORABLE = frozenset(
    {"user", "metadata", "safety_identifier", "prompt_cache_key", "store", "service_tier"}
)

#: Ten years.
MOST_TTL_S = 315_360_000.0


class RouteCacheSettings(Section):
    """What holds for requests of one route, instead of what holds for all."""

    #: As `[cache] exact`.
    exact: bool | None = None
    #: As `[cache] semantic`.
    semantic: Literal["off", "shadow", "asked", "on"] | None = None
    #: As `[cache] ttl_s`.
    ttl_s: float | None = Field(default=None, gt=0, le=MOST_TTL_S)
    #: As `[cache] max_false_hits`.
    max_false_hits: float | None = Field(default=None, gt=0, lt=1)


class CacheSettings(Section):
    """Replies that are given again."""

    #: The same request gets the same reply, and identical requests at the same time share one call.
    exact: bool = True
    #: A prompt that means the same gets the same reply: `off`, `shadow` (only written down), `asked`
    #: (for requests with `x-pointsman-cache: semantic`) or `on`.
    semantic: Literal["off", "shadow", "asked", "on"] = "off"
    #: Where replies are kept: `embedded` (a file in `home`), `memory` (lost with the process),
    #: `redis` or `postgres`. `auto` is what all gateways share: with the semantic tier the
    #: PostgreSQL of `[ledger]`, without it `[redis]`, and `embedded` where that is not given.
    store: Literal["auto", "embedded", "memory", "redis", "postgres"] = "auto"
    #: The server's URL, for `redis` and `postgres`; that of `[redis]` or `[ledger]` where not given.
    url: SecretStr | None = None
    #: Seconds for which a reply is kept.
    ttl_s: float = Field(default=86_400.0, gt=0, le=MOST_TTL_S)
    #: Replies that are kept; the least valuable go first.
    max_replies: int = Field(default=100_000, ge=1)
    #: Megabytes that they may take.
    max_mb: int = Field(default=512, ge=1)
    #: Who shares replies: everybody of an `organisation`, or only the requests of one `key`.
    scope: Literal["organisation", "key"] = "organisation"
    #: Members of requests that have no effect on answers here, so that requests that differ in them
    #: share replies: `user`, `metadata`, `safety_identifier`, `prompt_cache_key`, `store`,
    #: `service_tier`.
    ignore: frozenset[str] = frozenset()
    #: A word of yours; a new one forgets all that was kept under another.
    epoch: str = ""
    #: What embeds prompts: `minilm` (`pointsman models pull minilm`), or a deployment's id.
    embedder: str = "minilm"
    #: Use an embedder for which no thresholds are shipped; `min_similarity` must then be given.
    uncalibrated: bool = False
    #: The lowest cosine that is looked at; the shipped one where not given.
    min_similarity: float | None = Field(default=None, ge=0, le=1)
    #: From which probability of serving a similar prompt a reply is given; the shipped one where not
    #: given.
    min_probability: float | None = Field(default=None, ge=0, le=1)
    #: The share of semantic hits that may be false: a route that has more is switched off.
    max_false_hits: float = Field(default=0.05, gt=0, lt=1)
    #: The share of semantic hits that are sent to the model as well, to compare the two answers.
    recheck: float = Field(default=0.02, ge=0, le=1)
    #: What compares them.
    compare: Literal["embedding", "judge", "both"] = "embedding"
    #: By route: `auto`, `local`, `cloud`, a tier, a deployment, or an alias of several.
    routes: dict[str, RouteCacheSettings] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> CacheSettings:
        if unknown := sorted(self.ignore - IGNORABLE):
            known = ", ".join(sorted(IGNORABLE))
            raise ValueError(f"ignore takes {known}; {unknown[0]!r} may change an answer")
        if self.embedder != "minilm" and not self.uncalibrated:
            raise ValueError(
                "only minilm comes with thresholds; another embedder takes `uncalibrated = true` "
                "and a `min_similarity` that you have measured (`pointsman cache test`)"
            )
        if self.embedder != "minilm" and self.min_similarity is None:
            raise ValueError("an uncalibrated embedder needs a `min_similarity`")
        return self

    @property
    def is_similar(self) -> bool:
        """Whether any route may give the reply to a similar prompt."""
        modes = {self.semantic, *(route.semantic for route in self.routes.values())}
        return bool(modes & {"shadow", "asked", "on"})
