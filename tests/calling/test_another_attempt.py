"""Another attempt after one that cost something: only where the budget pays for both."""

from decimal import Decimal

import pytest
from tests.calling.test_broken_off import COUNTED, PROMPT, cut_after, priced, settings
from tests.gateway import StartGateway

from pointsman.config import (
    BudgetSettings,
    EscalateSettings,
    EveryBudget,
    ModelSettings,
    PriceSettings,
    RoutingSettings,
    TimeoutSettings,
    VerifySettings,
)
from pointsman.providers.scripted import Script
from pointsman.types import Usage

REFUSAL = "I'm sorry, but as an AI language model I cannot help with that."
GOOD = "Python is a snake, and a programming language."
LOADING = b'{"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}'
#: One answer of up to 500 tokens, as it is held back.
MOST = priced(2 * COUNTED, 500)
BROKEN = priced(COUNTED, 25)
DEAR = PriceSettings(input=3, output=15)
CHEAP = PriceSettings(input=Decimal("0.03"), output=Decimal("0.15"))


def model(name: str, tier: str, price: PriceSettings | None = DEAR, **more: object):
    known = {"location": "cloud", "price": price} if price else {"location": "local"}
    return ModelSettings(**{"provider": "scripted", "model": name, "tier": tier, **known, **more})


def spending(per_day: Decimal) -> EveryBudget:
    return EveryBudget(key=BudgetSettings(per_day=per_day))


def looking(**more: object) -> RoutingSettings:
    """Every first answer is looked at."""
    verify = VerifySettings(when="always", bound=0.2, **more)
    return RoutingSettings(retries=0, escalate=EscalateSettings(score=100), verify=verify)


async def test_another_attempt_is_only_made_where_the_budget_pays_for_both(start: StartGateway):
    most = priced(2 * COUNTED, 500)  # one answer, as it is held back
    broken = priced(COUNTED, 25)
    budget = most + broken
    for limit, status in ((budget, 200), (budget - Decimal("0.000000000001"), 402)):
        budgets = EveryBudget(key=BudgetSettings(per_day=limit))
        gateway = await start(settings(budgets=budgets))
        gateway.tell("weak", cut_after(100))

        reply = await gateway.chat(PROMPT, model="simple", max_tokens=500)

        assert reply.status_code == status
        is_paid = status == 200
        assert len(gateway.app.providers()["strong"].log) == is_paid
        record = await gateway.record(reply)
        assert record["outcome"] == ("completed" if is_paid else "failed")
        assert Decimal(str(record["overhead"])) == broken
        assert (record["cost"] > record["overhead"]) == is_paid
    error = reply.json()["error"]
    assert error["code"] == "budget_exceeded"
    assert error["message"].startswith(
        "no deployment could answer (weak: the body broke off after 171 bytes), and another attempt "
        "is not paid for: the budget of key anonymous"
    )


async def test_who_costs_nothing_answers_where_no_other_attempt_is_paid_for(start: StartGateway):
    own = ModelSettings(
        provider="scripted", model="own", tier="complex", location="local", weight=0
    )
    models = {**settings().models, "own": own}
    for limit, asked in (("1", ["weak", "strong", "own"]), ("0.0078", ["weak", "own"])):
        budgets = EveryBudget(key=BudgetSettings(per_day=Decimal(limit)))
        gateway = await start(settings(models=models, budgets=budgets))
        gateway.tell("weak", cut_after(100))
        gateway.tell("strong", cut_after(100))

        reply = await gateway.chat(PROMPT, model="simple", max_tokens=500)

        assert reply.status_code == 200
        assert reply.headers["x-pointsman-model"] == "own"
        record = await gateway.record(reply)
        assert [each["deployment"] for each in record["attempts"]] == asked


async def test_who_is_not_paid_for_is_not_in_the_way_of_who_is(start: StartGateway):
    models = {"weak": model("weak", "simple"), "own": model("own", "complex", None)}
    gateway = await start(
        settings(models=models, routing=RoutingSettings(retries=2), budgets=spending(MOST))
    )
    gateway.tell("weak", cut_after(100))
    gateway.tell("own", Script(status=500), Script(reply=GOOD))

    reply = await gateway.chat(PROMPT, model="simple", max_tokens=500)

    assert reply.status_code == 200
    assert reply.headers["x-pointsman-model"] == "own"


async def test_nobody_waits_for_a_server_to_load_that_is_not_paid_for(start: StartGateway):
    timeouts = TimeoutSettings(load_s=600)
    models = {
        "slow": model("slow", "simple", location="local", timeouts=timeouts),
        "weak": model("weak", "complex"),
    }
    gateway = await start(settings(models=models, budgets=spending(MOST)))
    gateway.tell("slow", *[Script(status=503, body=LOADING)] * 9)
    gateway.tell("weak", cut_after(100))

    reply = await gateway.chat(PROMPT, model="simple", max_tokens=500)

    assert reply.status_code == 402
    assert len(gateway.app.providers()["slow"].log) == 1


@pytest.mark.parametrize("first", [cut_after(100), Script(status=500)])
@pytest.mark.parametrize(
    ("doubt", "paid", "answers", "samples"),
    [
        (0.0, 1, "middle", 0),
        (0.0, 2, "strong", 0),
        (1.0, 1, "middle", 0),
        (1.0, 2, "middle", 1),
        (1.0, 3, "strong", 1),
    ],
)
async def test_what_looking_at_an_answer_takes_is_within_the_budget_whoever_gave_it(
    start: StartGateway, *, first: Script, doubt: float, paid: int, answers: str, samples: int
):
    models = {
        "weak": model("weak", "simple", CHEAP),
        "middle": model("middle", "medium"),
        "strong": model("strong", "complex"),
    }
    limit = paid * MOST + 3 * (MOST + BROKEN) / 100
    gateway = await start(
        settings(models=models, routing=looking(doubt=doubt), budgets=spending(limit))
    )
    gateway.tell("weak", first)
    full = Usage(COUNTED, 500)
    gateway.tell("middle", *[Script(reply=REFUSAL, usage=full)] * 2)
    gateway.tell("strong", Script(reply=GOOD, usage=full))

    reply = await gateway.chat(PROMPT, max_tokens=500)

    assert reply.status_code == 200
    assert reply.headers["x-pointsman-model"] == answers
    record = await gateway.record(reply)
    assert Decimal(str(record["cost"])) <= limit
    asked = [(each["deployment"], each["purpose"]) for each in record["attempts"]]
    assert asked.count(("middle", "sample")) == samples


async def test_what_is_held_back_for_a_look_pays_for_what_broke_where_nobody_will_look(
    start: StartGateway,
):
    models = {"weak": model("weak", "simple"), "strong": model("strong", "complex")}
    gateway = await start(settings(models=models, routing=looking(), budgets=spending(3 * MOST)))
    gateway.tell("weak", cut_after(100))

    reply = await gateway.chat(PROMPT, max_tokens=500)

    assert reply.status_code == 200
