"""Signing in with a key, what is left of it in the browser, and how it ends."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import expect
from tests.browser.conftest import KEY
from tests.browser.visit import Visit
from tests.support.gateway import Gateway

pytestmark = [pytest.mark.full, pytest.mark.asyncio(loop_scope="session")]

#: Everything that a script of the page could read of what the browser keeps.
KEPT = "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, location.href])"


def make_key(gateway: Gateway, **wish: object) -> tuple[str, str]:
    """A key's id and its text."""
    made = gateway.send("POST", "/v1/keys", json.dumps(wish).encode()).json()
    return made["id"], made["key"]


async def test_without_a_key_nothing_is_shown_but_the_form(stranger: Visit):
    await stranger.page.goto(f"{stranger.address}/dashboard#/live")
    await stranger.shown("signin")
    await expect(stranger.page.locator("[data-request-id]")).to_have_count(0)


async def test_a_wrong_key_is_refused_in_words(stranger: Visit):
    await stranger.page.goto(f"{stranger.address}/dashboard")
    await stranger.sign_in("not-the-key")
    await expect(stranger.page.get_by_role("alert")).to_be_visible()
    await expect(stranger.page.locator('[data-view="signin"]')).to_be_visible()
    stranger.forgive("401")


async def test_a_right_key_opens_what_was_asked_for(stranger: Visit):
    await stranger.page.goto(f"{stranger.address}/dashboard#/live")
    await stranger.sign_in(KEY)
    live = await stranger.shown("live")
    await expect(live.locator("[data-request-id]").first).to_be_visible()


async def test_the_key_is_nowhere_that_a_script_could_read(stranger: Visit):
    await stranger.page.goto(f"{stranger.address}/dashboard")
    await stranger.sign_in(KEY)
    await stranger.shown("overview")

    assert KEY not in await stranger.page.evaluate(KEPT)
    (cookie,) = await stranger.page.context.cookies()
    assert KEY not in cookie["value"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert await stranger.page.evaluate("document.cookie") == ""


async def test_a_session_outlives_a_reload_and_ends_by_signing_out(stranger: Visit):
    await stranger.page.goto(f"{stranger.address}/dashboard")
    await stranger.sign_in(KEY)
    await stranger.shown("overview")
    await stranger.page.reload()
    await stranger.shown("overview")

    await stranger.page.get_by_role("button", name="Sign out").click()
    await stranger.shown("signin")
    await stranger.page.reload()
    await stranger.shown("signin")


async def test_a_revoked_key_ends_its_session(stranger: Visit, locked: Gateway):
    key_id, text = make_key(locked, name="short-lived", role="admin")
    await stranger.page.goto(f"{stranger.address}/dashboard")
    await stranger.sign_in(text)
    await stranger.shown("overview")

    assert locked.send("DELETE", f"/v1/keys/{key_id}").status == 200
    await stranger.page.evaluate("location.hash = '#/upstreams'")
    await stranger.shown("signin")
    stranger.forgive("401")
