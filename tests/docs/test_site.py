"""The documentation as a site: every page is on it, and it asks nobody for anything."""

from __future__ import annotations

import importlib.util
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.async_api import expect
from scripts import site
from tests.browser.chromium import chromium
from tests.browser.visit import visiting
from tests.docs.pages import PAGES, ROOT
from tests.docs.test_links import links


def listed(node: object) -> Iterator[Path]:
    """The pages of a part of the navigation, in order."""
    if isinstance(node, str):
        yield Path(node)
    elif isinstance(node, dict):
        for below in node.values():
            yield from listed(below)
    elif isinstance(node, list):
        for below in node:
            yield from listed(below)


def navigation() -> list[Path]:
    return list(listed(tomllib.loads(site.CONFIG.read_text(encoding="utf-8"))["project"]["nav"]))


def test_every_page_is_in_the_navigation_once() -> None:
    pages = {page.relative_to(ROOT) for page in PAGES}
    shown = {place for place in site.contents() if place.suffix == ".md"}

    assert sorted(navigation()) == sorted(shown)
    assert pages <= shown


def test_the_navigation_is_in_the_order_of_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    order = [target.relative_to(ROOT) for target, _ in links(index)]

    assert [place for place in navigation() if place in order] == order


def test_a_link_to_a_source_is_its_words_and_one_to_a_page_stays() -> None:
    told = site.contents()[Path("docs/explanation/what-is-measured.md")].decode()

    assert "the code is in `proof/`." in told
    assert "](../how-to/" not in told
    assert "[follow the traffic](../reference/configuration.md)" in told


def test_pictures_are_on_the_site() -> None:
    pictures = {place for place in site.contents() if place.suffix != ".md"}

    assert Path("docs/picture.svg") in pictures
    assert Path("docs/pictures/first-request.png") in pictures


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder over HTTP; its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def tool() -> None:
    """What builds it is here."""
    if importlib.util.find_spec("zensical") is None:
        pytest.skip("needs zensical: make docs (`make test-full` does it)")


@pytest.mark.full
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("tool")
async def test_it_is_built_and_asks_nobody_else(tmp_path: Path) -> None:
    assert site.build(tmp_path, site.contents()) == 0

    built = tmp_path / "site"
    pages = [page.parent.relative_to(built) for page in sorted(built.rglob("index.html"))]
    assert len(pages) == len(navigation())
    with served(built) as address:
        async with chromium() as browser, visiting(browser, address) as visit:
            for page in pages:
                await visit.page.goto(f"{address}/{page}/")
                await expect(visit.page.locator("article h1").first).to_be_visible()
            await visit.page.keyboard.press("/")
            await visit.page.keyboard.type("card number")
            await expect(visit.page.get_by_role("link", name="How it decides")).to_be_visible()


@pytest.mark.full
@pytest.mark.usefixtures("tool")
def test_a_broken_link_is_an_error(tmp_path: Path) -> None:
    broken = {Path("docs/index.md"): b"# Documentation\n\n[nowhere](how-to/nowhere.md)\n"}

    assert site.build(tmp_path, site.contents() | broken) != 0
