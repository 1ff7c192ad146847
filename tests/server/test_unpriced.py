"""A model whose price nobody knows: unknown everywhere, never zero, and no way around a budget."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from tests.gateway import Gateway, StartGateway

from pointsman.config import BudgetSettings, EveryBudget, ModelSettings, PrincipalSettings
from pointsman.config.books import LimitSettings

NAMELESS = ModelSettings(
    provider="scripted", model="nobody-knows-1", tier="complex", location="cloud"
)
PRICED = ModelSettings(
    provider="scripted",
    model="strong-model",
    tier="complex",
    location="cloud",
    priced_as="anthropic/claude-opus-5-5",
)


def _budget(**more: object) -> EveryBudget:
    return EveryBudget(organisation=BudgetSettings(per_day=Decimal(10), **more))


async def _started(start: StartGateway, **more: object) -> Gateway:
    return await start(models={"nameless": NAMELESS}, **more)


async def test_header_record_and_report_say_that_it_is_unknown(start: StartGateway) -> None:
    gateway = await _started(start)

    reply = await gateway.chat()
    record = await gateway.record(reply)
    report = (await gateway.client.get("/v1/report")).json()

    assert reply.status_code == 200
    assert "x-pointsman-cost" not in reply.headers
    assert record["cost"] is None
    assert report["total"]["unpriced"] == 1
    assert report["total"]["cost"] is report["total"]["saved"] is None


async def test_in_a_sum_it_counts_as_one_that_has_no_price(start: StartGateway) -> None:
    gateway = await start(models={"nameless": NAMELESS, "strong": PRICED})

    for model in ("nameless", "strong", "strong"):
        assert (await gateway.chat(model=model)).status_code == 200
    report = (await gateway.client.get("/v1/report")).json()

    assert report["total"]["unpriced"] == 1
    assert report["total"]["cost"] > 0


async def test_under_a_budget_it_is_refused(start: StartGateway) -> None:
    gateway = await _started(start, budgets=_budget())

    reply = await gateway.chat()

    assert reply.status_code == 402
    error = reply.json()["error"]
    assert error["code"] == "price_unknown"
    assert "nameless: its price is unknown" in error["message"]
    assert "`price`, `priced_as`" in error["message"]
    assert "`allow_unpriced`" in error["message"]
    [record] = (await gateway.client.get("/v1/decisions")).json()["data"]
    assert (record["outcome"], record["cost"]) == ("refused", None)


async def test_under_a_budget_another_that_has_a_price_serves(start: StartGateway) -> None:
    gateway = await start(models={"nameless": NAMELESS, "strong": PRICED}, budgets=_budget())

    reply = await gateway.chat(model="complex")

    assert reply.status_code == 200
    assert reply.headers["x-pointsman-model"] == "strong"


async def test_where_that_is_allowed_it_serves_and_counts_in_no_sum(start: StartGateway) -> None:
    gateway = await _started(start, budgets=_budget(allow_unpriced=True))

    assert (await gateway.chat()).status_code == 200


async def test_a_limit_without_a_budget_asks_for_no_price(start: StartGateway) -> None:
    own = {"default": PrincipalSettings(limits=LimitSettings(requests_per_minute=5))}
    gateway = await _started(start, organisations=own)

    assert (await gateway.chat()).status_code == 200


@pytest.mark.parametrize("name", ["nobody-knows-1", "nameless"])
def test_the_command_line_says_unknown(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner  # noqa: PLC0415

    from pointsman.cli import app  # noqa: PLC0415

    (tmp_path / "pointsman.toml").write_text(
        '[models.nameless]\nprovider = "openai-compatible"\nmodel = "nobody-knows-1"\n'
        'base_url = "https://models.example.org/v1"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POINTSMAN_HOME", str(tmp_path))

    shown = CliRunner().invoke(app, ["prices", "show", name, "--json"])

    assert shown.exit_code == 0
    assert json.loads(shown.stdout)["prices"] == [{"price": "unknown"}]
