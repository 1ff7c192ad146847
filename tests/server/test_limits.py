"""Limits and budgets as clients meet them, in each client's words."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial

import httpx2
import pytest
from tests.gateway import Gateway, two_tiers

from pointsman.app import App
from pointsman.clock import ManualClock
from pointsman.providers.scripted import Script
from pointsman.types import Usage

ACTORS = 50
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Limited(Gateway):
    """A gateway whose time stands still until it is moved."""

    clock: ManualClock


@pytest.fixture
async def limited() -> AsyncIterator[Callable]:
    """Starts gateways with limits; they end with the test."""
    running: list[Limited] = []

    async def start(**tables: object) -> Limited:
        clock = ManualClock(NOON)
        app = App(two_tiers(**tables), environment={}, clock=clock)
        await app.start(in_memory=True)
        transport = httpx2.ASGITransport(app=app.asgi())
        client = httpx2.AsyncClient(transport=transport, base_url="http://localhost")
        running.append(Limited(app, client))
        running[-1].clock = clock
        return running[-1]

    yield start
    for gateway in running:
        await gateway.client.aclose()
        await gateway.app.close()


async def say(gateway: Gateway, **more: object) -> httpx2.Response:
    """A message in Anthropic's format."""
    body = {"model": "weak", "max_tokens": 20, "messages": [{"role": "user", "content": "Hi"}]}
    return await gateway.client.post("/v1/messages", json={**body, **more})


async def entries(gateway: Gateway) -> list[dict[str, object]]:
    return (await gateway.client.get("/v1/decisions")).json()["data"]


def about_limits(reply: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in reply.headers.items() if "ratelimit" in name}


async def test_errors_after_the_limits_were_asked_say_what_is_left_too(limited: Callable) -> None:
    gateway = await limited(
        limits={"key": {"requests_per_minute": 10, "tokens_per_minute": 9000}},
        budgets={"key": {"per_day": "0.01"}},
    )
    force = {"headers": {"x-force-route": "strong"}}
    for name in ("weak", "strong"):
        gateway.tell(name, *[Script(unreachable=True)] * 9)

    refused = [
        await gateway.chat(max_tokens=5000, **force),
        await gateway.chat(),
        await gateway.chat(model="nope"),
        await say(gateway, model="nope"),
    ]

    assert [each.status_code for each in refused] == [402, 503, 404, 404]
    left = [about_limits(each) for each in refused]
    assert [each["x-ratelimit-remaining-requests"] for each in left] == ["9", "8", "7", "6"]
    assert {each["x-ratelimit-limit-tokens"] for each in left} == {"9000"}
    assert left[3]["anthropic-ratelimit-requests-remaining"] == "6"


async def test_every_reply_says_what_is_left(limited: Callable) -> None:
    gateway = await limited(limits={"key": {"requests_per_minute": 10, "tokens_per_minute": 6000}})
    usage = Usage(input_tokens=10, output_tokens=90)
    gateway.tell("weak", Script(usage=usage), Script(usage=usage))
    reply = await gateway.chat(model="weak", max_tokens=500)
    assert reply.status_code == 200
    left = about_limits(reply)
    held = 6000 - int(left.pop("x-ratelimit-remaining-tokens"))
    assert 500 < held < 600  # the reply's limit, and the prompt as estimated
    assert left == {
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": "9",
        "x-ratelimit-reset-requests": "6s",
        "x-ratelimit-limit-tokens": "6000",
        "x-ratelimit-reset-tokens": f"{held / 100:g}s",
    }
    streamed = await gateway.chat(model="weak", max_tokens=500, stream=True)
    assert streamed.headers["x-ratelimit-remaining-requests"] == "8"
    # What it really used is counted, not what it might have.
    assert int(streamed.headers["x-ratelimit-remaining-tokens"]) == 6000 - 100 - held


async def test_without_limits_nothing_is_said_of_them(gateway: Gateway) -> None:
    assert about_limits(await gateway.chat()) == {}


async def test_openai_clients_are_told_to_come_back(limited: Callable) -> None:
    gateway = await limited(limits={"key": {"requests_per_minute": 2}})
    for _ in range(2):
        assert (await gateway.chat()).status_code == 200
    refused = await gateway.chat()
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "30"
    assert "x-should-retry" not in refused.headers
    assert about_limits(refused) == {
        "x-ratelimit-limit-requests": "2",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1m0s",
    }
    assert refused.json()["error"] == {
        "message": "key anonymous may make 2 requests per minute: the next one passes in 30 s",
        "type": "rate_limit_error",
        "param": None,
        "code": "rate_limit_exceeded",
    }
    assert len(await entries(gateway)) == 2  # it was not admitted
    gateway.clock.advance(30)
    assert (await gateway.chat()).status_code == 200


async def test_anthropic_clients_are_told_at_what_time(limited: Callable) -> None:
    gateway = await limited(limits={"key": {"requests_per_minute": 1}})
    passed = await say(gateway)
    assert passed.headers["anthropic-ratelimit-requests-limit"] == "1"
    assert passed.headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert passed.headers["anthropic-ratelimit-requests-reset"] == "2026-11-21T12:01:00Z"
    gateway.clock.advance(15)
    refused = await say(gateway)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "45")
    assert refused.headers["anthropic-ratelimit-requests-reset"] == "2026-11-21T12:01:00Z"
    assert refused.json()["error"]["type"] == "rate_limit_error"


async def test_ollama_clients_are_told_in_a_sentence(limited: Callable) -> None:
    gateway = await limited(limits={"organisation": {"requests_per_minute": 1}})
    asked = {"model": "weak", "prompt": "Hi", "stream": False}
    assert (await gateway.client.post("/api/generate", json=asked)).status_code == 200
    refused = await gateway.client.post("/api/generate", json=asked)
    assert refused.status_code == 429
    assert refused.json() == {
        "error": "organisation default may make 1 request per minute: the next one passes in 60 s"
    }


async def test_an_open_request_holds_its_place_until_it_ends(limited: Callable) -> None:
    gateway = await limited(limits={"key": {"concurrent": 1}})
    weak = gateway.tell("weak", Script(stall_after_chunks=0))
    hanging = asyncio.create_task(gateway.chat(model="weak"))
    while not weak.log:  # noqa: ASYNC110 - it tells nobody when it is called
        await asyncio.sleep(0.005)
    refused = await gateway.chat(model="weak")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert refused.json()["error"]["message"] == (
        "key anonymous may have 1 request open at the same time: "
        "the next one passes when one has ended"
    )
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)
    assert (await gateway.chat(model="weak")).status_code == 200
    assert (await gateway.chat(model="weak", stream=True)).status_code == 200
    gateway.tell("weak", Script(status=400))
    assert (await gateway.chat(model="weak")).status_code == 400
    assert (await gateway.chat(model="weak")).status_code == 200


async def test_end_users_are_counted_apart_by_whoever_names_them(limited: Callable) -> None:
    gateway = await limited(limits={"user": {"requests_per_minute": 1}})

    async def of(user: str | None = None, header: str | None = None) -> int:
        headers = {} if header is None else {"x-openwebui-user-id": header}
        return (await gateway.chat(user=user, headers=headers)).status_code

    assert [await of("ann"), await of("ann"), await of("bob")] == [200, 429, 200]
    assert [await of("ann", "carl"), await of("dora", "carl")] == [200, 429]
    assert [await of(), await of()] == [200, 200]
    in_messages = await say(gateway, metadata={"user_id": "ann"})
    assert in_messages.status_code == 429
    assert in_messages.json()["error"]["message"].startswith("user ann may make 1 request")
    users = Counter(entry["user"] for entry in await entries(gateway))
    assert users == {None: 2, "ann": 1, "bob": 1, "carl": 1}


@pytest.mark.parametrize("user", ["x" * 129, "a\tb", "\x85"])
async def test_a_user_header_that_is_no_name_is_refused(gateway: Gateway, user: str) -> None:
    headers = {"x-openwebui-user-id": user.encode("latin-1")}
    refused = await gateway.chat(headers=headers)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "x-openwebui-user-id"


async def test_a_user_in_the_body_that_is_no_name_is_kept_as_its_hash(gateway: Gateway) -> None:
    assert (await gateway.chat(user="x" * 5000)).status_code == 200
    assert (await gateway.chat(user="a\nb")).status_code == 200
    users = [entry["user"] for entry in await entries(gateway)]
    assert all(user.startswith("sha256:") and len(user) == 39 for user in users)
    assert len(set(users)) == 2


async def test_openai_clients_are_told_that_the_budget_is_spent(limited: Callable) -> None:
    gateway = await limited(budgets={"key": {"per_day": "0.01"}})
    refused = await gateway.chat(model="strong", max_tokens=4000)
    assert refused.status_code == 402
    assert refused.headers["x-should-retry"] == "false"
    assert "retry-after" not in refused.headers
    error = refused.json()["error"]
    assert (error["type"], error["code"]) == ("insufficient_quota", "budget_exceeded")
    assert "budget" in error["message"]
    small = await gateway.chat(model="strong", max_tokens=10)
    assert small.status_code == 200


async def test_anthropic_clients_are_told_that_the_budget_is_spent(limited: Callable) -> None:
    gateway = await limited(budgets={"organisation": {"per_month": "0"}})
    refused = await say(gateway, model="strong")
    assert refused.status_code == 402
    assert refused.headers["x-should-retry"] == "false"
    assert refused.json()["error"]["type"] == "billing_error"
    assert "budget" in refused.json()["error"]["message"]


async def test_what_costs_nothing_serves_on_when_the_budget_is_spent(limited: Callable) -> None:
    gateway = await limited(budgets={"key": {"per_day": "0"}})
    reply = await gateway.chat("Prove that there are infinitely many primes.")
    assert reply.status_code == 200
    assert reply.headers["x-pointsman-model"] == "weak"


async def test_a_new_day_has_a_new_budget(limited: Callable) -> None:
    gateway = await limited(budgets={"key": {"per_day": "0.02"}})
    usage = Usage(input_tokens=100, output_tokens=700)
    gateway.tell("strong", *[Script(usage=usage)] * 3)
    assert (await gateway.chat(model="strong", max_tokens=700)).status_code == 200
    spent = await gateway.chat(model="strong", max_tokens=700)
    assert spent.status_code == 402
    gateway.clock.advance(12 * 3600)
    assert (await gateway.chat(model="strong", max_tokens=700)).status_code == 200


async def test_of_a_crowd_as_many_pass_as_the_budget_can_pay_for(limited: Callable) -> None:
    """Fifty at once, each of which may cost more than a third of it."""
    gateway = await limited(budgets={"key": {"per_day": "0.20"}})
    strong = gateway.tell("strong", *[Script(stall_after_chunks=0)] * 2)
    ask = partial(gateway.chat, model="strong", max_tokens=3900)
    crowd = [asyncio.create_task(ask()) for _ in range(ACTORS)]
    while sum(task.done() for task in crowd) < ACTORS - 2:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0.005)
    refused = [task.result() for task in crowd if task.done()]
    assert {reply.status_code for reply in refused} == {402}
    assert len(strong.log) == 2
    for task in crowd:
        task.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
    assert (await ask()).status_code == 200  # what was held back is free again
