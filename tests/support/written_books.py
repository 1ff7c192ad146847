"""Books of a few requests that ended differently, for commands that read them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.entries import entry

from pointsman.storage.sqlite import SqliteStore

CONFIG = """
[models.weak]
provider = "scripted"
model = "weak-model"
tier = "simple"

[models.strong]
provider = "scripted"
model = "strong-model"
tier = "complex"
location = "cloud"
price = { input = 1, output = 2 }
"""
NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)
BOOKS = (
    entry("old", NOW - timedelta(days=40), cost="0.5", baseline="1.5"),
    entry("hit", NOW - timedelta(days=1), cache="exact", cost="0", baseline="0.25"),
    entry("new", NOW, key="k2", cost="0.125", overhead="0.025", baseline="0.25", estimated=True),
    entry("dear", NOW, organisation="umbrella", deployment="big", tier="complex", cost="2"),
    entry("unknown", NOW, organisation="umbrella", cost=None),
)


def books_in(folder: Path) -> Path:
    """A home with books in it."""
    folder.mkdir()
    asyncio.run(write(folder / "pointsman.db"))
    return folder


async def write(path: Path) -> None:
    store = SqliteStore.open(path)
    for each in BOOKS:
        await store.reserve(each)
    await store.close()
