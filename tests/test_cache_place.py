"""Where cached replies are kept where nobody says: wherever all gateways can share them."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from tests.gateway import two_tiers
from tests.support import servers
from tests.support.caches import NOW, reply

from pointsman.assembly.storing import is_shared, open_store
from pointsman.config import CacheSettings, LedgerSettings, RedisSettings, Settings
from pointsman.errors import ConfigError
from pointsman.storage.cache_redis import RedisCache
from pointsman.storage.cache_sqlite import SqliteCache

REDIS, BOOKS = "redis://one/0", "postgresql://two/books"


def settings(*, redis: str | None = None, books: str | None = None, **cache: object) -> Settings:
    return two_tiers(
        redis=RedisSettings(url=redis),
        ledger=LedgerSettings(url=books),
        cache=CacheSettings(**cache),
    )


def place(made: Settings) -> tuple[str, str | None]:
    found = made.cache_place
    return found.store, found.url and found.url.get_secret_value()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("embedded", None)),
        ({"redis": REDIS}, ("redis", REDIS)),
        ({"books": BOOKS}, ("embedded", None)),
        ({"redis": REDIS, "books": BOOKS}, ("redis", REDIS)),
        ({"redis": REDIS, "books": BOOKS, "semantic": "on"}, ("postgres", BOOKS)),
        ({"redis": REDIS, "semantic": "on"}, ("embedded", None)),
        ({"redis": REDIS, "store": "memory"}, ("memory", None)),
        ({"redis": REDIS, "store": "embedded"}, ("embedded", None)),
        ({"redis": REDIS, "store": "redis"}, ("redis", REDIS)),
        ({"redis": REDIS, "store": "redis", "url": "redis://own/1"}, ("redis", "redis://own/1")),
        ({"books": BOOKS, "store": "postgres"}, ("postgres", BOOKS)),
    ],
)
def test_what_is_shared_goes_first(given: dict[str, str], expected: tuple[str, str | None]) -> None:
    assert place(settings(**given)) == expected


@pytest.mark.parametrize("store", ["redis", "postgres"])
def test_a_server_needs_an_address(store: str) -> None:
    with pytest.raises(ValueError, match=f'store = "{store}" needs its url'):
        settings(store=store)


async def test_alone_it_is_a_file(tmp_path: Path) -> None:
    store = await open_store(two_tiers(home=tmp_path))
    assert isinstance(store, SqliteCache)
    assert not is_shared(store)
    await store.close()


@pytest.mark.full
async def test_with_redis_all_gateways_have_it_under_the_same_prefix() -> None:
    url, stores = servers.redis().url, []
    for prefix in ("a:", "a:", "b:"):
        made = two_tiers(redis=RedisSettings(url=url, prefix=prefix), cache=CacheSettings())
        stores.append(await open_store(made))
    one, two, other = stores
    assert isinstance(one, RedisCache)
    assert is_shared(one)
    await one.put(reply(1))
    key = reply(1).key
    assert await two.get(key, NOW) == reply(1)
    assert await other.get(key, NOW) is None
    for store in stores:
        await store.close()


@pytest.mark.full
async def test_similar_prompts_stay_with_each_gateway_where_postgresql_has_no_vectors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    admin = await asyncpg.connect(servers.postgres().url)
    await admin.execute("CREATE ROLE vectorless LOGIN")
    await admin.execute("CREATE DATABASE vectorless")
    await admin.close()
    url = servers.postgres().url.replace("/postgres?", "/vectorless?")
    admin = await asyncpg.connect(url)
    await admin.execute("GRANT CREATE ON SCHEMA public TO vectorless")
    await admin.close()
    books = LedgerSettings(url=url.replace("postgres@", "vectorless@"))

    made = two_tiers(home=tmp_path, ledger=books, cache=CacheSettings(semantic="on"))
    store = await open_store(made)
    assert isinstance(store, SqliteCache)
    await store.close()
    assert [record.message for record in caplog.records] == [
        "similar prompts are kept by each gateway: PostgreSQL has no pgvector"
    ]
    named = CacheSettings(semantic="on", store="postgres")
    with pytest.raises(ConfigError, match="the postgres server has no vector search"):
        await open_store(two_tiers(home=tmp_path, ledger=books, cache=named))

    with_vectors = LedgerSettings(url=servers.postgres().url)
    shared = two_tiers(home=tmp_path, ledger=with_vectors, cache=CacheSettings(semantic="on"))
    store = await open_store(shared)
    assert is_shared(store)
    await store.close()
