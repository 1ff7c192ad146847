"""One Chromium for all of these tests, and gateways with something to show."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect
from tests.browser import traffic
from tests.browser.visit import PATIENCE_MS, Visit, visiting
from tests.support.gateway import Gateway

FONTS = Path(__file__).with_name("fonts.conf")
#: A name that this browser looks up as this machine; the gateway does not know it.
FOREIGN_HOST = "elsewhere.example"
#: The operator's static key of `locked`.
KEY = "a-static-key-of-the-operator"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, without a window."""
    if (found := shutil.which("chromium") or shutil.which("google-chrome")) is None:
        pytest.skip("needs Chromium: apt-get install chromium (`make test-full` does it)")
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=found,
            # Containers run as root and have no user namespaces, without which there is no sandbox.
            args=["--no-sandbox", f"--host-resolver-rules=MAP {FOREIGN_HOST} 127.0.0.1"],
            env={**os.environ, "FONTCONFIG_FILE": str(FONTS)},
        )
        yield running
        await running.close()


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
