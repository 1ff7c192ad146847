"""Traces: what a collector gets of the requests that a gateway serves."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Iterator, Sequence

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from tests.gateway import Gateway, StartGateway, two_tiers
from tests.support.collector import Collector, collecting

from pointsman.app import App
from pointsman.config import TelemetrySettings
from pointsman.errors import ConfigError
from pointsman.journey import new_trace, received
from pointsman.providers.scripted import Script
from pointsman.telemetry.otlp import MOST_WAITING, Span, Spans

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"
CANARY = "canary-5d1c"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as listening:
        yield listening


@pytest.fixture
async def traced(start: StartGateway, collector: Collector) -> Gateway:
    return await start(two_tiers(telemetry=settings(collector)))


def settings(collector: Collector, **more: object) -> TelemetrySettings:
    return TelemetrySettings(otlp_endpoint=collector.endpoint, **more)


async def ended(gateway: Gateway) -> None:
    """What waits is sent when the gateway ends."""
    await gateway.app.close()


async def test_a_request_is_a_span_and_each_call_one_below_it(
    traced: Gateway, collector: Collector
) -> None:
    reply = await traced.chat(headers={"traceparent": PARENT, "tracestate": "a=1"})
    told = traced.tell("weak").log[0].headers
    await ended(traced)

    (request,) = collector.named("POST")
    (call,) = collector.named("chat")
    assert (request.name, request.kind) == ("POST /v1/chat/completions", "server")
    assert (request.trace_id, request.parent_id) == (TRACE_ID, SPAN_ID)
    assert (call.name, call.kind) == ("chat weak-model", "client")
    assert (call.trace_id, call.parent_id) == (TRACE_ID, request.span_id)
    assert told == {"traceparent": f"00-{TRACE_ID}-{call.span_id}-01", "tracestate": "a=1"}
    assert request.attributes["pointsman.request_id"] == reply.headers["x-request-id"]
    assert request.attributes["pointsman.served_tier"] == "simple"
    assert request.attributes["http.response.status_code"] == 200
    assert call.attributes["gen_ai.operation.name"] == "chat"
    assert call.attributes["gen_ai.provider.name"] == "scripted"
    assert call.attributes["gen_ai.request.model"] == "weak-model"
    assert call.attributes["gen_ai.usage.output_tokens"] > 0
    assert not request.failed
    assert not call.failed
    assert 0 <= call.took <= request.took
    assert collector.resource["service.name"] == "pointsman"


async def test_what_failed_on_the_way_is_there_as_well(
    traced: Gateway, collector: Collector
) -> None:
    traced.tell("weak", Script(status=500))
    await traced.chat()
    await ended(traced)

    (request,) = collector.named("POST")
    first, second = collector.named("chat")
    assert (first.failed, first.attributes["error.type"]) == (True, "500")
    assert not second.failed
    assert {first.parent_id, second.parent_id} == {request.span_id}
    assert first.span_id != second.span_id


async def test_a_stream_is_traced_to_its_end(traced: Gateway, collector: Collector) -> None:
    reply = await traced.chat(stream=True)
    assert reply.text.endswith("data: [DONE]\n\n")
    await ended(traced)

    (request,) = collector.named("POST")
    (call,) = collector.named("chat")
    assert request.attributes["pointsman.outcome"] == "completed"
    assert call.parent_id == request.span_id


async def test_figures_go_the_same_way(traced: Gateway, collector: Collector) -> None:
    await traced.chat()
    await ended(traced)

    (duration,) = collector.figures["gen_ai.client.operation.duration"]
    assert duration["gen_ai.request.model"] == "weak-model"
    kinds = {point["gen_ai.token.type"] for point in collector.figures["gen_ai.client.token.usage"]}
    assert kinds <= {"input", "output"}


async def test_a_client_that_does_not_record_is_not_recorded(
    traced: Gateway, collector: Collector
) -> None:
    silent = PARENT[:-1] + "0"
    await traced.chat(headers={"traceparent": silent})
    told = traced.tell("weak").log[0].headers
    await ended(traced)

    assert told == {"traceparent": silent}
    assert collector.spans == []


async def test_without_a_client_that_traces_a_share_is_recorded(
    start: StartGateway, collector: Collector
) -> None:
    none = await start(two_tiers(telemetry=settings(collector, sample=0.0)))
    await none.chat()
    assert none.tell("weak").log[0].headers == {}
    await ended(none)
    assert collector.spans == []

    every = await start(two_tiers(telemetry=settings(collector, sample=1.0)))
    await every.chat()
    told = received(every.tell("weak").log[0].headers["traceparent"], "")
    await ended(every)
    (request,) = collector.named("POST")
    assert told is not None
    assert (request.trace_id, request.parent_id) == (told.trace_id, "")


async def test_only_what_asks_for_models_is_traced(traced: Gateway, collector: Collector) -> None:
    await traced.client.get("/health")
    await traced.client.post("/v1/keys", json={})
    await traced.client.post("/nowhere", json={})
    await ended(traced)

    assert collector.spans == []


async def test_no_word_of_a_prompt_or_a_key_leaves(start: StartGateway, collector) -> None:
    gateway = await start(
        two_tiers(
            api_key=f"{CANARY}-key-of-the-gateway-itself",
            telemetry=settings(collector, otlp_headers={"x-collector": "its-key"}),
        )
    )
    headers = {"authorization": f"Bearer {CANARY}-key-of-the-gateway-itself"}
    await gateway.chat(f"{CANARY} prompt", user=f"{CANARY}-user", headers=headers)
    await gateway.chat(model=f"{CANARY}-model", headers=headers)
    await ended(gateway)

    assert collector.spans
    assert not [body for body in collector.bodies if CANARY.encode() in body]
    assert {each.get("x-collector") for each in collector.headers} == {"its-key"}


@pytest.mark.parametrize("takes", [False, True], ids=["away", "silent"])
async def test_a_collector_that_does_not_answer_makes_nobody_wait(start, takes) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        if takes:  # connections, and never says a word
            listening.listen()
        endpoint = f"http://127.0.0.1:{listening.getsockname()[1]}"
        gateway = await start(two_tiers(telemetry=TelemetrySettings(otlp_endpoint=endpoint)))

        assert (await gateway.chat()).status_code == 200
        async with asyncio.timeout(20):
            await ended(gateway)


@pytest.fixture
def no_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is without the extra."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)


@pytest.mark.usefixtures("no_sdk")
async def test_who_wants_traces_is_told_what_is_missing(collector: Collector, tmp_path) -> None:
    wanted = two_tiers(home=tmp_path, telemetry=settings(collector))
    async with App(wanted, environment={}) as app:
        with pytest.raises(ConfigError, match=r"pointsman\[otel\]"):
            app.asgi()


@pytest.mark.usefixtures("no_sdk")
async def test_a_variable_for_others_stops_nobody_without_the_sdk(tmp_path) -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    async with App(two_tiers(home=tmp_path), environment=environment) as app:
        assert app.asgi()


class Stuck(SpanExporter):
    """An exporter whose collector does not answer until it is told to."""

    def __init__(self) -> None:
        self.answers = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        del spans
        self.answers.wait(30)
        return SpanExportResult.FAILURE


def test_what_is_too_much_is_dropped_and_counted() -> None:
    exporter = Stuck()
    spans = Spans(exporter, Resource.create({}))
    span = Span("x", new_trace(sampled=True), None, True, 0, 1, {})
    more = 1000

    for _ in range(MOST_WAITING + more):
        spans.add(span)
    refused = spans.dropped
    exporter.answers.set()
    spans.close()

    assert 0 < refused <= more
    assert spans.dropped == MOST_WAITING + more  # the others were sent, and failed
