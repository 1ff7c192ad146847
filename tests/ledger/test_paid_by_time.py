"""Deployments that are paid by the hour: whatever became of an attempt, its time is paid for."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from tests.gateway import FRESH, Gateway, StartGateway

from pointsman.config import ModelSettings, PriceSettings, RoutingSettings, Settings
from pointsman.providers.scripted import Script

#: A microdollar for each millisecond.
PRICE = PriceSettings(per_hour=Decimal("3.6"))


def settings() -> Settings:
    """A local deployment, and a better one for nothing; nothing is tried twice."""
    return Settings(
        home=Path("nowhere"),
        cache=FRESH,
        routing=RoutingSettings(retries=0),
        models={
            "weak": ModelSettings(provider="scripted", model="w", tier="simple", price=PRICE),
            "strong": ModelSettings(provider="scripted", model="s", tier="complex"),
        },
    )


async def record_of(gateway: Gateway, **asked: object) -> dict[str, object]:
    reply = await gateway.chat(**asked)
    found = await gateway.client.get(f"/v1/decisions/{reply.headers['x-request-id']}")
    return json.loads(found.content, parse_float=Decimal)


def occupied(attempt: dict[str, object]) -> Decimal:
    """What its time costs, to the millisecond."""
    return round(float(attempt["latency_ms"]) - float(attempt["queued_ms"])) / Decimal(1_000_000)


SLOW = 0.02


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(Script(status=500, first_byte_delay_s=SLOW), id="an error status"),
        pytest.param(Script(cut_at_byte=0, first_byte_delay_s=SLOW), id="breaks off"),
        pytest.param(Script(body=b"<html>", first_byte_delay_s=SLOW), id="no reply"),
    ],
)
async def test_a_failed_attempt_occupied_its_machine(start: StartGateway, script: Script):
    gateway = await start(settings())
    gateway.tell("weak", script)

    record = await record_of(gateway, model="weak")

    [attempt] = record["attempts"]
    assert attempt["cost"] == occupied(attempt) >= Decimal("0.00002")
    assert attempt["usage"]["output_tokens"] == 0
    assert record["cost"] == record["overhead"] == attempt["cost"]
    assert record["usage"]["input_tokens"] == 0
    assert record["saved"] is None


async def test_who_answers_instead_does_not_make_its_time_free(start: StartGateway):
    gateway = await start(settings())
    gateway.tell("weak", Script(status=500, first_byte_delay_s=SLOW))

    record = await record_of(gateway, model="simple")

    failed, answer = record["attempts"]
    assert (record["outcome"], answer["usage"]) == ("completed", None)
    assert record["cost"] == record["overhead"] == failed["cost"] == occupied(failed) > 0


async def test_a_refusal_takes_time_too(start: StartGateway):
    gateway = await start(settings())
    gateway.tell("weak", Script(status=400, first_byte_delay_s=SLOW))

    record = await record_of(gateway, model="weak")

    [attempt] = record["attempts"]
    assert (record["outcome"], attempt["status"]) == ("failed", 400)
    assert record["cost"] == occupied(attempt) >= Decimal("0.00002")
    assert record["saved"] is None


async def test_an_answer_pays_for_its_time_once(start: StartGateway):
    gateway = await start(settings())
    gateway.tell("weak", Script(reply="Yes.", first_byte_delay_s=SLOW))

    record = await record_of(gateway, model="weak")

    [attempt] = record["attempts"]
    assert (record["cost"], record["overhead"]) == (occupied(attempt), 0)


async def test_a_machine_that_is_off_is_not_occupied(start: StartGateway):
    gateway = await start(settings())
    gateway.tell("weak", Script(unreachable=True))

    record = await record_of(gateway, model="weak")

    assert [(each["sent"], each["usage"]) for each in record["attempts"]] == [(False, None)]
    assert (record["usage"], record["cost"]) == (None, None)


async def test_what_is_passed_on_unread_takes_time_of_no_tokens(start: StartGateway):
    voice = ModelSettings(
        provider="scripted", model="v", tier="simple", price=PRICE, tasks=frozenset({"audio"})
    )
    gateway = await start(Settings(home=Path("nowhere"), cache=FRESH, models={"voice": voice}))
    gateway.tell("voice", Script(body=b"RIFF", content_type="audio/mpeg", first_byte_delay_s=SLOW))

    reply = await gateway.client.post("/v1/audio/speech", json={"model": "auto", "input": "hi"})
    found = await gateway.client.get(f"/v1/decisions/{reply.headers['x-request-id']}")

    record = json.loads(found.content, parse_float=Decimal)
    [attempt] = record["attempts"]
    assert record["outcome"] == "completed"
    assert record["cost"] == occupied(attempt) >= Decimal("0.00002")
    assert (record["overhead"], record["saved"]) == (0, None)
