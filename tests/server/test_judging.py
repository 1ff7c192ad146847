"""The judge in the path of a request: asked like any deployment, in the books, and replaceable."""

import asyncio

from tests.gateway import Gateway, StartGateway

from pointsman.config import JudgeSettings, ModelSettings, RoutingSettings, VerifySettings
from pointsman.providers.scripted import Script
from pointsman.types import Usage

HARD = Script(reply='{"label": "COMPLEX"}')
PROMPT = "Tell me of the sea."
PRICED = {"input": 1, "output": 1}


async def judged(
    start: StartGateway,
    *,
    location: str = "local",
    deadline_s: float = 5.0,
    price: dict[str, int] | None = PRICED,
    per_day: str | None = None,
) -> Gateway:
    models = {
        "weak": ModelSettings(provider="scripted", model="w", tier="simple"),
        "judge": ModelSettings(
            provider="scripted",
            model="j",
            tier="simple",
            weight=0,
            location=location,
            price=price,
        ),
        "strong": ModelSettings(provider="scripted", model="s", tier="complex", location="cloud"),
    }
    judge = JudgeSettings(deployment="judge", style="label", deadline_s=deadline_s)
    verify = VerifySettings(when="off")
    routing = RoutingSettings(scorer="judge", judge=judge, verify=verify)
    budgets = {"key": {"per_day": per_day, "allow_unpriced": False}}
    return await start(models=models, routing=routing, budgets=budgets)


async def test_the_judge_decides_and_is_paid_for(start: StartGateway) -> None:
    gateway = await judged(start)
    gateway.tell("judge", HARD)
    reply = await gateway.chat(PROMPT)

    assert reply.headers["x-pointsman-model"] == "strong"
    assert reply.headers["x-pointsman-attempts"] == "1"
    record = await gateway.record(reply)
    assert record["scorer"] == "judge/1"
    asked = record["attempts"][0]
    assert (asked["deployment"], asked["purpose"]) == ("judge", "judge")
    assert asked["usage"]["input_tokens"] > 0
    assert float(asked["cost"]) > 0


async def test_nonsense_and_silence_leave_it_to_the_heuristic(start: StartGateway) -> None:
    gateway = await judged(start, deadline_s=0.2)
    gateway.tell("judge", Script(reply="no idea"), Script(first_byte_delay_s=60))
    nonsense = await gateway.record(await gateway.chat(PROMPT))
    late = await gateway.record(await gateway.chat(f"{PROMPT} Once more."))

    assert (nonsense["scorer"], nonsense["stands_in"]) == ("heuristic/1", "judge: nonsense")
    assert (late["scorer"], late["stands_in"]) == ("heuristic/1", "judge: timeout")
    assert late["attempts"][0]["outcome"] == "interrupted"
    assert late["attempts"][0]["usage"]["estimated"]


async def test_it_is_not_asked_where_nothing_hangs_on_it(start: StartGateway) -> None:
    gateway = await judged(start)
    await gateway.chat(PROMPT, model="weak")
    await gateway.chat(PROMPT, model="nobody")

    assert gateway.tell("judge").log == []


async def test_a_judge_in_the_cloud_sees_no_secrets(start: StartGateway) -> None:
    gateway = await judged(start, location="cloud")
    record = await gateway.record(await gateway.chat("My card is 4111 1111 1111 1111."))

    assert record["stands_in"].startswith("judge: ")
    assert gateway.tell("judge").log == []


async def test_a_look_ahead_asks_a_local_judge_only(start: StartGateway) -> None:
    here, there = await judged(start), await judged(start, location="cloud")
    here.tell("judge", HARD)
    looked = [
        (await gateway.client.post("/v1/route", json={"prompt": PROMPT})).json()
        for gateway in (here, there)
    ]

    assert [decision["scorer"] for decision in looked] == ["judge/1", "heuristic/1"]
    assert there.tell("judge").log == []


async def test_a_judge_of_unknown_price_is_not_asked_under_a_budget(start: StartGateway) -> None:
    gateway = await judged(start, location="cloud", price=None, per_day="1")
    record = await gateway.record(await gateway.chat(PROMPT))

    assert (record["scorer"], record["stands_in"]) == ("heuristic/1", "judge: price_unknown")
    assert gateway.tell("judge").log == []


async def test_a_judge_is_asked_for_no_more_than_is_left(start: StartGateway) -> None:
    gateway = await judged(start, location="cloud", per_day="0.0008")
    slow = Script(reply=HARD.reply, first_byte_delay_s=0.05)
    gateway.tell("judge", *[slow] * 20)
    replies = await asyncio.gather(*(gateway.chat(f"{PROMPT} {n}") for n in range(20)))
    records = [await gateway.record(each) for each in replies if each.status_code == 200]

    asked = len(gateway.tell("judge").log)
    assert 0 < asked < 5
    assert {each["stands_in"] for each in records} <= {None, "judge: budget_exceeded"}


async def test_what_the_judge_took_of_a_refused_request_counts_for_the_next(
    start: StartGateway,
) -> None:
    gateway = await judged(start, location="cloud", per_day="0.05")
    dear = Script(reply=HARD.reply, usage=Usage(100_000, 0))
    gateway.tell("judge", *[dear] * 3)
    replies = [await gateway.chat(f"{PROMPT} {n}") for n in range(3)]

    assert [each.status_code for each in replies] == [402, 200, 200]
    assert [each.headers["x-pointsman-model"] for each in replies[1:]] == ["weak", "weak"]
    assert len(gateway.tell("judge").log) == 1
