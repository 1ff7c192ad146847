"""What gateways share besides the books and the cache."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

from pointsman.cli.checkup.check import Check
from pointsman.config import Settings, resolve_secret
from pointsman.errors import PointsmanError
from pointsman.storage.redis_link import RedisLink


async def redis(settings: Settings) -> AsyncIterator[Check]:
    """Whether limits are counted together, where that is configured."""
    if settings.redis.url is None:
        return
    try:
        link = RedisLink(resolve_secret(settings.redis.url, os.environ))
    except PointsmanError as error:
        yield Check("redis", "failed", str(error))
        return
    try:
        await link.connect()
        full = await link.grows_full()
    except PointsmanError as error:  # requests go on without it
        said = f"{error}; each gateway has its share of the limits until then"
        yield Check("redis", "warning", said, "redis-cli -u <url> ping")
        return
    finally:
        await link.close()
    if full:
        mend = "redis-cli -u <url> config set maxmemory-policy volatile-lfu"
        yield Check("redis", "warning", "maxmemory-policy is noeviction: it may grow full", mend)
    else:
        yield Check("redis", "ok", "gateways share limits and hear each other")
