"""What anybody can write into the books stays text on the page, whatever it is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from tests.browser import traffic
from tests.browser.payloads import PAYLOADS
from tests.browser.visit import Visit, visiting
from tests.support.gateway import Gateway

pytestmark = [pytest.mark.full, pytest.mark.asyncio(loop_scope="session")]

#: A deployment whose model is called so by its server; its id and its tier could not be.
NAMED = """
[models.named-{place}]
provider = "scripted"
model = {model}
tier = "simple"
location = "local"
"""
#: Elements that no view makes, and that the payloads would.
FOREIGN = "script:not([src]), iframe, base, math, style, img[src=x], a[href^=javascript], [onload]"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway to which everything was said."""
    models = "".join(
        NAMED.format(place=place, model=json.dumps(payload))
        for place, payload in enumerate(PAYLOADS)
    )
    home = tmp_path_factory.mktemp("hostile")
    with traffic.gateway(home, traffic.CONFIG + models) as gateway:
        yield gateway


@pytest_asyncio.fixture(loop_scope="session")
async def victim(browser: Browser, hostile: Gateway) -> AsyncIterator[Visit]:
    """Somebody who looks at it."""
    async with visiting(browser, hostile.address) as visit:
        yield visit
        assert await visit.page.evaluate("window.planted") is None
        assert await visit.page.locator(FOREIGN).count() == 0


def say(gateway: Gateway, payload: str, place: int) -> str:
    """Ask with the payload wherever a client can put one; the request's id."""
    request_id = traffic.ask(
        gateway, payload, payload[:100], user=payload, metadata={"session_id": payload}
    )
    feedback = {"request_id": request_id, "rating": -1, "comment": payload}
    assert gateway.send("POST", "/v1/feedback", json.dumps(feedback).encode()).status < 300
    traffic.ask(gateway, payload, f"named-{place}")
    return request_id


@pytest.mark.parametrize("place", range(len(PAYLOADS)))
async def test_a_prompt_a_model_and_a_comment_stay_text(
    victim: Visit, hostile: Gateway, place: int
):
    payload = PAYLOADS[place]
    await victim.open("live")
    request_id = say(hostile, payload, place)
    await expect(victim.row(request_id)).to_contain_text(payload[:20])

    request = await victim.open(f"request/{request_id}")
    for shown in (payload, payload[:100]):  # the prompt and the comment, the model's name
        await expect(request).to_contain_text(shown, use_inner_text=False)


@pytest.mark.parametrize("view", ["overview", "upstreams", "cache", "feedback", "learning"])
async def test_so_they_do_in_every_list(victim: Visit, hostile: Gateway, view: str):
    for place, payload in enumerate(PAYLOADS):
        say(hostile, payload, place)
    await victim.open(view)
    await victim.page.wait_for_load_state("networkidle")


async def test_names_of_keys_are_letters_and_their_refusal_is_text(victim: Visit):
    keys = await victim.open("keys")
    for payload in PAYLOADS:
        await keys.get_by_role("button", name="Create a key").click()
        dialog = victim.page.get_by_role("dialog")
        await dialog.get_by_label("Name").fill(payload)
        await dialog.get_by_role("button", name="Create", exact=True).click()
        await expect(dialog.get_by_role("alert")).to_be_visible()
        await victim.page.keyboard.press("Escape")
    victim.forgive("400")


async def test_the_playground_shows_what_is_typed_as_text(victim: Visit):
    playground = await victim.open("playground")
    for payload in PAYLOADS:
        await playground.get_by_label("What would somebody ask?").fill(payload)
        await victim.page.wait_for_load_state("networkidle")


async def test_a_place_in_the_address_is_text(victim: Visit):
    for payload in PAYLOADS:
        await victim.page.goto(f"{victim.address}/dashboard#/request/{payload}")
        await victim.page.reload()
        await expect(victim.page.locator("main").first).to_be_visible()
    victim.forgive("404")
