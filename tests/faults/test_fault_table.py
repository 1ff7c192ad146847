"""What a client sees and what the books hold, for every fault: `docs/reference/faults.md`.

What is seen is compared with what is kept; `make faults` keeps it anew.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from tests.faults import record, table
from tests.faults.client_rows import CLIENT_ROWS, ClientRow
from tests.faults.record import Seen
from tests.faults.reply_rows import REPLY_ROWS
from tests.faults.rows import Row, healthy
from tests.faults.upstream_rows import UPSTREAM_ROWS
from tests.support.faulty_upstream import FaultyUpstream
from tests.support.raw_client import ask, connected
from tests.support.served import Baseline, Front, Served, eventually, front, served

from pointsman.config import ServerSettings
from pointsman.server.protocol import BoundedProtocol

in_one_loop = pytest.mark.asyncio(loop_scope="module")


class Impatient(BoundedProtocol):
    """As it is, but sooner."""

    HEAD_S = 0.3
    STALL_S = 0.3


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door() -> AsyncIterator[Front]:
    async with front(Impatient) as running:
        yield running


@dataclass(frozen=True)
class Shop:
    """A gateway, all well, with its door."""

    door: Front
    gateway: Served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop() -> AsyncIterator[Shop]:
    limits = ServerSettings(max_body_bytes=1_000_000, body_timeout_s=0.3)
    async with front(Impatient) as door, FaultyUpstream(healthy) as upstream:
        models = {"weak": table.model(upstream.base_url, "simple", {})}
        async with served(door, models, server=limits) as gateway:
            yield Shop(door, gateway)


def named(rows: Sequence[Row | ClientRow]) -> list[object]:
    return [
        pytest.param(row, id=row.id, marks=[pytest.mark.full] * getattr(row, "full", False))
        for row in rows
    ]


@in_one_loop
@pytest.mark.parametrize("row", named([*UPSTREAM_ROWS, *REPLY_ROWS]))
async def test_an_upstream_fails(row: Row, door: Front, tmp_path: Path):
    record.check(row.id, row.what, await table.run(row, door, tmp_path))


@in_one_loop
@pytest.mark.parametrize("row", named(CLIENT_ROWS))
async def test_a_client_misbehaves(row: ClientRow, shop: Shop):
    baseline, entries = Baseline(), len(shop.gateway.books.settled_entries)
    async with asyncio.timeout(table.PATIENCE_S):
        async with connected(shop.door.address) as connection:
            await connection.send(row.sent)
            heard = await connection.hear()
            closed = row.closed and await connection.is_closed()
        await eventually(lambda: shop.gateway.slots_taken == 0, "slots are free")
    await baseline.is_back()
    booked = len(shop.gateway.books.settled_entries) > entries
    after = await ask(shop.door.address, table.WAYS[0].path, table.WAYS[3].body)

    assert after.status == 200
    assert heard.status == (row.status or 0), heard
    assert closed == row.closed
    if row.status is not None and row.status >= 400:
        assert set(heard.json()["error"]) == {"message", "type", "param", "code"}
        assert heard.headers["x-request-id"].startswith("req_")
        assert "x-evil" not in heard.headers
    answer = f"{heard.status}" if row.status else "no answer"
    seen = Seen("any", answer + ", closed" * closed, "an entry" if booked else "no entry")
    record.check(row.id, row.what, [seen])


@pytest.mark.skipif(record.WRITE in os.environ, reason="they are being written")
def test_every_row_is_kept_and_no_other():
    elsewhere = {"C2", "C3a", "C3b", "C3c", "C3d"}  # test_clients_go.py

    assert (
        set(record.rows())
        == {row.id for row in (*UPSTREAM_ROWS, *REPLY_ROWS, *CLIENT_ROWS)} | elsewhere
    )
