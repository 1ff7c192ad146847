"""What was learned, taken back by mouse; and experiments from their start to their end."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect
from tests.browser import traffic
from tests.browser.conftest import KEY
from tests.browser.payloads import PAYLOADS
from tests.browser.test_browser_views import FOLDER, HEIGHT, MOST_BYTES, WRITE
from tests.browser.visit import Visit, visiting
from tests.support.gateway import Gateway, eventually

from pointsman import data
from pointsman.app import App
from pointsman.config import load
from pointsman.types import Change, Version

pytestmark = [pytest.mark.full, pytest.mark.asyncio(loop_scope="session")]

VERSION = "v_5ca1ab1e"
WHY = f"{VERSION} is better at the same cost"
#: As a comparison leaves it.
EVIDENCE = {
    "quality": {"value": 0.062, "low": 0.021, "high": 0.103, "n": 240},
    "cost": {"value": -0.00012, "low": -0.0004, "high": 0.0001, "n": 240},
    "look": 3,
}
#: Sent by a script in the dashboard's own page, without the token that the page has.
OWN = """([path, headers]) => fetch(path, {
  method: "POST", headers: { "content-type": "application/json", ...headers }, body: "{}"
}).then((reply) => reply.status)"""


async def teach(home: Path) -> None:
    """Write what a gateway would have learned."""
    (home / "pointsman.toml").write_text(traffic.CONFIG)
    settings = load(home / "pointsman.toml").model_copy(update={"home": home})
    app = App(settings, environment={})
    await app.start(load=False)
    now, store = datetime.now(UTC), app.bookkeeping.store
    try:
        await store.add_version(Version(VERSION, "", now, "bandit", data.read_belief(), 240, ""))
        evidence = json.dumps(EVIDENCE)
        await store.add_change(Change("c_1", "", now, "promoted", WHY, VERSION, evidence))
    finally:
        await app.close()


def is_taught(gateway: Gateway) -> bool:
    """Whether it uses what it knows."""
    return bool(gateway.get("/v1/learning").json()["ready"])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def taught(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway that has learned something."""
    home = tmp_path_factory.mktemp("taught")
    await teach(home)
    async with traffic.gateway(home) as gateway:
        await asyncio.to_thread(eventually, lambda: is_taught(gateway), "it uses what it learned")
        yield gateway


@pytest_asyncio.fixture(loop_scope="session")
async def learner(browser: Browser, taught: Gateway) -> AsyncIterator[Visit]:
    """Somebody who looks at what it learned."""
    async with visiting(browser, taught.address) as visit:
        await visit.open("learning")
        yield visit


@pytest_asyncio.fixture(loop_scope="session")
async def signed_in(stranger: Visit) -> Visit:
    """The operator at `locked`."""
    await stranger.page.goto(f"{stranger.address}/dashboard#/learning")
    await stranger.sign_in(KEY)
    await stranger.shown("learning")
    return stranger


def card(visit: Visit, name: str) -> Locator:
    """A part of the view."""
    return visit.page.get_by_role("region", name=name, exact=True)


def in_force(gateway: Gateway) -> str:
    """The version for everybody."""
    return gateway.get("/v1/learning").json()["in_force"][0]["version"]


def begin(gateway: Gateway, name: str, organisation: str = "") -> str:
    """Start an experiment on all conversations; its id."""
    body = {"a": "llama", "b": "haiku", "share": 1, "name": name, "organisation": organisation}
    made = gateway.send("POST", "/v1/experiments", json.dumps(body).encode())
    assert made.status == 201, made.body
    return made.json()["id"]


def end(gateway: Gateway, experiment: str) -> None:
    """Stop it."""
    assert gateway.send("POST", f"/v1/experiments/{experiment}/stop").status == 200


async def test_what_was_learned_is_shown_with_its_evidence(learner: Visit):
    await expect(card(learner, "In force")).to_contain_text(VERSION)
    await expect(card(learner, "In force")).to_contain_text("from 240 outcomes")
    change = learner.page.locator("[data-change-id]")
    await expect(change).to_contain_text(WHY)
    await change.get_by_text("Evidence").click()
    await expect(change.get_by_role("group", name="quality")).to_contain_text(
        "0.062 (0.021 to 0.103)"
    )
    await expect(change).to_contain_text("look")


async def test_it_is_taken_back_when_asked_twice_and_put_in_force_again(
    learner: Visit, taught: Gateway
):
    page = learner.page
    await card(learner, "In force").get_by_role("button", name="Revert").click()
    await page.get_by_role("button", name="Leave it").click()
    assert in_force(taught) == VERSION

    await card(learner, "In force").get_by_role("button", name="Revert").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revert").click()
    await expect(card(learner, "In force")).to_contain_text("shipped")
    await expect(card(learner, "In force")).to_contain_text("Somebody reverted")
    assert in_force(taught) == "shipped"

    await page.get_by_role("button", name=f"Back to {VERSION}").last.click()
    await page.get_by_role("dialog").get_by_role("button", name="Revert").click()
    await expect(card(learner, "In force")).to_contain_text(f"{VERSION} is in force again")
    assert in_force(taught) == VERSION


async def test_with_nothing_new_a_retrain_says_so(learner: Visit):
    await card(learner, "In force").get_by_role("button", name="Retrain now").click()
    await expect(learner.page.get_by_role("status").last).to_contain_text("nothing new")


async def test_a_request_says_by_which_version_it_went(learner: Visit, taught: Gateway):
    request_id = traffic.ask(taught, traffic.unseen(traffic.HARD[0]))
    await learner.open(f"request/{request_id}")
    await expect(card(learner, "Learning")).to_contain_text(VERSION)


async def test_an_experiment_from_its_start_to_its_end(learner: Visit, taught: Gateway):
    page = learner.page
    await page.get_by_role("button", name="Start an experiment").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("a, as it is now").select_option("llama (simple)")
    await form.get_by_label("b, what might be better").select_option("haiku (medium)")
    await expect(form).to_contain_text("of different tiers")
    await form.get_by_label("Conversations, in per cent").fill("100")
    await form.get_by_label("Name (optional)").fill("who is better")
    await form.get_by_role("button", name="Start", exact=True).click()
    running = page.get_by_role("article", name="who is better")
    await expect(running).to_contain_text("100 % of the conversations")

    for place in range(20):
        request_id = traffic.ask(taught, f"What is {place}?", user=f"somebody {place}")
        variant = taught.record(request_id)["learning"]["variant"]
        said = {"request_id": request_id, "rating": 1 if variant == "b" else -1}
        taught.send("POST", "/v1/feedback", json.dumps(said).encode())
    await page.get_by_role("button", name="Refresh").click()
    await page.reload()
    quality = running.get_by_role("group", name="b: haiku").first
    await expect(quality).to_contain_text("1.00")
    await expect(running).to_contain_text("requests in")

    await page.get_by_role("button", name="Stop who is better").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Why (optional)").fill("seen enough")
    await dialog.get_by_role("button", name="Stop the experiment").click()
    await expect(running).to_have_count(0)
    await expect(page.get_by_role("row", name="who is better")).to_contain_text("seen enough")
    await learner.open(f"request/{request_id}")
    await expect(card(learner, "Learning")).to_contain_text(f"side {variant}")


async def test_a_refusal_is_said_in_the_form(learner: Visit, taught: Gateway):
    made = begin(taught, "first")
    await learner.page.get_by_role("button", name="Start an experiment").click()
    form = learner.page.get_by_role("dialog")
    await form.get_by_label("a, as it is now").select_option("llama (simple)")
    await form.get_by_label("b, what might be better").select_option("opus (complex)")
    await form.get_by_role("button", name="Start", exact=True).click()
    await expect(form.get_by_role("alert")).to_contain_text(f"{made} has llama in it already")
    learner.forgive("400")
    end(taught, made)


async def test_what_an_experiment_is_called_stays_text(learner: Visit, taught: Gateway):
    names = ["".join(filter(str.isprintable, payload))[:100] for payload in PAYLOADS]
    made = [begin(taught, name, f"o{place}") for place, name in enumerate(names[:10])]
    for element in ("article", "tr"):  # as long as they run, and then
        await learner.page.reload()
        for each, name in zip(made, names, strict=False):
            shown = learner.page.locator(f'{element}[data-experiment-id="{each}"]')
            await expect(shown).to_contain_text(name)
            end(taught, each)
    for name in names[10:]:
        end(taught, begin(taught, name))
    await learner.page.reload()
    for name in names:
        await expect(card(learner, "Experiments")).to_contain_text(name)
    assert await learner.page.evaluate("window.planted") is None


async def test_it_is_reached_and_left_by_keyboard(learner: Visit):
    start = learner.page.get_by_role("button", name="Start an experiment")
    await start.focus()
    await learner.page.keyboard.press("Enter")
    await expect(learner.page.get_by_label("Compare")).to_be_focused()
    await learner.page.keyboard.press("Escape")
    await expect(learner.page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("path", ["/v1/experiments", "/v1/learning/revert", "/v1/retrain"])
async def test_a_script_without_the_token_changes_nothing(
    signed_in: Visit, locked: Gateway, path: str
):
    before = locked.get("/v1/learning").json()["changes"]

    assert await signed_in.page.evaluate(OWN, [path, {}]) == 403
    assert await signed_in.page.evaluate(OWN, [path, {"x-pointsman-csrf": "guessed"}]) == 403

    assert locked.get("/v1/learning").json()["changes"] == before
    signed_in.forgive("403")


async def test_who_manages_nothing_only_looks(stranger: Visit, locked: Gateway):
    made = begin(locked, "seen by readers")
    wish = b'{"name": "reader", "role": "read-only", "everywhere": true}'
    text = locked.send("POST", "/v1/keys", wish).json()["key"]
    await stranger.page.goto(f"{stranger.address}/dashboard#/learning")
    await stranger.sign_in(text)
    await stranger.shown("learning")
    await expect(stranger.page.get_by_role("article", name="seen by readers")).to_be_visible()
    for name in ("Start an experiment", "Stop seen by readers", "Retrain now", "Revert"):
        await expect(stranger.page.get_by_role("button", name=name)).to_have_count(0)
    end(locked, made)


async def test_its_picture_is_in_the_docs(browser: Browser, taught: Gateway, tmp_path: Path):
    name = "dashboard-learning-light.png"
    file = (FOLDER if os.environ.get(WRITE) else tmp_path) / name
    begin(taught, "llama against haiku")
    for place in range(40):
        request_id = traffic.ask(taught, f"What is {place}?", user=f"somebody {place}")
        said = {"request_id": request_id, "rating": 1 if place % 3 else -1}
        taught.send("POST", "/v1/feedback", json.dumps(said).encode())
    async with visiting(browser, taught.address, width=1280, height=HEIGHT) as visit:
        await visit.open("learning")
        await visit.page.wait_for_load_state("networkidle")
        await visit.page.screenshot(path=file)
    assert file.stat().st_size < MOST_BYTES
    assert (FOLDER / name).is_file(), f"take the pictures anew: {WRITE}=1"
