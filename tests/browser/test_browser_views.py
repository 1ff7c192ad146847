"""Every view in light, dark and on a phone: readable by everybody, and pictures for the docs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect
from tests.browser import traffic
from tests.browser.visit import Scheme, Visit, visiting
from tests.support.gateway import Gateway

pytestmark = [pytest.mark.full, pytest.mark.asyncio(loop_scope="session")]

VIEWS = (
    "overview",
    "live",
    "upstreams",
    "cache",
    "keys",
    "playground",
    "feedback",
    "learning",
    "request",
)
#: Width and height in pixels, and the scheme.
LOOKS: dict[str, tuple[int, int, Scheme]] = {
    "light": (1280, 800, "light"),
    "dark": (1280, 800, "dark"),
    "phone": (360, 740, "light"),
}
#: What the documentation shows: a view and how.
PICTURES = (
    ("overview", "light"),
    ("overview", "dark"),
    ("live", "light"),
    ("live", "phone"),
    ("request", "light"),
    ("request", "dark"),
    ("playground", "light"),
    ("upstreams", "dark"),
    ("overview", "phone"),
)
#: Written only where this is set: else each run would change them.
WRITE = "POINTSMAN_TEST_WRITE_PICTURES"
FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
MOST_BYTES = 150_000
#: Of a picture, in pixels.
HEIGHT = 680
#: Of axe's four, those that keep people out.
SEVERE = {"serious", "critical"}


async def look_at(visit: Visit, gateway: Gateway, view: str) -> None:
    """Open a view and wait until it has what it shows."""
    if view == "request":
        view = f"request/{traffic.ask(gateway, traffic.unseen(traffic.HARD[0]))}"
    await visit.open(view)
    if view == "playground":
        await visit.page.get_by_label("What would somebody ask?").fill(traffic.HARD[1])
        await expect(visit.page.get_by_role("region", name="Decision")).to_be_visible()
    await visit.page.wait_for_load_state("networkidle")
    await expect(visit.page.locator("[aria-busy=true]")).to_have_count(0)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("view", VIEWS)
async def test_everybody_can_use_it(browser: Browser, used: Gateway, view: str, look: str):
    width, height, scheme = LOOKS[look]
    async with visiting(browser, used.address, width=width, height=height, scheme=scheme) as visit:
        await look_at(visit, used, view)
        found = await Axe().run(visit.page)
        severe = [each for each in found.response["violations"] if each["impact"] in SEVERE]
        assert severe == [], found.generate_report()
        wide = await visit.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, "the page scrolls sideways"


@pytest.mark.parametrize(("view", "look"), PICTURES)
async def test_its_picture_is_in_the_docs(
    browser: Browser, used: Gateway, tmp_path: Path, view: str, look: str
):
    width, _, scheme = LOOKS[look]
    name = f"dashboard-{view}-{look}.png"
    file = (FOLDER if os.environ.get(WRITE) else tmp_path) / name
    async with visiting(browser, used.address, width=width, height=HEIGHT, scheme=scheme) as visit:
        await look_at(visit, used, view)
        await visit.page.screenshot(path=file)
    assert file.stat().st_size < MOST_BYTES
    assert (FOLDER / name).is_file(), f"take the pictures anew: {WRITE}=1"


async def test_all_of_it_is_reached_by_keyboard(visit: Visit):
    await visit.open()
    names = []
    for _ in range(40):
        await visit.page.keyboard.press("Tab")
        names.append(await visit.page.evaluate("document.activeElement.textContent.trim()"))
    for label in ("Live", "Upstreams", "Cache", "Keys", "Playground", "Feedback", "Learning"):
        assert any(label in name for name in names), f"{label} is not reached: {names}"
    await visit.page.get_by_role("link", name="Playground").focus()
    await visit.page.keyboard.press("Enter")
    await visit.shown("playground")


async def test_the_theme_is_kept(visit: Visit):
    await visit.open()
    for wanted in ("light", "dark"):
        await visit.page.get_by_role("button", name=f"Change to {wanted}").click()
    await visit.page.reload()
    await visit.shown("overview")
    assert await visit.page.evaluate("document.documentElement.dataset.theme") == "dark"
