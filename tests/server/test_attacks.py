"""What somebody with a key of their own, or with one that is over, tries; and does not get."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal

import httpx2
import pytest
from tests.gateway import Gateway, StartGateway

from pointsman.config import (
    BudgetSettings,
    CacheSettings,
    EveryBudget,
    EveryLimit,
    JudgeSettings,
    LimitSettings,
    ModelSettings,
    PrincipalSettings,
    RoutingSettings,
    VerifySettings,
)
from pointsman.providers.scripted import Script

ADMIN = {"role": "admin", "everywhere": True}
PROMPT = "Tell me of the sea."


async def make(gateway: Gateway, by: Mapping[str, str] | None = None, **wish: object):
    """A new key: its headers and its id."""
    made = await gateway.client.post("/v1/keys", json=wish, headers=by)
    assert made.status_code == 201, made.text
    return {"authorization": f"Bearer {made.json()['key']}"}, made.json()["id"]


class SlowBody(httpx2.AsyncByteStream):
    """A body that is held back until it is let go."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.asked = asyncio.Event()
        self.go = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.asked.set()
        await self.go.wait()
        yield self.body


async def post_slowly(gateway: Gateway, path: str, body: bytes, headers: Mapping[str, str]):
    """A request that was let in, and whose body is still to come; and what lets it come."""
    slow = SlowBody(body)
    sent = asyncio.create_task(gateway.client.post(path, content=aiter(slow), headers={**headers}))
    await slow.asked.wait()
    return sent, slow.go


async def test_who_was_let_in_before_the_first_key_makes_no_second(gateway: Gateway) -> None:
    sent, go = await post_slowly(gateway, "/v1/keys", b'{"role":"admin","everywhere":true}', {})
    admin, _ = await make(gateway, **ADMIN)
    go.set()

    assert (await sent).status_code == 401
    assert len((await gateway.client.get("/v1/keys", headers=admin)).json()["data"]) == 1


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/keys"])
async def test_a_key_that_is_revoked_while_its_body_comes_gets_nothing(
    gateway: Gateway, path: str
) -> None:
    admin, _ = await make(gateway, **ADMIN)
    theirs, key_id = await make(gateway, admin, **ADMIN)
    body = b'{"model":"auto","messages":[{"role":"user","content":"Hi"}]}'
    sent, go = await post_slowly(gateway, path, body if "chat" in path else b"{}", theirs)
    gone = await gateway.client.delete(f"/v1/keys/{key_id}", headers=admin)
    assert gone.status_code == 200
    go.set()

    assert (await sent).status_code == 401


async def test_a_spent_budget_of_one_key_is_no_other_keys_matter(start: StartGateway) -> None:
    gateway = await start(cache=CacheSettings(exact=True))
    admin, _ = await make(gateway, **ADMIN)
    poor, _ = await make(gateway, admin, budgets={"per_day": 0})
    rich, _ = await make(gateway, admin)
    asked = {"model": "strong", "temperature": 0}

    replies = await asyncio.gather(
        gateway.chat(PROMPT, headers=poor, **asked), gateway.chat(PROMPT, headers=rich, **asked)
    )

    assert [reply.status_code for reply in replies] == [402, 200]


async def test_a_judge_is_not_asked_without_end_where_nothing_may_be_spent(
    start: StartGateway,
) -> None:
    dear = {"input": 1000, "output": 1000}
    models = {
        "judge": ModelSettings(
            provider="scripted", model="j", tier="simple", location="cloud", price=dear
        ),
        "strong": ModelSettings(
            provider="scripted", model="s", tier="complex", location="cloud", price=dear
        ),
    }
    routing = RoutingSettings(
        scorer="judge",
        judge=JudgeSettings(deployment="judge", style="label"),
        verify=VerifySettings(when="off"),
    )
    budgets = EveryBudget(key=BudgetSettings(per_day=Decimal("0.5")))
    gateway = await start(models=models, routing=routing, budgets=budgets)
    judge = gateway.tell("judge", Script(reply='{"label": "COMPLEX"}'))

    refused = [await gateway.chat(f"{PROMPT} {i}", max_tokens=100_000) for i in range(20)]

    assert {reply.status_code for reply in refused} == {402}
    assert 0 < len(judge.log) < 20
    spent = (await gateway.client.get("/v1/report")).json()["total"]["cost"]
    assert Decimal(str(spent)) > 0  # what the judge took is in the books


async def test_a_service_of_unknown_price_passes_no_budget(start: StartGateway) -> None:
    gateway = await start(budgets=EveryBudget(key=BudgetSettings(per_day=Decimal(5))))

    usual = await gateway.chat(model="strong", service_tier="default")
    dear = await gateway.chat(model="strong", service_tier="priority")

    assert usual.status_code == 200
    assert (dear.status_code, dear.json()["error"]["code"]) == (402, "price_unknown")


async def test_a_look_ahead_counts_as_a_request(start: StartGateway) -> None:
    limits = EveryLimit(key=LimitSettings(requests_per_minute=2))
    gateway = await start(limits=limits)

    looks = [
        (await gateway.client.post("/v1/route", json={"prompt": PROMPT})).status_code
        for _ in range(3)
    ]

    assert looks == [200, 200, 429]


async def test_a_look_ahead_leaves_no_slot_behind(start: StartGateway) -> None:
    gateway = await start(limits=EveryLimit(key=LimitSettings(concurrent=1)))

    looks = [
        (
            await gateway.client.post("/v1/route", json={"prompt": PROMPT, "model": model})
        ).status_code
        for model in ("auto", "nobody", "auto")
    ]

    assert looks == [200, 404, 200]


async def test_an_organisation_does_not_forget_what_it_owes(start: StartGateway) -> None:
    budgets = BudgetSettings(per_day=Decimal("0.01"))
    gateway = await start(organisations={"acme": PrincipalSettings(budgets=budgets)})
    admin, _ = await make(gateway, **ADMIN)
    acme, _ = await make(gateway, admin, role="admin", organisation="acme")
    asked = {"model": "strong", "max_tokens": 200, "headers": acme}
    while (await gateway.chat(**asked)).status_code == 200:
        pass

    forgotten = await gateway.client.delete("/v1/entries?all=true", headers=acme)

    assert forgotten.json()["removed"] > 0
    assert (await gateway.client.get("/v1/decisions", headers=acme)).json()["data"] == []
    assert (await gateway.chat(**asked)).status_code == 402


async def test_two_limits_of_a_reply_hold_back_the_greater(start: StartGateway) -> None:
    budgets = EveryBudget(key=BudgetSettings(per_day=Decimal("0.05")))
    gateway = await start(budgets=budgets)

    reply = await gateway.chat(model="strong", max_completion_tokens=1, max_tokens=100_000)
    unbounded = await gateway.chat(model="strong", max_completion_tokens=1, max_tokens=-1)

    assert (reply.status_code, unbounded.status_code) == (402, 402)


async def test_a_key_for_some_models_names_no_others_to_the_provider(gateway: Gateway) -> None:
    admin, _ = await make(gateway, **ADMIN)
    theirs, _ = await make(gateway, admin, models=["weak"])
    others = {"models": ["dear/model"]}

    refused = await gateway.chat(headers=theirs, **others)

    assert refused.status_code == 403
    assert (await gateway.chat(headers=admin, **others)).status_code == 200


async def test_what_a_key_may_not_use_is_not_shown_to_it(gateway: Gateway) -> None:
    admin, _ = await make(gateway, **ADMIN)
    theirs, _ = await make(gateway, admin, models=["weak"])

    shown = [
        (await gateway.client.post("/api/show", json={"model": name}, headers=theirs)).status_code
        for name in ("weak", "strong")
    ]

    assert shown == [200, 404]


async def test_through_a_tunnel_nobody_comes_in_without_a_key(gateway: Gateway) -> None:
    """`ngrok http 7070 --host-header=rewrite`: the host is ours, and the caller is not."""
    afar = (
        {"x-forwarded-for": "203.0.113.7"},
        {"x-forwarded-for": "127.0.0.1, 203.0.113.7"},
        {"x-real-ip": "203.0.113.7"},
        {"forwarded": "for=203.0.113.7;host=localhost"},
        {"forwarded": 'For="[2001:db8::7]:4711"'},
        {"forwarded": "for=127.0.0.1, for=_hidden"},
    )
    nearby = (
        {"x-forwarded-for": "127.0.0.1"},
        {"x-real-ip": "::1"},
        {"forwarded": 'by=10.0.0.1;for="[::1]:4711", for=127.0.0.1:80'},
        {"forwarded": "proto=http"},
    )

    for headers, status in [*((each, 401) for each in afar), *((each, 200) for each in nearby)]:
        reply = await gateway.chat(headers={"host": "localhost:7070", **headers})
        assert reply.status_code == status, headers


async def test_a_call_that_goes_on_for_others_counts_for_who_began_it(start: StartGateway) -> None:
    limits = EveryLimit(key=LimitSettings(tokens_per_minute=200_000))
    gateway = await start(cache=CacheSettings(exact=True), limits=limits)
    provider = gateway.tell("weak", Script(first_byte_delay_s=1), Script())
    asked = {"model": "weak", "temperature": 0, "max_tokens": 50_000}

    first = asyncio.create_task(gateway.chat(PROMPT, **asked))
    while not provider.log:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0)
    second = asyncio.create_task(gateway.chat(PROMPT, **asked))
    while len((await gateway.client.get("/v1/decisions")).json()["data"]) < 2:  # noqa: ASYNC110
        await asyncio.sleep(0)
    first.cancel()
    assert (await second).status_code == 200
    last = await gateway.chat("Hi", model="weak", max_tokens=10)

    assert len(provider.log) == 2
    assert int(last.headers["x-ratelimit-remaining-tokens"]) < 160_000


async def test_a_key_for_some_models_has_a_cache_of_its_own(start: StartGateway) -> None:
    gateway = await start(cache=CacheSettings(exact=True))
    admin, _ = await make(gateway, **ADMIN)
    theirs, key_id = await make(gateway, admin, models=["weak"])
    asked = {"model": "weak", "temperature": 0}

    states = []
    for headers in (admin, theirs, theirs):
        reply = await gateway.chat(PROMPT, headers=headers, **asked)
        states.append(reply.headers["x-pointsman-cache"].partition(";")[0])
        await gateway.app.pipeline.cache.close()
    held = await gateway.client.get("/v1/cache", params={"scope": key_id}, headers=admin)

    assert states == ["miss", "miss", "exact"]
    assert len(held.json()["data"]) == 1
