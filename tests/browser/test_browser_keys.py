"""Keys and their budgets, managed by mouse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect
from tests.browser import traffic
from tests.browser.conftest import KEY
from tests.browser.visit import Visit, visiting
from tests.support.gateway import Answer, Gateway

pytestmark = [pytest.mark.full, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def keys(stranger: Visit) -> AsyncIterator[Locator]:
    """The keys as the operator sees them."""
    await stranger.page.goto(f"{stranger.address}/dashboard#/keys")
    await stranger.sign_in(KEY)
    yield await stranger.shown("keys")


async def create(visit: Visit, name: str, **fields: str) -> str:
    """Fill in the form for a key; its text, which is shown this once."""
    await visit.page.get_by_role("button", name="Create a key").click()
    form = visit.page.get_by_role("dialog")
    await form.get_by_label("Name").fill(name)
    for label, value in fields.items():
        await form.get_by_label(label.replace("_", " ")).fill(value)
    await form.get_by_role("button", name="Create", exact=True).click()
    return await kept(visit)


async def kept(visit: Visit) -> str:
    """The key's text out of the dialog that shows it, which is then closed."""
    text = await visit.page.locator("[data-secret]").inner_text()
    await visit.page.get_by_role("button", name="I have kept it").click()
    await expect(visit.page.locator("[data-secret]")).to_have_count(0)
    return text


async def ask_with(gateway: Gateway, key: str) -> Answer:
    """What a client of that key gets."""
    client = Gateway(gateway.home, "", api_key=key)
    client.address = gateway.address
    asked = {"model": "llama", "messages": [{"role": "user", "content": "Hi"}]}
    return await asyncio.to_thread(client.chat, asked)


def row(keys: Locator, name: str) -> Locator:
    """The key's row."""
    return keys.locator("[data-key-id]").filter(has_text=name)


async def test_a_key_is_shown_once_and_works(stranger: Visit, locked: Gateway, keys: Locator):
    text = await create(stranger, "laptop", Each_day="2.50", Requests_a_minute="60")
    assert text not in await stranger.page.content()
    assert (await ask_with(locked, text)).status == 200

    await stranger.page.reload()
    await expect(row(keys, "laptop")).to_contain_text("$2.50")
    await expect(row(keys, "laptop")).to_contain_text("60 requests/min")
    assert text not in await stranger.page.content()


async def test_a_key_is_changed_and_switched_off_and_on(
    stranger: Visit, locked: Gateway, keys: Locator
):
    text = await create(stranger, "build")
    await keys.get_by_role("button", name="Change build").click()
    form = stranger.page.get_by_role("dialog")
    await form.get_by_label("Each month").fill("7")
    await form.get_by_role("button", name="Save").click()
    await expect(row(keys, "build")).to_contain_text("$7.00")

    await keys.get_by_role("button", name="Deactivate build").click()
    await expect(row(keys, "build")).to_contain_text("deactivated")
    assert (await ask_with(locked, text)).status == 401
    await keys.get_by_role("button", name="Activate build").click()
    await expect(row(keys, "build")).to_contain_text("active")
    assert (await ask_with(locked, text)).status == 200


async def test_a_leaked_key_is_rotated_at_once(stranger: Visit, locked: Gateway, keys: Locator):
    leaked = await create(stranger, "leaked")
    await keys.get_by_role("button", name="Rotate leaked").click()
    dialog = stranger.page.get_by_role("dialog")
    await dialog.get_by_label("The old secret").select_option("ends at once")
    await dialog.get_by_role("button", name="Rotate").click()
    fresh = await kept(stranger)

    assert fresh != leaked
    assert (await ask_with(locked, leaked)).status == 401
    assert (await ask_with(locked, fresh)).status == 200


async def test_a_key_is_deleted_when_asked_twice(stranger: Visit, locked: Gateway, keys: Locator):
    text = await create(stranger, "doomed")
    await keys.get_by_role("button", name="Delete doomed").click()
    await stranger.page.get_by_role("button", name="Keep it").click()
    assert (await ask_with(locked, text)).status == 200

    await keys.get_by_role("button", name="Delete doomed").click()
    await stranger.page.get_by_role("button", name="Delete the key").click()
    await expect(row(keys, "doomed")).to_have_count(0)
    assert (await ask_with(locked, text)).status == 401


async def test_the_first_key_closes_the_gateway_and_signs_in(browser: Browser, tmp_path: Path):
    with traffic.gateway(tmp_path) as gateway:
        async with visiting(browser, gateway.address) as visit:
            await visit.open("keys")
            text = await create(visit, "mine")
            await expect(row(await visit.shown("keys"), "mine")).to_be_visible()
            assert (await asyncio.to_thread(gateway.get, "/v1/models")).status == 401
            assert (await ask_with(gateway, text)).status == 200


@pytest.mark.parametrize("role", ["user", "read-only"])
async def test_who_manages_nothing_is_offered_nothing_to_manage(
    stranger: Visit, locked: Gateway, role: str
):
    wish = b'{"name": "plain", "role": "%b"}' % role.encode()
    text = locked.send("POST", "/v1/keys", wish).json()["key"]
    await stranger.page.goto(f"{stranger.address}/dashboard")
    await stranger.sign_in(text)
    await stranger.shown("overview")
    await expect(stranger.page.get_by_role("link", name="Live")).to_be_visible()
    await expect(stranger.page.get_by_role("link", name="Keys")).to_have_count(0)
