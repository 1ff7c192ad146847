"""A strong model compares answers without knowing whose they are, for money that is bounded."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import httpx2
import pytest
from tests.gateway import Gateway, StartGateway, two_tiers

from pointsman.config import (
    BlindJudgeSettings,
    CacheSettings,
    LearningSettings,
    ModelSettings,
    PrivacySettings,
)
from pointsman.providers.scripted import Script, ScriptedProvider
from pointsman.stages.comparing import USER
from pointsman.types import Filter, Signals

ASKED = "Why is the sky blue?"
WEAK, STRONG = "It mirrors the sea.", "Air scatters blue light more than red."
FIRST, SECOND, SAME = (f'{{"better": "{name}"}}' for name in ("first", "second", "same"))
CARD = "4111 1111 1111 1111"


class Judged(list[Signals]):
    """What was found, on its way into the store."""

    async def add_signals(self, signals: Sequence[Signals]) -> None:
        self.extend(each for each in signals if "judged" in each.parts)


async def judging(start: StartGateway, *, usd: str = "1", **more: object) -> Gateway:
    wanted = BlindJudgeSettings(deployment="judge", share=1.0, usd_per_day=Decimal(usd))
    judge = ModelSettings(
        provider="scripted",
        model="judge-model",
        tier="complex",
        location="cloud",
        priced_as="anthropic/claude-opus-5-5",
    )
    models = {**two_tiers().models, "judge": judge}
    return await start(
        two_tiers(**{"models": models, "learning": LearningSettings(judge=wanted), **more})
    )


async def compared(
    gateway: Gateway, *verdicts: str, text: str = ASKED, **more: object
) -> tuple[httpx2.Response, dict[str, float], ScriptedProvider]:
    """The weak one's answer; what it and others are worth by request; the judge."""
    found = Judged()
    comparing, collecting = gateway.app.comparing, gateway.app.bookkeeping.collecting
    assert comparing is not None
    assert collecting is not None
    comparing.store = found
    gateway.tell("weak", Script(reply=WEAK))
    gateway.tell("strong", Script(reply=STRONG))
    judge = gateway.tell("judge", *(Script(reply=verdict) for verdict in verdicts))
    reply = await gateway.chat(text, model="weak", **more)
    await collecting.write()
    await comparing.finished()
    return reply, {each.request_id: each.parts["judged"] for each in found}, judge


@pytest.mark.parametrize("stream", [False, True])
async def test_the_better_answer_is_better_in_both_orders(
    start: StartGateway, *, stream: bool
) -> None:
    gateway = await judging(start)

    reply, worth, judge = await compared(gateway, SECOND, FIRST, stream=stream)

    own = reply.headers["x-request-id"]
    assert worth.pop(own) == 0.0
    assert list(worth.values()) == [1.0]
    one, other = (served.request.decode() for served in judge.log)
    assert one.index(WEAK) < one.index(STRONG)
    assert other.index(STRONG) < other.index(WEAK)
    assert "weak" not in one.replace(WEAK, "")


async def test_what_an_answer_is_worth_and_that_a_judge_of_two_minds_says_nothing(
    start: StartGateway,
) -> None:
    gateway = await judging(start)
    said = [(FIRST, SECOND), (SAME, SAME), (FIRST, FIRST), (SAME, FIRST), ("Well", "")]

    found = [await compared(gateway, *verdicts, text=f"{ASKED} {verdicts}") for verdicts in said]

    worths = [worth.get(reply.headers["x-request-id"]) for reply, worth, _ in found]
    assert worths == [1.0, 0.5, None, None, None]


async def test_it_is_in_the_books_under_a_name_of_its_own(start: StartGateway) -> None:
    gateway = await judging(start)

    reply, _, _ = await compared(gateway, SECOND, FIRST)

    entries = [
        each for each in await gateway.app.books.list(limit=9) if each.principal.user == USER
    ]
    [row] = await gateway.app.books.report(Filter(user=USER), ())
    costs = [each.settlement.cost for each in entries if each.settlement is not None]
    assert [each.settlement.deployment for each in entries if each.settlement is not None] == [
        "judge",
        "judge",
        "strong",
    ]
    assert {each.client_request_id for each in entries} == {reply.headers["x-request-id"]}
    assert row.cost == sum(cost for cost in costs if cost is not None) > 0


async def test_no_more_is_spent_in_a_day_than_may_be(start: StartGateway) -> None:
    gateway = await judging(start, usd="0.012")
    spent = []

    for at in range(8):
        await compared(gateway, SECOND, FIRST, text=f"{ASKED} {at}", max_tokens=300)
        [row] = await gateway.app.books.report(Filter(user=USER), ())
        spent.append((row.requests, row.cost))

    assert 0 < spent[-1][1] <= Decimal("0.012")
    assert spent[-1] == spent[-2]


async def test_without_money_nobody_is_asked(start: StartGateway) -> None:
    gateway = await judging(start, usd="0")

    _, worth, judge = await compared(gateway)

    assert worth == {}
    assert judge.log == []


async def test_what_must_stay_local_is_shown_to_nobody(start: StartGateway) -> None:
    gateway = await judging(start, privacy=PrivacySettings())

    reply, worth, judge = await compared(gateway, text=f"Is {CARD} valid?")

    assert reply.status_code == 200
    assert worth == {}
    assert judge.log == []
    assert gateway.tell("strong").log == []


async def test_no_tool_is_called_for_a_comparison(start: StartGateway) -> None:
    gateway = await judging(start)
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}

    _, worth, judge = await compared(gateway, tools=[tool])

    assert worth == {}
    assert judge.log == []


async def test_another_that_fails_ends_it(start: StartGateway) -> None:
    gateway = await judging(start)
    gateway.tell("strong", Script(status=400))

    _, worth, judge = await compared(gateway)

    assert worth == {}
    assert judge.log == []


async def test_no_reply_of_the_cache_is_compared(start: StartGateway) -> None:
    gateway = await judging(start, cache=CacheSettings(exact=True))
    await compared(gateway, SECOND, FIRST)
    await gateway.app.caching.keeper.close()

    hit, worth, judge = await compared(gateway)

    assert hit.headers["x-pointsman-cache"].startswith("exact")
    assert worth == {}
    assert len(judge.log) == 2


async def test_nothing_is_begun_when_the_gateway_stops(start: StartGateway) -> None:
    gateway = await judging(start)
    judge = gateway.tell("judge")

    await gateway.chat(ASKED, model="weak")
    await gateway.app.close()

    assert judge.log == []
