"""A whole reply stops short: what it took is in the books, though nobody got it."""

from decimal import Decimal

import pytest
from tests.gateway import Gateway, StartGateway, two_tiers

from pointsman.config import ModelSettings
from pointsman.providers.scripted import Script

LONG = "The night train follows the coast, stops at nine stations, and is seldom late. " * 20


@pytest.fixture
async def gateway(start: StartGateway) -> Gateway:
    return await start()


async def test_it_costs_its_prompt_and_what_had_come(gateway: Gateway) -> None:
    gateway.tell("strong", *[Script(reply=LONG, cut_at_byte=1000)] * 3)

    reply = await gateway.chat("Tell me of the night train.", model="strong")

    assert reply.status_code == 503
    record = await gateway.record(reply)
    assert record["outcome"] == "failed"
    attempts = record["attempts"]
    used = [each["usage"] for each in attempts]
    assert all(each["estimated"] and each["input_tokens"] > 0 for each in used)
    assert [each["output_tokens"] for each in used] == [250] * len(used)
    cost = sum(Decimal(str(each["cost"])) for each in attempts)
    assert cost > 0
    assert Decimal(str(record["cost"])) == cost
    report = (await gateway.client.get("/v1/report")).json()["total"]
    assert (report["cost"], report["estimated"]) == (record["cost"], 1)


async def test_it_is_part_of_what_the_answer_of_another_cost(gateway: Gateway) -> None:
    gateway.tell("strong", Script(reply=LONG, cut_at_byte=1000), Script(reply="It is late."))

    reply = await gateway.chat("Tell me of the night train.", model="strong")

    assert reply.status_code == 200
    record = await gateway.record(reply)
    broken, answered = record["attempts"]
    assert (broken["outcome"], answered["outcome"]) == ("failed", "completed")
    assert Decimal(record["cost"]) > Decimal(broken["cost"]) > 0
    assert record["overhead"] == broken["cost"]
    assert record["usage"]["estimated"]


@pytest.mark.parametrize(
    "fault",
    [
        Script(status=500),
        Script(body=b"<html>hello</html>", content_type="text/html"),
        Script(body=b'{"error": {"message": "overloaded"}}', content_type="application/json"),
        Script(reply=LONG, cut_at_byte=0),
    ],
    ids=lambda fault: f"{fault.status}-{fault.body}",
)
async def test_what_is_no_part_of_a_reply_costs_nothing(gateway: Gateway, fault: Script) -> None:
    gateway.tell("strong", fault, Script(reply="It is late."))

    reply = await gateway.chat("Tell me of the night train.", model="strong")

    record = await gateway.record(reply)
    assert [each["outcome"] for each in record["attempts"]] == ["failed", "completed"]
    assert [each["cost"] for each in record["attempts"]] == [None, None]
    assert Decimal(record["overhead"]) == 0


async def test_vectors_that_stop_short_cost_their_input_alone(start: StartGateway) -> None:
    vectors = ModelSettings(
        provider="scripted",
        model="vectors",
        tasks=frozenset({"embeddings"}),
        priced_as="openai/text-embedding-3-small",
    )
    gateway = await start(two_tiers(models={"vectors": vectors}))
    gateway.tell("vectors", Script(cut_at_byte=60), Script())

    body = {"model": "vectors", "input": LONG}
    reply = await gateway.client.post("/v1/embeddings", json=body)

    assert reply.status_code == 200
    broken, answered = (await gateway.record(reply))["attempts"]
    assert broken["usage"]["output_tokens"] == 0
    assert broken["usage"]["input_tokens"] > 300
    assert answered["outcome"] == "completed"
