"""What charts are drawn from, over HTTP: series, latencies, scores, errors, upstreams, alternatives."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.gateway import Gateway, StartGateway
from tests.support.entries import NOON, entry

from pointsman.config import ModelSettings, RoutingSettings, Settings
from pointsman.providers.scripted import Script

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
CHARTS = ("series", "latency", "scores", "errors")


async def keep(gateway: Gateway, *entries: object) -> None:
    for each in entries:
        await gateway.app.bookkeeping.store.reserve(each)


@pytest.fixture
async def books(gateway: Gateway) -> Gateway:
    """An hour with one of everything, and one entry of the hour before."""
    await keep(
        gateway,
        entry("earlier", NOON - timedelta(minutes=59), deployment="weak", cost="0.1"),
        entry("weak", NOON, deployment="weak"),
        entry("hit", NOON + timedelta(minutes=5), cache="exact", cost="0", deployment="weak"),
        entry(
            "strong", NOON + timedelta(minutes=5), organisation="umbrella", key="k2",
            deployment="strong", tier="complex", cost="0.005", baseline="0.004", latency_ms=900.0,
        ),
        entry(
            "failed", NOON + timedelta(minutes=59), outcome="failed", deployment=None, tier=None,
            tokens=None, cost=None, baseline=None,
        ),
        entry("open", NOON + timedelta(minutes=59), outcome="open"),
    )  # fmt: skip
    return gateway


async def get(gateway: Gateway, path: str, **query: object):
    reply = await gateway.client.get(path, params=query)
    assert reply.status_code == 200, reply.text
    return json.loads(reply.text, parse_float=Decimal)


def hour(**more: object) -> dict[str, object]:
    return {"since": NOON.isoformat(), "until": (NOON + HOUR).isoformat(), **more}


async def test_a_series_shows_every_step_and_the_hour_before(books: Gateway) -> None:
    found = await get(books, "/v1/stats/series", **hour(buckets=12))

    assert found["step_s"] == 300
    assert [point["requests"] for point in found["points"]] == [1, 2, *[0] * 9, 2]
    assert datetime.fromisoformat(found["points"][1]["time"]) == NOON + timedelta(minutes=5)
    assert {name: found["points"][1][name] for name in ("local", "cloud", "cached", "failed")} == {
        "local": 0, "cloud": 1, "cached": 1, "failed": 0,
    }  # fmt: skip
    totals = found["totals"]
    assert (totals["requests"], totals["local"], totals["failed"]) == (5, 1, 1)
    assert totals["cost"] == Decimal("0.005012")
    assert totals["saved"] == sum(point["saved"] for point in found["points"])
    assert totals["input_tokens"] == 300
    assert (found["before"]["requests"], found["before"]["cost"]) == (1, Decimal("0.1"))


async def test_an_unknown_price_is_unknown_in_a_series_too(books: Gateway) -> None:
    nameless = entry(
        "nameless", NOON + timedelta(minutes=20), deployment="weak", cost=None, baseline=None
    )
    await keep(books, nameless)

    found = await get(books, "/v1/stats/series", **hour(buckets=12))

    unknown, empty = found["points"][4], found["points"][3]
    assert (unknown["requests"], unknown["unpriced"]) == (1, 1)
    assert unknown["cost"] is unknown["saved"] is None
    assert (empty["requests"], empty["unpriced"], empty["cost"]) == (0, 0, 0)
    assert (found["totals"]["cost"], found["totals"]["unpriced"]) == (Decimal("0.005012"), 1)


async def test_a_long_range_is_shown_in_days_and_is_the_report(books: Gateway) -> None:
    since, until = (NOON - 9 * DAY).isoformat(), (NOON + timedelta(minutes=30)).isoformat()

    found = await get(books, "/v1/stats/series", since=since, until=until)

    report = await get(books, "/v1/report", since=since, until=until)
    assert (found["step_s"], len(found["points"])) == (86400, 10)
    assert found["points"][-1]["requests"] == 4
    for name in ("requests", "cost", "saved", "baseline_cost", "input_tokens", "output_tokens"):
        assert found["totals"][name] == report["total"][name]


async def test_a_series_is_of_the_last_day_where_nobody_says(gateway: Gateway) -> None:
    await gateway.chat()

    found = await get(gateway, "/v1/stats/series")

    length = datetime.fromisoformat(found["until"]) - datetime.fromisoformat(found["since"])
    assert length == DAY
    assert found["totals"]["requests"] == 1
    assert len(found["points"]) <= 61


async def test_filters_hold_for_charts(books: Gateway) -> None:
    found = await get(books, "/v1/stats/series", **hour(deployment="strong"))
    latency = await get(books, "/v1/stats/latency", deployment="strong")

    assert (found["totals"]["requests"], found["before"]["requests"]) == (1, 0)
    assert (latency["of"], latency["complete"]) == (1, True)


async def test_latency_by_deployment(books: Gateway) -> None:
    found = await get(books, "/v1/stats/latency", **hour())

    assert (found["of"], found["complete"]) == (4, True)
    strong, weak = found["deployments"]
    assert (weak["deployment"], weak["tier"], weak["location"]) == ("weak", "simple", "local")
    assert weak["requests"] == 1
    assert strong["latency_ms"] == {"p50": 900, "p95": 900, "p99": 900}
    assert strong["ttft_ms"] is None
    assert weak["tokens_per_s"] == 80


async def test_scores_with_the_thresholds_of_now(books: Gateway) -> None:
    found = await get(books, "/v1/stats/scores")

    assert len(found["bins"]) == 20
    assert [each for each in found["bins"] if each["requests"]] == [
        {"from": 10, "to": 15, "requests": {"simple": 5}}
    ]
    assert found["scorer"] == "learned/3"
    decided = (await books.client.post("/v1/route", json={"prompt": "hi"})).json()
    assert {each["tier"]: float(each["from"]) for each in found["thresholds"]} == decided["bounds"]


async def test_there_is_no_threshold_where_each_request_has_its_own(start: StartGateway) -> None:
    gateway = await start(routing=RoutingSettings(escalate={"quality": 0.9}))
    await gateway.chat()

    assert (await get(gateway, "/v1/stats/scores"))["thresholds"] == []


async def test_errors_by_what_they_say(gateway: Gateway) -> None:
    gateway.tell("weak", Script(status=400))
    failed = await gateway.chat(model="weak")
    await gateway.chat()

    found = await get(gateway, "/v1/stats/errors")

    assert failed.status_code == 400
    assert found["of"] == 2
    [error] = found["errors"]
    assert (error["outcome"], error["count"]) == ("failed", 1)
    assert error["error"] == (await gateway.record(failed))["error"]
    assert datetime.fromisoformat(error["last"]).tzinfo


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/stats/series", {"buckets": "0"}),
        ("/v1/stats/series", {"buckets": "201"}),
        ("/v1/stats/series", {"since": "2026-05-02", "until": "2026-05-01"}),
        ("/v1/stats/series", {"by": "day"}),
        ("/v1/stats/latency", {"buckets": "5"}),
        ("/v1/upstreams", {"deployment": "weak"}),
    ],
    ids=str,
)
async def test_what_is_not_understood_is_refused(
    gateway: Gateway, path: str, query: dict[str, str]
) -> None:
    reply = await gateway.client.get(path, params=query)

    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == next(iter(query))


async def key_for(gateway: Gateway, **wish: object) -> dict[str, str]:
    """A key's header."""
    reply = await gateway.client.post("/v1/keys", json={"name": "a key", **wish})
    assert reply.status_code == 201, reply.text
    return {"authorization": f"Bearer {reply.json()['key']}"}


@pytest.mark.parametrize("chart", CHARTS)
async def test_who_is_confined_sees_its_organisation_only(books: Gateway, chart: str) -> None:
    admin = await key_for(books, role="admin", organisation="acme", everywhere=True)
    books.client.headers.update(admin)
    reader = await key_for(books, role="read-only", organisation="umbrella")
    path = f"/v1/stats/{chart}"

    other = await books.client.get(path, params=hour(organisation="acme"), headers=reader)
    mine = await books.client.get(path, params=hour(), headers=reader)
    same = await books.client.get(path, params=hour(organisation="umbrella"))

    assert other.status_code == 403
    assert mine.status_code == 200
    assert mine.text == same.text


# Upstreams


async def upstreams(gateway: Gateway, **headers: str):
    reply = await gateway.client.get("/v1/upstreams", headers=headers)
    assert reply.status_code == 200, reply.text
    found = json.loads(reply.text, parse_float=Decimal)["upstreams"]
    return {each["deployment"]: each for each in found}


async def test_upstreams_say_what_is_known(gateway: Gateway) -> None:
    before = await upstreams(gateway)
    await gateway.chat()
    after = await upstreams(gateway)

    assert (before["weak"]["state"], before["weak"]["last_seen"]) == ("unknown", None)
    assert after["weak"]["state"] == "up"
    assert datetime.fromisoformat(after["weak"]["last_seen"]).tzinfo
    assert after["strong"] == {
        "deployment": "strong",
        "provider": "scripted",
        "model": "strong-model",
        "tier": "complex",
        "location": "cloud",
        "state": "unknown",
        "breaker": "closed",
        "detail": None,
        "loaded_model": None,
        "context": None,
        "in_flight": 0,
        "waiting": 0,
        "price": after["strong"]["price"],
        "last_seen": None,
    }
    assert after["weak"]["price"] == {"input": 0, "output": 0}
    assert after["strong"]["price"]["output"] > after["strong"]["price"]["input"] > 0


async def test_an_open_breaker_is_seen(gateway: Gateway) -> None:
    gateway.tell("weak", *[Script(status=500)] * 9)
    for number in range(4):
        await gateway.chat(f"Try {number}", model="weak")

    weak = (await upstreams(gateway))["weak"]

    assert (weak["state"], weak["breaker"]) == ("down", "open")


async def test_what_servers_say_is_shown_to_who_sees_all(start: StartGateway) -> None:
    closed = ModelSettings(
        provider="llamacpp", model="m", base_url="http://127.0.0.1:9/v1", tier="simple"
    )
    gateway = await start(Settings(home=Path("nowhere"), models={"here": closed}))
    admin = await key_for(gateway, role="admin", everywhere=True)
    gateway.client.headers.update(admin)
    reader = await key_for(gateway, role="read-only", organisation="umbrella")

    seen, hidden = await upstreams(gateway), await upstreams(gateway, **reader)

    assert (seen["here"]["state"], seen["here"]["loaded_model"]) == ("down", None)
    assert seen["here"]["detail"]
    assert {**seen["here"], "detail": None} == hidden["here"]


@pytest.mark.parametrize(
    ("wish", "seen"),
    [
        ({}, {"weak", "strong"}),
        ({"models": ["weak"]}, {"weak"}),
        ({"tiers": ["complex"]}, {"strong"}),
        ({"tiers": ["complex"], "models": ["weak"]}, set()),
        ({"routes": ["auto"]}, {"weak", "strong"}),
        ({"routes": ["local"]}, {"weak"}),
        ({"routes": ["complex"]}, {"strong"}),
        ({"routes": ["weak", "complex"]}, {"weak", "strong"}),
        ({"role": "read-only", "models": ["weak"]}, {"weak"}),
        ({"role": "admin", "models": ["weak"]}, {"weak", "strong"}),
    ],
    ids=str,
)
async def test_a_key_sees_the_deployments_that_may_serve_it(
    gateway: Gateway, wish: dict[str, object], seen: set[str]
) -> None:
    admin = await key_for(gateway, role="admin", everywhere=True)
    gateway.client.headers.update(admin)
    theirs = await key_for(gateway, organisation="acme", **wish)

    assert set(await upstreams(gateway, **theirs)) == seen
    assert set(await upstreams(gateway)) == {"weak", "strong"}


# One request


async def test_alternatives_are_those_that_may_serve_the_key(gateway: Gateway) -> None:
    admin = await key_for(gateway, role="admin", everywhere=True)
    gateway.client.headers.update(admin)
    caller = await key_for(gateway, organisation="acme", models=["weak"])
    reader = await key_for(gateway, organisation="acme", role="read-only", tiers=["complex"])
    reply = await gateway.chat(headers=caller)
    path = f"/v1/decisions/{reply.headers['x-request-id']}/alternatives"

    async def seen(**headers: str) -> list[tuple[str, bool]]:
        found = (await gateway.client.get(path, headers=headers)).json()["alternatives"]
        return [(each["deployment"], each["chosen"]) for each in found]

    assert await seen() == [("weak", True), ("strong", False)]
    assert await seen(**caller) == [("weak", True)]
    assert await seen(**reader) == [("weak", True), ("strong", False)]  # where it was answered


async def test_alternatives_cost_what_the_same_tokens_cost_there(gateway: Gateway) -> None:
    reply = await gateway.chat()
    record = json.loads(json.dumps(await gateway.record(reply)), parse_float=Decimal)

    found = await get(gateway, f"/v1/decisions/{reply.headers['x-request-id']}/alternatives")

    weak, strong = found["alternatives"]
    assert (weak["deployment"], weak["chosen"], weak["cost"]) == ("weak", True, 0)
    assert (strong["tier"], strong["chosen"]) == ("complex", False)
    assert strong["cost"] == record["baseline_cost"]
    assert (found["tier"], found["score"]) == (record["tier"], record["score"])
    assert [each["shift"] for each in found["at"]] == list(range(-50, 55, 5))
    assert next(each for each in found["at"] if each["shift"] == 0)["tier"] == "simple"
    assert found["at"][0]["tier"] == "complex"
    assert [each["tier"] for each in found["thresholds"]] == ["simple", "complex"]


async def test_what_was_asked_for_by_name_hangs_on_no_threshold(gateway: Gateway) -> None:
    reply = await gateway.chat(model="weak")

    found = await get(gateway, f"/v1/decisions/{reply.headers['x-request-id']}/alternatives")

    assert (found["thresholds"], found["at"]) == ([], [])


async def test_what_the_cache_gave_was_nobodys_choice(books: Gateway) -> None:
    found = await get(books, "/v1/decisions/hit/alternatives")
    failed = await get(books, "/v1/decisions/failed/alternatives")

    assert [each["chosen"] for each in found["alternatives"]] == [False, False]
    assert [each["cost"] for each in failed["alternatives"]] == [None, None]


async def test_alternatives_of_what_is_not_there(gateway: Gateway) -> None:
    reply = await gateway.client.get("/v1/decisions/nobody/alternatives")

    assert reply.status_code == 404


# The playground


async def routed(gateway: Gateway, **body: object) -> dict[str, object]:
    reply = await gateway.client.post("/v1/route", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_a_shift_moves_the_decision(gateway: Gateway) -> None:
    here = await routed(gateway, prompt="What is Python?")
    down = await routed(gateway, prompt="What is Python?", shift=-100)
    messages = [{"role": "user", "content": "What is Python?"}]
    asked = await routed(gateway, messages=messages, shift=-100)

    assert (here["tier"], here["shift"]) == ("simple", 0)
    assert (down["tier"], down["deployment"], down["shift"]) == ("complex", "strong", -100)
    assert down["score"] == here["score"]
    assert (asked["tier"], asked["bounds"]) == (down["tier"], down["bounds"])
    assert (await routed(gateway, prompt="What is Python?"))["tier"] == "simple"


@pytest.mark.parametrize("shift", [101, -101, "5", None])
async def test_a_shift_is_a_number_of_points(gateway: Gateway, shift: object) -> None:
    reply = await gateway.client.post("/v1/route", json={"prompt": "hi", "shift": shift})

    assert reply.status_code == 400
    assert "shift" in reply.json()["error"]["message"]
