"""What other pages can do to the dashboard of somebody who is signed in: nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page
from tests.browser.chromium import FOREIGN_HOST
from tests.browser.conftest import KEY
from tests.browser.visit import Visit
from tests.support.gateway import Gateway
from tests.support.serving import Answers, serving

pytestmark = [pytest.mark.full, pytest.mark.asyncio(loop_scope="session")]

BLANK = b"<!doctype html><title>elsewhere</title><body></body>"
#: Sends what no browser asks leave for first: a simple request, with cookies.
POST = """([url, body]) => fetch(url, {
  method: "POST", mode: "no-cors", credentials: "include", body
}).then((reply) => reply.type, (error) => String(error))"""
FORM = """([url, body]) => {
  const frame = Object.assign(document.createElement("iframe"), { name: "sink" });
  const form = Object.assign(document.createElement("form"),
    { action: url, method: "post", enctype: "text/plain", target: "sink" });
  const field = Object.assign(document.createElement("input"), { name: body, value: "" });
  form.append(field);
  document.body.append(frame, form);
  return new Promise((done) => { frame.onload = () => done("sent"); form.submit(); });
}"""
READ = """(url) => fetch(url, { credentials: "include" })
  .then((reply) => reply.text(), () => "refused")"""
LISTEN = """(url) => new Promise((done) => {
  const source = new EventSource(url, { withCredentials: true });
  source.onopen = () => done("heard");
  source.onerror = () => { source.close(); done("refused"); };
})"""
OWN = """([path, headers]) => fetch(path, {
  method: "POST", headers: { "content-type": "application/json", ...headers },
  body: '{"name": "by a script of ours"}'
}).then((reply) => reply.status)"""


@pytest_asyncio.fixture(loop_scope="session")
async def member(stranger: Visit) -> Visit:
    """Somebody signed in at `locked`."""
    await stranger.page.goto(f"{stranger.address}/dashboard")
    await stranger.sign_in(KEY)
    await stranger.shown("overview")
    return stranger


@pytest_asyncio.fixture(loop_scope="session", params=["127.0.0.1", FOREIGN_HOST])
async def elsewhere(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A page of the same host at another port, to cookies the same site; and of another host."""
    async with serving(Answers({"/": BLANK})) as address:
        yield address.replace("127.0.0.1", request.param)


async def at(visitor: Visit, address: str) -> Page:
    """Another page of the same browser, cookies and all."""
    page = await visitor.page.context.new_page()
    await page.goto(f"{address}/")
    return page


def names(gateway: Gateway) -> set[str]:
    """The names of the gateway's keys."""
    return {each["name"] for each in gateway.get("/v1/keys").json()["data"]}


@pytest.mark.parametrize("how", [POST, FORM], ids=["fetch", "form"])
async def test_a_page_elsewhere_makes_no_key(
    member: Visit, locked: Gateway, elsewhere: str, how: str
):
    page = await at(member, elsewhere)
    body = '{"name": "planted", "role": "admin"}'
    await page.evaluate(how, [f"{locked.address}/v1/keys", body])
    assert "planted" not in await asyncio.to_thread(names, locked)


async def test_a_page_elsewhere_reads_nothing(member: Visit, locked: Gateway, elsewhere: str):
    page = await at(member, elsewhere)
    assert await page.evaluate(READ, f"{locked.address}/v1/decisions") == "refused"
    assert await page.evaluate(READ, f"{locked.address}/dashboard/session") == "refused"
    assert await page.evaluate(LISTEN, f"{locked.address}/v1/events") == "refused"


async def test_without_keys_pages_of_other_hosts_do_nothing_either(visit: Visit, used: Gateway):
    await visit.open()
    async with serving(Answers({"/": BLANK})) as address:
        page = await at(visit, address.replace("127.0.0.1", FOREIGN_HOST))
        await page.evaluate(POST, [f"{used.address}/v1/keys", '{"name": "planted"}'])
        assert await page.evaluate(READ, f"{used.address}/v1/decisions") == "refused"
        assert await page.evaluate(LISTEN, f"{used.address}/v1/events") == "refused"
    assert "planted" not in await asyncio.to_thread(names, used)


async def test_no_page_may_frame_the_dashboard(member: Visit, locked: Gateway, elsewhere: str):
    page = await at(member, elsewhere)
    await page.evaluate(
        """(url) => new Promise((done) => {
          const frame = Object.assign(document.createElement("iframe"), { src: url, onload: done });
          document.body.append(frame);
        }).then(() => null)""",
        f"{locked.address}/dashboard",
    )
    (frame,) = page.main_frame.child_frames
    assert await frame.locator("[data-view]").count() == 0


async def test_our_own_page_needs_its_token(member: Visit):
    session = await member.page.evaluate("fetch('/dashboard/session').then((r) => r.json())")
    assert session["csrf"]

    assert await member.page.evaluate(OWN, ["/v1/keys", {}]) == 403
    assert await member.page.evaluate(OWN, ["/v1/keys", {"x-pointsman-csrf": "guessed"}]) == 403
    right = {"x-pointsman-csrf": session["csrf"]}
    assert await member.page.evaluate(OWN, ["/v1/keys", right]) in {200, 201}
    member.forgive("403")


@pytest.mark.parametrize("place", ["dashboard", "dashboard/app.js"])
async def test_the_policy_allows_our_files_and_nothing_else(visit: Visit, place: str):
    reply = await visit.page.request.get(f"{visit.address}/{place}")
    policy = dict(
        part.strip().split(" ", 1) for part in reply.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"


async def test_the_policy_stops_what_is_injected(visit: Visit):
    await visit.open()
    await visit.page.evaluate(
        """() => {
          document.body.append(Object.assign(document.createElement("script"),
            { textContent: "window.planted = true" }));
        }"""
    )
    assert await visit.page.evaluate("window.planted") is None
    visit.forgive("CSP: script-src")
    visit.forgive("Content Security Policy")
