"""Costs that nobody knows: the overview says so and draws no zero."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from tests.browser import traffic
from tests.browser.visit import visiting
from tests.support.gateway import Gateway

pytestmark = [pytest.mark.full, pytest.mark.asyncio(loop_scope="session")]

CONFIG = """
[models.nameless]
provider = "scripted"
model = "nobody-knows-1"
tier = "simple"
location = "cloud"

[models.priced]
provider = "scripted"
model = "priced-1"
tier = "complex"
location = "cloud"
price = { input = 1000, output = 1000 }
"""


async def test_an_unknown_cost_is_drawn_as_unknown(browser: Browser, tmp_path: Path):
    with Gateway(tmp_path, CONFIG) as gateway:
        traffic.ask(gateway, "What is Python?", "nameless")
        async with visiting(browser, gateway.address) as visit:
            overview = await visit.open()
            spent = overview.locator(".stat", has_text="Spent").first
            chart = overview.get_by_role("figure", name="Cost, baseline cost and savings")
            legend = chart.locator(".chart-legend li")

            await expect(spent).to_contain_text("unknown")
            await expect(spent).to_contain_text("without 1 of unknown price")
            await expect(legend.filter(has_text="saved")).to_contain_text("unknown")
            await chart.get_by_text("Values as a table").click()
            await expect(chart.locator("td", has_text="unknown")).to_have_count(3)

            traffic.ask(gateway, "What is Python?", "priced")
            await visit.page.reload()
            await expect(spent).to_contain_text("?")
            await expect(legend.filter(has_text="cost").first).to_contain_text("?")
            await expect(legend.filter(has_text="saved")).not_to_contain_text("?")
        assert visit.complaints == []
