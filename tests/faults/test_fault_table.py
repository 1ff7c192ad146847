"""What a client sees and what the books hold, for every fault: `docs/reference/faults.md`.

`make faults` writes what was seen into the table; otherwise it is compared.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.faults import table
from tests.faults.rows import Row
from tests.faults.upstream_rows import ROWS
from tests.support.served import Front, front

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_front() -> AsyncIterator[Front]:
    async with front() as running:
        yield running


def parameters() -> list[object]:
    return [
        pytest.param(row, id=row.id, marks=[pytest.mark.full] if row.full else []) for row in ROWS
    ]


@pytest.mark.parametrize("row", parameters())
async def test_upstream(row: Row, shared_front: Front, tmp_path: Path):
    seen = await table.run(row, shared_front, tmp_path)
    for each in seen:
        print(each)
