"""What is kept: the books, the cache, the weights, the list of prices."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from pointsman.assembly.offline import reading, running_at
from pointsman.assembly.storing import open_store
from pointsman.assembly.tariffs import price_list
from pointsman.assembly.wiring import missing_weights
from pointsman.cli.checkup.check import Check
from pointsman.config import Settings
from pointsman.errors import PointsmanError
from pointsman.ledger.price_list import Edition, newest_price
from pointsman.types import Selection
from pointsman.weights import WeightsStore

_PING = "redis-cli -u <url> ping"
#: Providers change prices every few weeks.
_OLD = timedelta(days=60)


async def books(settings: Settings) -> tuple[Check, datetime | None]:
    """Whether they can be read, and the time of their newest entry."""
    try:
        async with reading(settings) as store:
            entries = await store.list(limit=1)
    except PointsmanError as error:
        mend = "pointsman db upgrade" if "another version" in str(error) else None
        return Check("books", "failed", str(error), mend), None
    newest = entries[0].time if entries else None
    since = f", the newest entry of {newest:%Y-%m-%d %H:%M} UTC" if newest else ", still empty"
    where = "in PostgreSQL" if settings.ledger.url is not None else str(settings.database)
    return Check("books", "ok", where + since), newest


async def cache(settings: Settings) -> Iterator[Check]:
    """Whether replies can be kept, and what finding similar prompts needs."""
    return iter([await _store(settings), *_similar(settings)])


async def _store(settings: Settings) -> Check:
    kept = settings.cache
    if not kept.exact and not kept.is_similar:
        return Check("cache", "ok", "off")
    place = settings.cache_place.store
    if place == "embedded" and running_at(settings) is not None:
        return Check("cache", "ok", "the running gateway has it")
    try:
        store = await open_store(settings, in_memory=not settings.cache_file.exists())
        try:
            listing = await store.list(Selection(), limit=0)
        finally:
            await store.close()
    except PointsmanError as error:
        if place in {"redis", "postgres"}:  # requests go on without it
            look = _PING if place == "redis" else "psql <url> -c 'select 1'"
            return Check("cache", "warning", str(error), look)
        return Check(
            "cache", "failed", str(error), f"mv {settings.cache_file} {settings.cache_file}.broken"
        )
    tiers = "exact and semantic" if kept.is_similar else "exact"
    return Check("cache", "ok", f"{tiers}, {place}, {listing.count} replies")


def _similar(settings: Settings) -> Iterator[Check]:
    if not settings.cache.is_similar or settings.cache.embedder != "minilm":
        return
    if importlib.util.find_spec("onnxruntime") is None:
        mend = "pip install 'pointsman[semantic]'"
        yield Check("embedder", "failed", "onnxruntime is not installed", mend)
    elif WeightsStore(settings.home).find("minilm") is None:
        mend = "pointsman models pull minilm"
        yield Check("embedder", "failed", "the weights of minilm are not here yet", mend)
    else:
        yield Check("embedder", "ok", "minilm is here")


def embedded(settings: Settings) -> Iterator[Check]:
    """What models in this process need."""
    if all(model.provider != "embedded" for model in settings.models.values()):
        return
    if importlib.util.find_spec("xllamacpp") is None:
        mend = "pip install 'pointsman[local]'"
        yield Check("llama.cpp", "failed", f"not installed: {mend}", mend)
    else:
        yield Check("llama.cpp", "ok", "xllamacpp is installed")
    missing = missing_weights(settings)
    if missing:
        command = missing.partition("`")[2].partition("`")[0]
        yield Check("weights", "failed", missing, command)
    else:
        yield Check("weights", "ok", "here")


def prices(settings: Settings) -> Check:
    """How old the list of prices is."""
    edition, now = price_list(settings).load(), datetime.now(UTC)
    age, since = _age(edition, newest_price(now.date()), now)
    detail = f"genai-prices {edition.version}, {since}, {edition.models} models"
    if age is None or age > _OLD:
        return Check("prices", "warning", detail, "pointsman prices update")
    return Check("prices", "ok", detail)


def _age(edition: Edition, newest: date | None, now: datetime) -> tuple[timedelta | None, str]:
    """At most: an installed list is at least as young as its newest price."""
    if edition.fetched is not None:
        return now - edition.fetched, f"fetched {edition.fetched:%Y-%m-%d}"
    if newest is None:
        return None, "of unknown age"
    return now.date() - newest, f"its newest price of {newest}"
