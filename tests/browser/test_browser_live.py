"""Requests on the page as they end: at once, filtered, paused, and to be looked at."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from tests.browser import traffic
from tests.browser.visit import Visit, visiting
from tests.support.gateway import Gateway
from tests.support.upstreams import model_weights

pytestmark = [pytest.mark.full, pytest.mark.asyncio(loop_scope="session")]

#: Seconds after its end within which a request is seen.
LIVE_WITHIN_S = 1.0
MOST_ROWS = 100
#: What happens in a tab that another one hides, or no longer does.
TURN = """(hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
EMBEDDED = """
[models.smollm2]
provider = "embedded"
model = "smollm2-135m-instruct"
weights = "{weights}"
"""


async def ask(gateway: Gateway, text: str, model: str = "auto", **members: object) -> str:
    """Ask without keeping the browser from working; the request's id."""
    return await asyncio.to_thread(traffic.ask, gateway, text, model, **members)


async def test_a_request_is_seen_within_a_second(visit: Visit, used: Gateway):
    live = await visit.open("live")
    await expect(live.get_by_text("Live", exact=True)).to_be_visible()
    took = []
    for each in range(7):
        request_id = await ask(used, f"Seen at once, {each}?", stream=each % 2 == 0)
        began = time.monotonic()
        await expect(visit.row(request_id)).to_be_visible()
        took.append(time.monotonic() - began)
    assert statistics.median(took) < LIVE_WITHIN_S, took


async def test_what_the_embedded_model_answers_is_seen_too(browser: Browser, tmp_path: Path):
    config = EMBEDDED.format(weights=model_weights())
    with traffic.gateway(tmp_path, config) as gateway:
        async with visiting(browser, gateway.address) as visit:
            live = await visit.open("live")
            await expect(live.get_by_text("No requests yet")).to_be_visible()
            request_id = await ask(gateway, "What is Python?", max_tokens=12)
            await expect(visit.row(request_id)).to_contain_text("smollm2")
            await expect(visit.row(request_id)).to_contain_text("local")
            await expect(visit.row(request_id)).to_contain_text("completed")


async def test_what_was_asked_just_before_is_in_the_rate_at_once(visit: Visit, used: Gateway):
    for each in range(3):
        await ask(used, f"Before anybody looks, {each}?")
    live = await visit.open("live")
    rate = live.locator(".counters p", has_text="a minute").locator("strong")
    await expect(rate).not_to_have_text("0")
    first = int((await rate.inner_text()).replace(",", ""))
    assert first >= 3


async def test_a_tab_that_nobody_sees_keeps_no_connection(visit: Visit, used: Gateway):
    live = await visit.open("live")
    await expect(live.get_by_text("Live", exact=True)).to_be_visible()
    await visit.page.evaluate(TURN, True)
    request_id = await ask(used, "Who sees this?")
    await visit.page.wait_for_timeout(500)
    assert await visit.row(request_id).count() == 0
    assert visit.asked.count("/v1/events") == 1

    await visit.page.evaluate(TURN, False)
    await expect(visit.row(request_id)).to_be_visible()
    later = await ask(used, "And this?")
    await expect(visit.row(later)).to_be_visible()
    assert visit.asked.count("/v1/events") == 2


async def test_a_browser_can_have_many_tabs_open(browser: Browser, used: Gateway):
    context = await browser.new_context()
    try:
        for _ in range(7):  # a browser has six connections to a server
            page = await context.new_page()
            visit = Visit(page, used.address)
            live = await visit.open("live")
            await expect(live.get_by_text("Live", exact=True)).to_be_visible()
            await page.evaluate(TURN, True)
    finally:
        await context.close()


async def test_while_paused_nothing_moves_and_nothing_is_lost(visit: Visit, used: Gateway):
    live = await visit.open("live")
    await ask(used, "Seen before?")
    await expect(live.locator("tbody tr").first).to_be_visible()  # what was before is there
    await live.get_by_role("button", name="Pause").click()
    request_id = await ask(used, "Unseen for now?")
    resume = live.get_by_role("button", name="Resume (1 new)")
    await expect(resume).to_be_visible()
    assert await visit.row(request_id).count() == 0

    await resume.click()
    await expect(visit.row(request_id)).to_be_visible()


async def test_nor_when_the_connection_is_there_again(visit: Visit, used: Gateway):
    await ask(used, "Seen before?")
    live = await visit.open("live")
    await expect(live.locator("tbody tr").first).to_be_visible()
    await live.get_by_role("button", name="Pause").click()
    await visit.page.evaluate(TURN, True)
    request_id = await ask(used, "While nobody heard it?")
    await visit.page.evaluate(TURN, False)

    resume = live.get_by_role("button", name="Resume (1 new)")
    await expect(resume).to_be_visible()
    assert await visit.row(request_id).count() == 0
    await resume.click()
    await expect(visit.row(request_id)).to_be_visible()


@pytest.mark.parametrize(
    ("label", "member", "choice"),
    [
        ("Deployment", "deployment", "opus"),
        ("Model asked for", "model_asked", "haiku"),
        ("Outcome", "outcome", "completed"),
        ("Cache", "cache", "exact"),
    ],
)
async def test_filters_hold_for_old_and_new(
    visit: Visit, used: Gateway, label: str, member: str, choice: str
):
    await ask(used, f"What is asked for {choice} so far?", "haiku")
    live = await visit.open("live")
    await expect(live.locator("[data-request-id]").first).to_be_visible()
    await live.get_by_label(label, exact=True).select_option(choice)
    models = ("llama", "haiku", "opus", "flaky", "auto", "auto")
    asked = [await ask(used, f"Which of them fit {choice}?", model) for model in models]
    records = [await asyncio.to_thread(used.record, each) for each in asked]
    wanted = [record["request_id"] for record in records if record[member] == choice]
    assert 0 < len(wanted) < len(asked)

    for request_id in wanted:
        await expect(visit.row(str(request_id))).to_be_visible()
    for row in await live.locator("[data-request-id]").all():
        shown = await row.get_attribute("data-request-id")
        record = await asyncio.to_thread(used.record, shown or "")
        assert record[member] == choice


async def test_words_are_searched_for_in_what_is_there(visit: Visit, used: Gateway):
    found = await ask(used, "Who asks?", user="ada-lovelace")
    other = await ask(used, "Who else?", user="charles")
    live = await visit.open("live")
    await expect(visit.row(other)).to_be_visible()
    await live.get_by_label("Search").fill("ada-love")
    await expect(visit.row(found)).to_be_visible()
    await expect(visit.row(other)).to_have_count(0)

    await live.get_by_label("Search").fill("nobody-says-this")
    await expect(live.get_by_text("Nothing fits")).to_be_visible()


async def test_hundreds_leave_one_page_of_rows_and_no_hole(visit: Visit, used: Gateway):
    live = await visit.open("live")
    await expect(live.get_by_text("Live", exact=True)).to_be_visible()
    asked = [
        request_id
        for burst in range(0, 400, 50)
        for request_id in await asyncio.gather(
            *(ask(used, f"One of many, {burst + each}?", "llama") for each in range(50))
        )
    ]
    await expect(visit.row(asked[-1])).to_be_visible()
    rows = live.locator("[data-request-id]")
    assert await rows.count() == MOST_ROWS
    shown = {await row.get_attribute("data-request-id") for row in await rows.all()}
    assert shown <= set(asked), "the newest are shown"


async def test_one_row_leads_to_its_request(visit: Visit, used: Gateway):
    request_id = await ask(used, "Who gets this?")
    await visit.open("live")
    await visit.row(request_id).get_by_role("link").first.click()
    await expect(await visit.shown("request")).to_contain_text(request_id)
    await visit.page.go_back()
    await visit.shown("live")
