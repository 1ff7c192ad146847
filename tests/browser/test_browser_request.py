"""One request looked into, said something of, and thought about under other thresholds."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Locator, expect
from tests.browser import traffic
from tests.browser.visit import Visit
from tests.support.gateway import Gateway

pytestmark = [pytest.mark.full, pytest.mark.asyncio(loop_scope="session")]


async def open_one(visit: Visit, gateway: Gateway, text: str, model: str = "auto") -> Locator:
    """The view of a request just made, which no other test has made."""
    request_id = await asyncio.to_thread(traffic.ask, gateway, traffic.unseen(text), model)
    view = await visit.open(f"request/{request_id}")
    await expect(view).to_have_attribute("data-request-id", request_id)
    return view


def part(view: Locator, title: str) -> Locator:
    """A card of a view."""
    return view.get_by_role("region", name=title, exact=True)


def decided(record: dict[str, object]) -> tuple[str, str, dict[str, float], list[str]]:
    """What a record says of a decision: score, tier, parts, plan."""
    parts, plan = record["parts"], record["plan"]
    assert isinstance(parts, dict)
    assert isinstance(plan, list)
    return (
        f"{record['score']:.1f}", str(record["tier"]), parts,
        [step["deployment"] for step in plan],
    )  # fmt: skip


async def test_it_tells_what_the_record_holds(visit: Visit, used: Gateway):
    view = await open_one(visit, used, traffic.HARD[0])
    request_id = await view.get_attribute("data-request-id") or ""
    record = used.record(request_id)
    score, tier, parts, plan = decided(record)

    await expect(part(view, "Summary")).to_contain_text(str(record["reason"]))
    scale = part(view, "Why").get_by_role("img", name=re.compile("^Score"))
    await expect(scale).to_have_attribute("aria-label", re.compile(rf"^Score {score} of 100"))
    for name in parts:
        await expect(part(view, "Why")).to_contain_text(name.replace("_", " "))
    assert await part(view, "Plan").locator("ol > li strong").all_inner_texts() == plan
    await expect(part(view, "Plan").locator("li").first).to_contain_text(tier)
    await expect(part(view, "Attempts").locator("li")).to_have_count(1)


async def test_it_shows_what_was_said_and_answered(visit: Visit, used: Gateway):
    view = await open_one(visit, used, "What is the tallest mountain of Wales?")
    words = part(view, "Prompt and reply")
    await expect(words).to_contain_text("What is the tallest mountain of Wales?")
    await expect(words.get_by_role("heading", name="reply", exact=True)).to_be_visible()


async def test_it_shows_failed_calls_and_what_was_ruled_out(visit: Visit, used: Gateway):
    failed = next(each for each in used.records() if each["outcome"] == "failed")
    view = await visit.open(f"request/{failed['request_id']}")
    await expect(part(view, "Attempts").locator("li").first).to_contain_text("503")
    await expect(part(view, "Summary")).to_contain_text("failed")
    if await view.get_by_text("Nothing was kept").count():
        visit.forgive("/prompt")


async def test_it_compares_with_every_other_deployment(visit: Visit, used: Gateway):
    view = await open_one(visit, used, "Compare what this costs.", "haiku")
    rows = part(view, "Cost against each alternative").locator("tbody tr")
    for name in ("llama", "haiku", "opus"):
        await expect(rows.filter(has_text=name)).to_have_count(1)
    chosen = rows.filter(has_text="answered")
    await expect(chosen).to_have_count(1)
    await expect(chosen).to_contain_text("haiku")
    await expect(rows.filter(has_text="opus")).to_contain_text("+$")


async def test_it_tells_what_another_threshold_would_have_done(visit: Visit, used: Gateway):
    view = await open_one(visit, used, traffic.SIMPLE[4])
    card = part(view, "At another threshold")
    slider = card.get_by_label("Move every threshold by")
    await slider.fill("-50")
    await expect(card).to_contain_text("complex")
    await slider.fill("50")
    await expect(card).to_contain_text("simple")


async def test_a_bad_routing_is_one_press_from_being_known(visit: Visit, used: Gateway):
    view = await open_one(visit, used, "Was this answered well?")
    request_id = await view.get_attribute("data-request-id") or ""
    feedback = part(view, "Feedback")
    await feedback.get_by_label("Comment").fill("Far too short")
    await feedback.get_by_role("button", name="Bad").click()
    await expect(feedback.locator("li")).to_contain_text("Far too short")

    (said,) = used.record(request_id)["feedback"]
    assert (said["rating"], said["comment"]) == (-1, "Far too short")
    bad = await visit.open("feedback")
    await expect(visit.row(request_id)).to_contain_text("Far too short")
    await expect(bad.get_by_role("tab", name="Bad routings")).to_have_attribute(
        "aria-selected", "true"
    )


async def test_answers_are_rated_one_after_the_other(visit: Visit, used: Gateway):
    request_id = await asyncio.to_thread(traffic.ask, used, "Rate me?")
    view = await visit.open("feedback")
    await view.get_by_role("tab", name="Not rated yet").click()
    await view.get_by_label(f"Comment on {request_id}").fill("Just right")
    await view.get_by_role("button", name=f"Good: {request_id}").click()
    await expect(visit.row(request_id)).to_have_count(0)
    assert used.record(request_id)["feedback"][0]["rating"] == 1

    await view.get_by_role("tab", name="All feedback").click()
    await expect(visit.row(request_id)).to_contain_text("Just right")


async def test_the_playground_decides_as_one_types_and_asks_nobody(visit: Visit, used: Gateway):
    before = len(used.records())
    view = await visit.open("playground")
    await view.get_by_label("What would somebody ask?").fill(traffic.HARD[0])
    decision = part(view, "Decision")
    await expect(decision).to_be_visible()
    for shift, tier in (("-100", "complex"), ("100", "simple")):
        await view.get_by_label("Move every threshold by").fill(shift)
        await expect(decision.locator(".decided")).to_contain_text(tier)
    assert len(used.records()) == before


async def test_the_playground_asks_two_side_by_side(visit: Visit):
    view = await visit.open("playground")
    await view.get_by_label("What would somebody ask?").fill("Which of you is better?")
    ask = part(view, "Ask for real")
    await ask.get_by_label("Ask", exact=True).select_option("llama")
    await ask.get_by_label("Beside it").select_option("opus")
    await ask.get_by_role("button", name="Send").click()
    await expect(ask.get_by_role("link", name="why")).to_have_count(2)
    assert await ask.locator("article strong").all_inner_texts() == ["llama", "opus"]
    await ask.get_by_role("link", name="why").last.click()
    await expect(await visit.shown("request")).to_contain_text("opus")
