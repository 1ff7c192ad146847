"""Budgets in money: what they let through, what they refuse, and in which words."""

from __future__ import annotations

import json
from decimal import Decimal

from tests.gateway import Gateway, StartGateway, two_tiers

from pointsman.config import (
    BudgetSettings,
    EveryBudget,
    ModelSettings,
    RoutingSettings,
    VerifySettings,
)
from pointsman.providers.scripted import Script


def spending(per_day: str, **more: object) -> EveryBudget:
    return EveryBudget(key=BudgetSettings(per_day=Decimal(per_day), **more))


async def ask_strong(gateway: Gateway, **more: object):
    return await gateway.chat(headers={"x-force-route": "strong"}, **more)


async def test_what_may_cost_more_than_is_left_is_refused_with_402(start: StartGateway):
    gateway = await start(two_tiers(budgets=spending("0.01")))

    refused = await ask_strong(gateway, max_tokens=100_000)

    assert refused.status_code == 402
    error = refused.json()["error"]
    assert (error["type"], error["code"]) == ("insufficient_quota", "budget_exceeded")
    assert "the budget of key anonymous for 2" in error["message"]
    assert "$0.00 spent, $0.00 held back" in error["message"]
    assert "may cost up to $2.000128; a new one begins at 2" in error["message"]
    assert refused.headers["x-should-retry"] == "false"
    assert gateway.app.providers()["strong"].log == []


async def test_where_money_is_short_a_free_deployment_still_answers(start: StartGateway):
    gateway = await start(two_tiers(budgets=spending("0.01")))

    reply = await gateway.chat("Prove Fermat's last theorem.", model="complex", max_tokens=100_000)

    assert reply.status_code == 200
    assert reply.headers["x-pointsman-model"] == "weak"
    record = await gateway.record(reply)
    [dropped] = record["dropped"]
    assert (dropped["deployment"], dropped["gate"]) == ("strong", "budget")
    assert record["reason"].startswith(
        "complex was asked for, weak is the nearest there is (strong: may cost up to $2.0001"
    )


async def test_what_is_held_back_is_freed_when_the_reply_has_ended(start: StartGateway):
    gateway = await start(two_tiers(budgets=spending("0.06")))

    replies = [await ask_strong(gateway, max_tokens=2000) for _ in range(5)]

    assert [reply.status_code for reply in replies] == [200] * 5


async def test_without_a_known_price_a_budget_refuses(start: StartGateway):
    models = {
        "strange": ModelSettings(
            provider="scripted", model="nobody-knows-its-price", location="cloud"
        )
    }
    gateway = await start(two_tiers(models=models, budgets=spending("5")))

    refused = await gateway.chat()

    assert refused.status_code == 402
    assert refused.json()["error"]["code"] == "price_unknown"


async def test_unless_it_is_let_through(start: StartGateway):
    models = {
        "strange": ModelSettings(
            provider="scripted", model="nobody-knows-its-price", location="cloud"
        )
    }
    budgets = spending("5", allow_unpriced=True)
    gateway = await start(two_tiers(models=models, budgets=budgets))

    reply = await gateway.chat()

    assert reply.status_code == 200
    assert "x-pointsman-cost" not in reply.headers
    assert (await gateway.record(reply))["cost"] is None


async def test_who_only_has_to_wait_is_told_to_wait(start: StartGateway):
    gateway = await start(two_tiers(budgets=spending("0.01")))
    gateway.tell("weak", Script(status=429, retry_after="30"))
    await gateway.chat(max_tokens=100_000)

    waits = await gateway.chat(max_tokens=100_000)

    assert waits.status_code == 503
    assert 1 <= int(waits.headers["retry-after"]) <= 30


async def test_what_pays_for_an_answer_but_for_no_look_at_it_pays_for_the_answer(
    start: StartGateway,
):
    price = {"input": 0, "output": 10}
    models = {
        "weak": ModelSettings(
            provider="scripted", model="w", tier="simple", location="cloud", price=price
        ),
        "strong": ModelSettings(
            provider="scripted",
            model="s",
            tier="complex",
            location="cloud",
            price={**price, "output": 30},
        ),
    }
    routing = RoutingSettings(verify=VerifySettings(when="always"))
    gateway = await start(models=models, routing=routing, budgets=spending("0.04"))

    reply = await gateway.chat("What is Python?", max_tokens=1000)

    assert (reply.status_code, reply.headers["x-pointsman-model"]) == (200, "weak")
    assert "x-pointsman-verdict" not in reply.headers


async def test_a_service_of_unknown_price_takes_what_was_held_back(start: StartGateway):
    gateway = await start(two_tiers(budgets=spending("0.06")))
    body = {
        "choices": [{"message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 1000},
        "service_tier": "nobody-knows",
    }
    said = Script(body=json.dumps(body).encode(), content_type="application/json")
    gateway.tell("strong", *[said] * 4)

    replies = [await ask_strong(gateway, max_tokens=1000) for _ in range(4)]

    assert [reply.status_code for reply in replies] == [200, 200, 402, 402]
    assert (await gateway.record(replies[0]))["cost"] is None
