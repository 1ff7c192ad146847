"""A page in a browser of its own, and everything that it complained of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Request, expect

#: What the content security policy refused is said aloud, and so is every script that got in.
_LISTEN = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.violatedDirective} refused ${event.blockedURI}`);
});
"""
#: Milliseconds after which what is awaited counts as not coming; generous, for busy machines.
PATIENCE_MS = 20_000

Scheme = Literal["light", "dark"]


class Visit:
    """The dashboard of a gateway as somebody sees it."""

    def __init__(self, page: Page, address: str) -> None:
        """Use `visiting`."""
        self.page = page
        self.address = address
        #: Errors of the page, refusals of its policy, dialogs, requests to anybody else.
        self.complaints: list[str] = []
        self._forgiven: list[str] = []
        #: Paths that were asked for, with their queries.
        self.asked: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"threw: {error}"))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.on("request", self._note)

    async def open(self, place: str = "overview") -> Locator:
        """Go to a view by its place behind the `#/`; what is shown when it is there."""
        await self.page.goto(f"{self.address}/dashboard#/{place}")
        return await self.shown(place.partition("/")[0].partition("?")[0])

    async def shown(self, view: str) -> Locator:
        """The view's root, once it is on the page."""
        root = self.page.locator(f'[data-view="{view}"]')
        await expect(root).to_be_visible()
        return root

    async def sign_in(self, key: str) -> None:
        """Type a key into the form that asks for it."""
        form = await self.shown("signin")
        await form.get_by_label("Key").fill(key)
        await form.get_by_role("button", name="Sign in").click()

    def row(self, request_id: str) -> Locator:
        """The table's row of a request."""
        return self.page.locator(f'[data-request-id="{request_id}"]')

    def forgive(self, words: str) -> None:
        """Take back complaints that a test provoked, and such as are on their way.

        There must be one at least.
        """
        rest = [each for each in self.complaints if words not in each]
        assert len(rest) < len(self.complaints), f"nothing said {words!r}: {self.complaints}"
        self.complaints = rest
        self._forgiven.append(words)

    def _hear(self, said: ConsoleMessage) -> None:
        complaint = f"{said.type}: {said.text} ({said.location['url']})"
        forgiven = any(words in complaint for words in self._forgiven)
        if said.type in {"error", "warning"} and not forgiven:
            self.complaints.append(complaint)

    def _note(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"data", "blob"}:
            return
        if not request.url.startswith(f"{self.address}/"):
            self.complaints.append(f"asked somebody else: {request.url}")
        self.asked.append(f"{parts.path}?{parts.query}" if parts.query else parts.path)


@asynccontextmanager
async def visiting(
    browser: Browser,
    address: str,
    *,
    width: int = 1280,
    height: int = 800,
    scheme: Scheme = "light",
) -> AsyncIterator[Visit]:
    """A fresh visitor without cookies; complaints that nobody forgave fail the test."""
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
    )
    context.set_default_timeout(PATIENCE_MS)
    await context.add_init_script(_LISTEN)
    try:
        visit = Visit(await context.new_page(), address)
        yield visit
        assert not visit.complaints, visit.complaints
    finally:
        await context.close()
