"""The embedded cache's process is killed; what it had said was kept is there afterwards."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from cache_writer import CLIENTS
from tests.support.caches import NOW, ids, meant, vector

from pointsman.storage.cache_sqlite import SqliteCache

SCRIPT = Path(__file__).with_name("cache_writer.py")
ROOT = SCRIPT.parents[2]
REPLIES = 5_000


async def killed_after(path: Path, lines: int) -> list[str]:
    """Run the writer, kill it when it has said so much; returns all that it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(SCRIPT), str(path), str(REPLIES)),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout
    said = [await process.stdout.readline() for _ in range(lines)]
    process.kill()
    said += (await process.stdout.read()).splitlines()
    await process.wait()
    return [line.decode().strip() for line in said]


@pytest.mark.full
@pytest.mark.parametrize("lines", [1, 40, 500, 2_000])
async def test_killed_at_any_time_it_keeps_what_it_acknowledged(tmp_path: Path, lines: int):
    path = tmp_path / "cache.db"
    said = await killed_after(path, lines)
    put = {int(line) for line in said if not line.startswith("+")}
    hit = {int(line) for line in said if line.startswith("+")}

    cache = SqliteCache.open(path, max_replies=REPLIES)
    await cache.load()
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert len(await ids(cache)) - len(put) in range(CLIENTS + 1)
    forgotten = 0
    for number in put:
        kept = await cache.get(meant(number).key, NOW)
        assert kept
        assert kept.body == meant(number).body
        forgotten += number in hit and kept.hits == 0
    assert forgotten <= CLIENTS  # a hit is written with the next reply that is kept
    for number in sorted(put)[:20]:
        [near] = await cache.nearest("p1", vector(number), limit=1, now=NOW)
        assert near.reply.id == f"cr_{number}"
    await cache.close()
