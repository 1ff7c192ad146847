"""A client leaves before its reply has begun: what was sent is in the books, as far as can be known."""

import asyncio
import json

from tests.gateway import Gateway, StartGateway

from pointsman.formats.registry import CLIENTS
from pointsman.ids import new_request_id
from pointsman.providers.scripted import Script
from pointsman.types import Call, Principal, Settlement, Usage

PROMPT = "What is a cat, and what is it not? " * 8


def call(gateway: Gateway) -> Call:
    body = {"model": "weak", "messages": [{"role": "user", "content": PROMPT}]}
    request = CLIENTS["chat"].parse(json.dumps(body).encode())
    return Call(new_request_id(), gateway.app.pipeline.clock.now(), Principal(), request)


async def left(gateway: Gateway) -> tuple[Settlement, int]:
    """What is booked for a request that nobody waited for, and our own count of its prompt."""
    weak, asked = gateway.tell("weak", Script(first_byte_delay_s=3600)), call(gateway)
    before = len(weak.log)
    asking = asyncio.create_task(gateway.app.pipeline.answer(asked))
    await gateway.sent("weak", before + 1)
    asking.cancel()
    await asyncio.wait([asking])
    entry = await gateway.app.books.get(asked.request_id)
    assert entry is not None
    assert entry.settlement is not None
    return entry.settlement, asked.request.input_tokens


async def test_its_prompt_is_booked_as_the_deployment_counts_it(start: StartGateway):
    gateway = await start()
    at_first, counted = await left(gateway)
    assert at_first.usage == Usage(counted, estimated=True)

    gateway.tell("weak", *[Script(reply="A small animal.", usage=Usage(3 * counted, 9))] * 40)
    for _ in range(40):
        await gateway.app.pipeline.answer(call(gateway))
    learned, _ = await left(gateway)

    assert learned.outcome == "client_left"
    assert learned.deployment == "weak"
    assert [(each.outcome, each.usage) for each in learned.attempts] == [("client_left", None)]
    assert learned.usage is not None
    assert learned.usage.estimated
    assert 2.5 * counted < learned.usage.input_tokens < 3 * counted
    assert learned.usage.output_tokens == 0
