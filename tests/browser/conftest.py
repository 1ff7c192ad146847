"""One Chromium for all of these tests, and gateways with something to show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from tests.browser import traffic
from tests.browser.chromium import chromium
from tests.browser.visit import Visit, visiting
from tests.support.gateway import Gateway

#: The operator's static key of `locked`.
KEY = "a-static-key-of-the-operator"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One for all of these tests."""
    async with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway without keys that has answered some of everything."""
    with traffic.gateway(tmp_path_factory.mktemp("used")) as gateway:
        traffic.furnish(gateway)
        yield gateway


@pytest.fixture(scope="session")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that asks for a key."""
    with traffic.gateway(tmp_path_factory.mktemp("locked"), api_key=KEY) as gateway:
        traffic.furnish(gateway)
        yield gateway


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, used: Gateway) -> AsyncIterator[Visit]:
    """Somebody at `used`."""
    async with visiting(browser, used.address) as visit:
        yield visit


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(browser: Browser, locked: Gateway) -> AsyncIterator[Visit]:
    """Somebody at `locked` who has not signed in."""
    async with visiting(browser, locked.address) as visit:
        yield visit
