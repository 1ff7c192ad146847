"""Clients leave at any point, and the books know which did, and what they had."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

import pytest
from tests.support.gateway import Gateway, eventually
from tests.support.listener import Heard, listening
from tests.support.upstreams import scripted_upstream

from pointsman.providers.scripted import Script, ScriptedProvider

REPLY = "All aboard the night train to the coast. " * 8
CHUNKS = 24
CLIENTS = 200

#: `steady` says it all. `endless` says the same and then hangs, so that whoever leaves it, at
#: whatever moment, has left a reply that had not ended. `late` and `stuck` never say anything.
CONFIG = f"""
[models.steady]
provider = "scripted"
model = "steady"
script = [{{ reply = "{REPLY}", chunks = {CHUNKS}, chunk_delay_s = 0.02 }}]

[models.endless]
provider = "scripted"
model = "endless"
script = [{{ reply = "{REPLY}", chunks = {CHUNKS}, chunk_delay_s = 0.02, stall_after_chunks = {CHUNKS + 1} }}]

[models.late]
provider = "scripted"
model = "late"
script = [{{ first_byte_delay_s = 3600 }}]

[models.stuck]
provider = "scripted"
model = "stuck"
script = [{{ stall_after_chunks = 0 }}]
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory):
    with Gateway(tmp_path_factory.mktemp("home"), CONFIG) as gateway:
        yield gateway
        assert "Traceback" not in gateway.log


async def records_of(
    gateway: Gateway, names: Iterable[str], outcomes: set[str]
) -> dict[str, dict[str, object]]:
    """The records of the requests that clients gave these names, once all have such an outcome."""
    wanted = set(names)

    def look() -> dict[str, dict[str, object]]:
        mine = [r for r in gateway.records() if r["client_request_id"] in wanted]
        assert len(mine) == len({r["client_request_id"] for r in mine})
        done = len(mine) == len(wanted) and {r["outcome"] for r in mine} <= outcomes
        return {r["client_request_id"]: r for r in mine} if done else {}

    return await asyncio.to_thread(eventually, look, f"{len(wanted)} entries are {outcomes}")


async def test_the_books_say_who_stayed_and_who_left(gateway: Gateway):
    chance = random.Random(20261121)  # noqa: S311 - the same moments in every run
    stays = {f"stay-{n}": Heard(f"stay-{n}", stream=True) for n in range(CLIENTS - CLIENTS // 3)}
    leaves = {f"leave-{n}": Heard(f"leave-{n}", stream=True) for n in range(CLIENTS // 3)}
    async with listening(gateway) as listener:
        await asyncio.gather(
            *(listener.hear(heard, "steady") for heard in stays.values()),
            *(
                listener.hear(heard, "endless", leave_after=chance.randint(1, CHUNKS + 1))
                for heard in leaves.values()
            ),
        )

    records = await records_of(gateway, {**stays, **leaves}, {"completed", "client_left"})

    assert len(records) == CLIENTS
    for name, heard in stays.items():
        record = records[name]
        assert heard.whole
        assert heard.text == REPLY
        assert record["request_id"] == heard.request_id
        assert record["outcome"] == "completed"
        assert (record["usage"]["input_tokens"], record["usage"]["output_tokens"]) == heard.usage
        assert record["usage"]["estimated"] is False
    for name, heard in leaves.items():
        record, usage = records[name], records[name]["usage"]
        assert REPLY.startswith(heard.text)
        assert record["request_id"] == heard.request_id
        assert record["outcome"] == "client_left"
        assert record["deployment"] == "endless"
        assert [each["outcome"] for each in record["attempts"]] == ["client_left"]
        assert usage["estimated"] is True
        assert usage["input_tokens"] > 0
        assert -(-len(heard.text) // 4) <= usage["output_tokens"] <= -(-len(REPLY) // 4)
    assert len({heard.text for heard in leaves.values()}) > CHUNKS / 2  # they left all over it


@pytest.mark.parametrize("model", ["late", "stuck"])
async def test_clients_leave_before_the_first_byte(gateway: Gateway, model: str):
    asked = [Heard(f"{model}-{n}", stream=n % 2 == 0) for n in range(10)]
    async with listening(gateway) as listener:
        waiting = [asyncio.create_task(listener.hear(heard, model)) for heard in asked]
        await records_of(gateway, [heard.name for heard in asked], {"open"})

        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    records = await records_of(gateway, [heard.name for heard in asked], {"client_left"})
    assert [heard.request_id for heard in asked] == [None] * len(asked)
    assert [records[heard.name]["ttft_ms"] for heard in asked] == [None] * len(asked)


async def test_a_call_that_was_given_up_is_an_attempt(gateway: Gateway):
    async with listening(gateway) as listener:
        waiting = asyncio.create_task(listener.hear(Heard("gave-up", stream=False), "stuck"))
        await records_of(gateway, ["gave-up"], {"open"})
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    record = (await records_of(gateway, ["gave-up"], {"client_left"}))["gave-up"]
    assert [(each["deployment"], each["outcome"]) for each in record["attempts"]] == [
        ("stuck", "client_left")
    ]


async def test_a_client_that_leaves_while_asking_is_in_no_book(gateway: Gateway):
    before = len(gateway.records())
    parts = urlsplit(gateway.address)
    for sent in (b"{", b'{"model":"steady",'):
        with socket.create_connection((parts.hostname, parts.port)) as asking:
            asking.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: here\r\ncontent-length: 999\r\n\r\n"
            )
            asking.sendall(sent)

    async with listening(gateway) as listener:
        await listener.hear(Heard("after-them", stream=False), "steady")

    assert len(gateway.records()) == before + 1


@pytest.mark.full
async def test_when_the_client_leaves_the_upstream_stops(
    tmp_path_factory: pytest.TempPathFactory,
):
    minutes = Script(reply="x" * 6_000, chunks=6_000, chunk_delay_s=0.01)
    provider = ScriptedProvider("talker", script=minutes)
    heard = Heard("leaver", stream=True)
    async with scripted_upstream(provider) as base_url:
        config = f'[models.talker]\nprovider = "vllm"\nbase_url = "{base_url}"\nmodel = "talker"\n'
        async with Gateway(tmp_path_factory.mktemp("home"), config) as gateway:
            async with listening(gateway) as listener:
                await listener.hear(heard, "auto", leave_after=5)
            record = (await records_of(gateway, ["leaver"], {"client_left"}))["leaver"]
            await asyncio.to_thread(
                eventually, lambda: provider.log[0].outcome != "open", "the upstream has stopped"
            )

    truth = provider.log[0]
    assert truth.outcome == "closed"
    assert -(-len(heard.text) // 4) <= record["usage"]["output_tokens"] <= truth.tokens
