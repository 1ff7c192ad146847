"""A reply that breaks off after its upstream took the request: what it used is in the books."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import pytest
from tests.gateway import FRESH, Gateway, StartGateway

from pointsman.config import (
    BudgetSettings,
    EveryBudget,
    ModelSettings,
    PriceSettings,
    RoutingSettings,
    Settings,
    TimeoutSettings,
)
from pointsman.formats.chat.request import chat_body, parse_chat
from pointsman.ids import new_request_id
from pointsman.providers.scripted import Script
from pointsman.types import Call, Principal

TEXT = "A snake, and a language. " * 20
PROMPT = "What is Python?"
#: By our own count.
COUNTED = parse_chat(chat_body("auto", PROMPT, {})).input_tokens
#: US dollars per million tokens.
INPUT, OUTPUT = 3, 15


def settings(total_s: float = 60.0, **more: object) -> Settings:
    """A deployment of the lowest tier and a better one, both priced; nothing is tried twice."""
    price = PriceSettings(input=INPUT, output=OUTPUT)
    models = {
        name: ModelSettings(
            provider="scripted",
            model=name,
            tier=tier,
            location="cloud",
            price=price,
            timeouts=TimeoutSettings(total_s=total_s),
        )
        for name, tier in (("weak", "simple"), ("strong", "complex"))
    }
    known = {"home": Path("nowhere"), "cache": FRESH, "routing": RoutingSettings(retries=0)}
    return Settings(**{**known, "models": models, **more})


def priced(read: int, written: int) -> Decimal:
    """US dollars."""
    return Decimal(read * INPUT + written * OUTPUT) / 1_000_000


def cut_after(said: int, **more: object) -> Script:
    """Breaks off when so many characters of the text have come."""
    whole = {"choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}}]}
    body = json.dumps(whole).encode()
    return Script(body=body, cut_at_byte=body.index(TEXT.encode()) + said, **more)


async def asked(gateway: Gateway, model: str = "weak") -> dict[str, object]:
    """The record of a request."""
    reply = await gateway.chat(PROMPT, model=model)
    return json.loads(
        (await gateway.client.get(f"/v1/decisions/{reply.headers['x-request-id']}")).content,
        parse_float=Decimal,
    )


async def test_what_came_of_a_reply_is_booked_as_an_estimate(start: StartGateway):
    gateway = await start(settings())
    gateway.tell("weak", cut_after(100))

    record = await asked(gateway)

    [attempt] = record["attempts"]
    assert (attempt["outcome"], attempt["status"]) == ("failed", 200)
    assert attempt["error"] == "the body broke off after 171 bytes"
    used = attempt["usage"]
    assert used["estimated"] is True
    assert (used["input_tokens"], used["output_tokens"]) == (COUNTED, 25)
    assert attempt["cost"] == priced(COUNTED, 25)
    assert record["outcome"] == "failed"
    assert record["cost"] == record["overhead"] == attempt["cost"]
    assert (record["usage"]["estimated"], record["usage"]["output_tokens"]) == (True, 0)


async def test_it_is_in_the_sums(start: StartGateway):
    gateway = await start(settings())
    gateway.tell("weak", cut_after(100))
    await asked(gateway)

    summary = (await gateway.client.get("/v1/analytics/summary")).json()

    assert Decimal(str(summary["total"]["cost"])) == priced(COUNTED, 25)
    assert (summary["total"]["estimated"], summary["total"]["unpriced"]) == (1, 0)


async def test_a_budget_pays_for_it(start: StartGateway):
    enough = EveryBudget(key=BudgetSettings(per_day=Decimal("0.005")))
    gateway = await start(settings(budgets=enough))
    gateway.tell("weak", *[cut_after(400)] * 99)
    most = {"max_tokens": 200}

    replies = [await gateway.chat(f"{PROMPT} ({n})", model="weak", **most) for n in range(9)]

    assert [reply.status_code for reply in replies][:2] == [503, 503]
    assert replies[-1].status_code == 402


async def test_who_answers_instead_does_not_make_it_free(start: StartGateway):
    gateway = await start(settings())
    gateway.tell("weak", cut_after(100))
    gateway.tell("strong", Script(reply="A snake.", usage=None))

    record = await asked(gateway, "simple")

    broken, answer = record["attempts"]
    assert (broken["deployment"], broken["cost"]) == ("weak", priced(COUNTED, 25))
    assert (answer["deployment"], answer["usage"]) == ("strong", None)
    own = priced(record["usage"]["input_tokens"], record["usage"]["output_tokens"])
    assert record["cost"] == own + broken["cost"]
    assert record["overhead"] == broken["cost"]
    assert (record["outcome"], record["usage"]["estimated"]) == ("completed", True)


@pytest.mark.parametrize(
    ("script", "written"),
    [
        pytest.param(Script(cut_at_byte=0), 0, id="headers, and nothing more"),
        pytest.param(cut_after(0), 0, id="nothing of the text"),
        pytest.param(Script(body=b'{"object": "chat.comp'), 0, id="no reply yet"),
        pytest.param(Script(body=b'{"choices": null}'), 0, id="no valid reply"),
        pytest.param(Script(body=b'{"choices": "many"}'), 0, id="another shape"),
        pytest.param(Script(body=b"0" * 4000), 0, id="no JSON object"),
        pytest.param(Script(body=b"\xff\xfe"), 0, id="no text"),
    ],
)
async def test_the_prompt_was_read_where_nothing_can_be(
    start: StartGateway, script: Script, written: int
):
    gateway = await start(settings())
    gateway.tell("weak", script)

    record = await asked(gateway)

    assert record["cost"] == priced(COUNTED, written)
    assert record["usage"]["estimated"] is True


async def test_figures_that_came_in_whole_are_no_estimate(start: StartGateway):
    """What the client's format has no words for was used all the same."""
    call = {"name": "look", "arguments": "{no JSON"}
    message = {
        "role": "assistant",
        "tool_calls": [{"id": "c", "type": "function", "function": call}],
    }
    body = {
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 70, "completion_tokens": 9},
    }
    gateway = await start(settings())
    gateway.tell("weak", Script(body=json.dumps(body).encode()))
    ask = {"model": "weak", "messages": [{"role": "user", "content": PROMPT}], "stream": False}

    reply = await gateway.client.post("/api/chat", json=ask)
    record = await gateway.record(reply)

    assert reply.status_code == 503
    assert Decimal(str(record["cost"])) == priced(70, 9)
    assert record["usage"]["estimated"] is False


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(Script(status=500), id="an error status"),
        pytest.param(Script(status=429), id="too many requests"),
        pytest.param(Script(status=302, body=b""), id="a redirect"),
        pytest.param(Script(unreachable=True), id="no connection"),
        pytest.param(
            Script(body=b'{"error": {"message": "overloaded"}}'), id="an error in its place"
        ),
        pytest.param(Script(body=b"<html>", content_type="text/html; charset=utf-8"), id="a page"),
    ],
)
async def test_what_no_model_took_costs_nothing(start: StartGateway, script: Script):
    gateway = await start(settings())
    gateway.tell("weak", script)

    record = await asked(gateway)

    assert (record["outcome"], record["usage"], record["cost"]) == ("failed", None, None)
    assert [each["usage"] for each in record["attempts"]] == [None]


@pytest.mark.parametrize(
    ("script", "used"),
    [
        pytest.param(Script(body=b"data: {nothing\n\n", content_type="text/event-stream"), COUNTED),
        pytest.param(Script(body=b": wait\n\n", content_type="text/event-stream"), COUNTED),
        pytest.param(Script(body=b'{"choices": []}', content_type="application/json"), COUNTED),
        pytest.param(Script(body=b"<html>", content_type="text/html"), None),
        pytest.param(
            Script(body=b'data: {"error": {"message": "x"}}\n\n', content_type="text/event-stream"),
            None,
        ),
    ],
    ids=["no chunk", "ends before it began", "no stream", "a page", "an error in its place"],
)
async def test_a_stream_that_breaks_before_it_begins_is_none_other(
    start: StartGateway, script: Script, used: int | None
):
    gateway = await start(settings())
    gateway.tell("weak", script)

    reply = await gateway.chat(PROMPT, model="weak", stream=True)
    [attempt] = (await gateway.record(reply))["attempts"]

    assert reply.status_code == 503
    assert (attempt["usage"] and attempt["usage"]["input_tokens"]) == used


@pytest.mark.parametrize("stall", [Script(first_byte_delay_s=3600), Script(stall_after_chunks=0)])
async def test_what_we_did_not_wait_for_any_longer_was_read(start: StartGateway, stall: Script):
    gateway = await start(settings(total_s=0.05))
    gateway.tell("weak", stall)

    record = await asked(gateway)

    assert record["attempts"][0]["error"] == "the reply took longer than 0.05 s"
    assert record["cost"] == priced(COUNTED, 0)


async def test_who_leaves_in_the_middle_of_a_whole_reply_pays_for_what_came(start: StartGateway):
    gateway = await start(settings())
    body = cut_after(100).body or b""
    script = Script(body=body, chunks=2, stall_after_chunks=1)
    weak = gateway.tell("weak", script)
    said = len(body) // 2 - body.index(TEXT.encode())

    request = parse_chat(chat_body("weak", PROMPT, {}))
    pipeline = gateway.app.pipeline
    call = Call(new_request_id(), pipeline.clock.now(), Principal(), request)
    asking = asyncio.create_task(pipeline.answer(call))
    while not weak.log or not weak.log[0].chunks:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.002)
    asking.cancel()
    await asyncio.wait([asking])

    entry = await gateway.app.books.get(call.request_id)
    assert entry is not None
    assert entry.settlement is not None
    used = entry.settlement.usage
    assert used is not None
    assert entry.outcome == "client_left"
    assert (used.input_tokens, used.output_tokens) == (COUNTED, -(-said // 4))
    assert entry.settlement.cost == priced(COUNTED, used.output_tokens)
