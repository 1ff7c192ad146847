"""What several gateways share."""

from __future__ import annotations

from typing import Literal

import msgspec
from pydantic import Field, SecretStr

from pointsman.config.books import LedgerSettings
from pointsman.config.cache import CacheSettings
from pointsman.config.deployment import Section


class RedisSettings(Section):
    """A Redis or Valkey server that all gateways use; nothing is lost with it."""

    #: Its URL, best as a reference: `${REDIS_URL}`. Each gateway counts limits for itself where not
    #: given.
    url: SecretStr | None = None
    #: How all of Pointsman's keys and channels begin; gateways with the same one belong together.
    prefix: str = Field(default="pointsman:", min_length=1, max_length=64)
    #: Seconds that a request waits for it. Then the gateway goes on by itself until it is back.
    timeout_s: float = Field(default=0.05, gt=0, le=10)


class CachePlace(msgspec.Struct, frozen=True):
    """Where cached replies are kept, once `auto` is decided."""

    store: Literal["embedded", "memory", "redis", "postgres"]
    url: SecretStr | None = None


def cache_place(cache: CacheSettings, redis: RedisSettings, ledger: LedgerSettings) -> CachePlace:
    """What all gateways share, where nothing is said. Raises ValueError where a URL is missing."""
    if cache.store == "auto":
        url = ledger.url if cache.is_similar else redis.url
        if url is None:
            return CachePlace("embedded")
        return CachePlace("postgres" if cache.is_similar else "redis", url)
    url = cache.url or {"redis": redis.url, "postgres": ledger.url}.get(cache.store)
    if url is None and cache.store in {"redis", "postgres"}:
        raise ValueError(f'store = "{cache.store}" needs its url, such as url = "${{CACHE_URL}}"')
    return CachePlace(cache.store, url)
