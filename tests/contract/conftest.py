"""Every store of the cache and of the books, opened in a place of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.contract.adapters import ADAPTERS, those
from tests.support.books import LEDGERS, LedgerAdapter, Store
from tests.support.caches import Adapter, Cache


@pytest.fixture(params=those(ADAPTERS))
async def cache(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Cache]:
    """Each store in turn."""
    adapter: Adapter = request.param
    async with adapter.open(tmp_path) as opened:
        yield opened


@pytest.fixture(params=those([each for each in ADAPTERS if each.semantic]))
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Cache]:
    """Each store in turn that finds replies by vector."""
    adapter: Adapter = request.param
    async with adapter.open(tmp_path) as opened:
        yield opened


@pytest.fixture(params=those(LEDGERS))
async def books(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Each store of the books in turn."""
    adapter: LedgerAdapter = request.param
    async with adapter.open(tmp_path) as opened:
        yield opened
