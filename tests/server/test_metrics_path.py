"""`/metrics` and `/health`: what operators see of a gateway that serves."""

from __future__ import annotations

import asyncio

import pytest
from tests.gateway import StartGateway, two_tiers
from tests.support.house import CARRIERS, furnish
from tests.support.routes import every_route
from tests.telemetry.test_gateway_metrics import parsed

from pointsman.app import App
from pointsman.clock import ManualClock
from pointsman.config import TelemetrySettings
from pointsman.errors import LedgerUnavailable
from pointsman.providers.scripted import Script

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def figures(gateway) -> dict[str, float]:
    got = await gateway.client.get("/metrics")
    assert got.status_code == 200, got.text
    assert got.headers["content-type"].startswith("text/plain")
    return parsed(got.text)


async def test_what_clients_did_is_in_the_metrics(start: StartGateway) -> None:
    gateway = await start(two_tiers())
    gateway.tell("weak", Script(status=500), Script())
    await gateway.chat()
    await gateway.chat(model="nobody")
    await gateway.client.get("/nowhere")

    seen = await figures(gateway)

    answered = [name for name in seen if name.startswith("pointsman_requests_total")]
    assert len(answered) == 1
    assert "outcome=completed" in answered[0]
    chat = "pointsman_http_requests_total{path=/v1/chat/completions,status="
    assert (seen[f"{chat}2xx}}"], seen[f"{chat}4xx}}"]) == (1, 1)
    assert seen["pointsman_http_requests_total{path=none,status=4xx}"] == 1
    assert seen["pointsman_refusals_total{error=UnknownModel}"] == 1
    assert seen["pointsman_refusals_total{error=NotFound}"] == 1
    assert seen["pointsman_deployment_ready{deployment=weak}"] == 1
    assert seen["pointsman_breaker_state{deployment=strong}"] == 0
    assert seen["pointsman_component_up{component=ledger}"] == 1
    assert seen["pointsman_ledger_seconds_count{operation=settle}"] == 1
    assert seen["pointsman_http_in_flight"] == 1  # who asks


async def test_the_event_loops_lag_is_measured(start: StartGateway) -> None:
    gateway = await start(two_tiers())
    beaten = asyncio.Event()
    gateway.app.entering.pulse.listen(lambda _: beaten.set())

    async with asyncio.timeout(30):
        await beaten.wait()

    assert (await figures(gateway))["pointsman_loop_lag_seconds_count"] > 0


async def test_only_a_key_that_sees_all_books_may_read_them() -> None:
    house = await furnish()
    bearer = CARRIERS["bearer"]

    metrics = next(route for route in every_route() if route.path.path == "/metrics")
    asked = ("admin", "reader of all", "static", "reader", "admin of acme", "user", "wrong")

    seen = {who: (await house.ask(metrics, bearer(house.keys[who]))).status for who in asked}
    await house.gateway.close()

    assert seen == {
        "admin": 200,
        "reader of all": 200,
        "static": 200,
        "reader": 403,
        "admin of acme": 403,
        "user": 403,
        "wrong": 401,
    }


@pytest.mark.parametrize(("wanted", "status"), [("open", 200), ("off", 404), ("key", 401)])
async def test_the_operator_says_who_may_read_them(start, wanted: str, status: int) -> None:
    settings = two_tiers(api_key="k" * 32, telemetry=TelemetrySettings(metrics=wanted))
    gateway = await start(settings)

    assert (await gateway.client.get("/metrics")).status_code == status


async def test_health_names_each_part(start: StartGateway) -> None:
    gateway = await start(two_tiers())

    health = (await gateway.client.get("/health")).json()

    assert health["status"] == "ok"
    assert {name: part["state"] for name, part in health["components"].items()} == {
        "ledger": "ok",
        "cache": "off",
        "redis": "off",
        "deployments": "ok",
        "learning": "ok",
        "embedder": "off",
    }
    assert health["components"]["deployments"]["detail"] == "2 of 2 ready"


async def test_a_part_that_met_a_fault_is_degraded_for_a_while() -> None:
    clock = ManualClock()
    app = App(two_tiers(), environment={}, clock=clock)
    await app.start(in_memory=True)
    app.asgi()

    app.live.fault("learning", LedgerUnavailable("away"))
    degraded = {part.name: part.state for part in app.watching.components()}
    clock.advance(60)
    well = {part.name: part.state for part in app.watching.components()}
    await app.close()

    assert (degraded["learning"], well["learning"]) == ("degraded", "ok")


async def test_a_clients_trace_reaches_the_upstream_as_it_came(start: StartGateway) -> None:
    gateway = await start(two_tiers())

    await gateway.chat(headers={"traceparent": PARENT, "tracestate": "a=1"})
    await gateway.chat("What is Rust?")
    await gateway.chat("What is Go?", headers={"traceparent": "nonsense"})

    sent = [asked.headers for asked in gateway.tell("weak").log]
    assert [each.get("traceparent") for each in sent] == [PARENT, None, None]
    assert sent[0]["tracestate"] == "a=1"


async def test_upstreams_are_not_told_where_that_is_not_wanted(start: StartGateway) -> None:
    gateway = await start(two_tiers(telemetry=TelemetrySettings(propagate=False)))

    await gateway.chat(headers={"traceparent": PARENT})

    assert "traceparent" not in gateway.tell("weak").log[0].headers


@pytest.mark.parametrize("endpoint", ["localhost:4318", "grpc://localhost:4317"])
def test_an_endpoint_is_an_address_over_http(endpoint: str) -> None:
    with pytest.raises(ValueError, match="otlp_endpoint"):
        TelemetrySettings(otlp_endpoint=endpoint)
