"""The cache, looked at and made to forget."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from tests.browser import traffic
from tests.browser.visit import Visit, visiting
from tests.support.gateway import Gateway, eventually

pytestmark = [pytest.mark.full, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture
def caching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose cache holds replies of three routes, and has given one of them."""
    with traffic.gateway(tmp_path_factory.mktemp("caching")) as gateway:
        for text in traffic.SIMPLE[:3]:
            traffic.ask(gateway, text, "llama")
            traffic.ask(gateway, text, "haiku")
        eventually(lambda: held(gateway) == 6, "all replies are kept")
        traffic.ask(gateway, traffic.SIMPLE[0], "haiku")
        yield gateway


@pytest_asyncio.fixture(loop_scope="session")
async def keeper(browser: Browser, caching: Gateway) -> AsyncIterator[Visit]:
    """Somebody who looks at it."""
    async with visiting(browser, caching.address) as visit:
        yield visit


def held(gateway: Gateway) -> int:
    """How many replies the cache holds."""
    return gateway.get("/v1/cache").json()["count"]


async def test_a_reply_is_looked_at_and_forgotten(keeper: Visit, caching: Gateway):
    cache = await keeper.open("cache")
    await expect(cache.locator("[data-reply-id]")).to_have_count(6)
    await cache.locator("[data-reply-id]").first.get_by_role("button").click()
    dialog = keeper.page.get_by_role("dialog")
    await expect(dialog).to_contain_text(traffic.SIMPLE[2])

    await dialog.get_by_role("button", name="Forget this reply").click()
    await expect(cache.locator("[data-reply-id]")).to_have_count(5)
    assert held(caching) == 5


async def test_what_one_deployment_said_is_forgotten(keeper: Visit, caching: Gateway):
    cache = await keeper.open("cache")
    await cache.get_by_label("Deployment").fill("haiku")
    await cache.get_by_label("Deployment").press("Tab")
    await expect(cache.locator("[data-reply-id]")).to_have_count(3)
    await cache.get_by_role("button", name="Forget what fits").click()
    await keeper.page.get_by_role("button", name="Forget 3 replies").click()
    await expect(cache.get_by_text("Nothing fits.")).to_be_visible()
    assert held(caching) == 3


async def test_a_hit_leads_to_its_request(keeper: Visit):
    cache = await keeper.open("cache")
    hit = cache.locator("[data-request-id]")
    await expect(hit).to_have_count(1)
    request_id = await hit.get_attribute("data-request-id")
    await hit.get_by_role("link").click()
    await expect(await keeper.shown("request")).to_contain_text(request_id or "?")
