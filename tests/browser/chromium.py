"""The browser of whoever looks at the dashboard in a test."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright, expect
from tests.browser.visit import PATIENCE_MS

FONTS = Path(__file__).with_name("fonts.conf")
#: A name that this browser looks up as this machine; the gateway does not know it.
FOREIGN_HOST = "elsewhere.example"


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, without a window; skips the test where there is none."""
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
