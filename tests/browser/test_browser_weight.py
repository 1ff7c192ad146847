"""How much is loaded, how fast, and that long books stay the server's to page."""

from __future__ import annotations

import asyncio
import itertools
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from bench.books_entries import entries
from playwright.async_api import Browser, expect
from tests.browser import traffic
from tests.browser.visit import Visit, visiting

from pointsman.app import App
from pointsman.config import load

pytestmark = [pytest.mark.full, pytest.mark.asyncio(loop_scope="session")]

VIEWS = ("overview", "live", "upstreams", "cache", "keys", "playground", "feedback", "learning")
#: Bytes over the wire of everything the dashboard is made of.
MOST_BYTES = 300_000
#: Seconds from the call to the first view.
FIRST_VIEW_S = 1.0
#: Cold visits of which one has to be that quick: other work on the machine slows some.
MOST_VISITS = 15
ENTRIES = 100_000
BATCH = 5000
#: The most rows that a page asks for at once, and keeps in its table.
MOST_ROWS = 200


async def test_all_of_it_is_light(visit: Visit):
    session = await visit.page.context.new_cdp_session(visit.page)
    await session.send("Network.enable")
    files: dict[str, str] = {}
    sizes: dict[str, float] = {}
    session.on(
        "Network.responseReceived",
        lambda event: files.setdefault(event["requestId"], event["response"]["url"]),
    )
    session.on(
        "Network.loadingFinished",
        lambda event: sizes.setdefault(event["requestId"], event["encodedDataLength"]),
    )
    for view in VIEWS:
        await visit.open(view)
        await visit.page.wait_for_load_state("networkidle")
    own = [each for each, url in files.items() if f"{visit.address}/dashboard" in url]
    assert len(own) > len(VIEWS)
    assert sum(sizes.get(each, 0.0) for each in own) < MOST_BYTES


async def fill(home: Path) -> None:
    """Write the books of a busy quarter, as a gateway does."""
    (home / "pointsman.toml").write_text(traffic.CONFIG)
    settings = load(home / "pointsman.toml").model_copy(update={"home": home})
    app = App(settings, environment={})
    await app.start(load=False)
    try:
        left = entries(ENTRIES, datetime.now(UTC))
        while batch := list(itertools.islice(left, BATCH)):
            await asyncio.gather(*(app.bookkeeping.store.reserve(entry) for entry in batch))
    finally:
        await app.close()


async def first_view_s(visit: Visit) -> float:
    """Seconds until the first view is there, with nothing in the browser's cache."""
    began = time.monotonic()
    await visit.open()
    return time.monotonic() - began


async def test_long_books_are_there_at_once_and_paged(browser: Browser, tmp_path: Path):
    await fill(tmp_path)
    async with traffic.gateway(tmp_path) as gateway:
        took = []
        while len(took) < MOST_VISITS and min(took, default=FIRST_VIEW_S) >= FIRST_VIEW_S:
            async with visiting(browser, gateway.address) as visit:
                took.append(await first_view_s(visit))
        assert min(took) < FIRST_VIEW_S

        async with visiting(browser, gateway.address) as visit:
            live = await visit.open("live")
            rows = live.locator("[data-request-id]")
            await expect(rows.first).to_be_visible()
            newest = await rows.first.get_attribute("data-request-id")
            await live.get_by_role("button", name="Older").click()
            await expect(rows.first).not_to_have_attribute("data-request-id", newest or "")
            assert await rows.count() <= MOST_ROWS

            pages = [urlsplit(path) for path in visit.asked if path.startswith("/v1/decisions?")]
            assert len(pages) >= 2
            assert all(int(parse_qs(page.query)["limit"][0]) <= MOST_ROWS for page in pages)
