"""Several clients ask the same at once; some of them leave. Who gets what, and what is in the books."""

import asyncio
import json

import pytest
from msgspec.structs import replace
from tests.gateway import Gateway, StartGateway

from pointsman.cache.view import cache_stats
from pointsman.config import CacheSettings, JudgeSettings, ModelSettings, RoutingSettings
from pointsman.formats.registry import CLIENTS
from pointsman.ids import new_request_id
from pointsman.ledger.report import report
from pointsman.providers.scripted import Script
from pointsman.types import Call, Listing, Principal, Reply, Selection

ALL = Selection()

TEXT = "A cat is a small animal that sleeps. " * 5
SLOW = Script(reply=TEXT, first_byte_delay_s=0.05, chunk_delay_s=0.005)


@pytest.fixture
async def gateway(start: StartGateway) -> Gateway:
    return await start(cache=CacheSettings())


def call(
    gateway: Gateway,
    text: str = "What is a cat?",
    *,
    model: str = "weak",
    stream: bool = False,
    organisation: str = "acme",
) -> Call:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "stream": stream,
    }
    request = CLIENTS["chat"].parse(json.dumps(body).encode())
    now = gateway.app.pipeline.clock.now()
    return Call(new_request_id(), now, Principal(organisation), request)


def asks(gateway: Gateway, asked: Call) -> asyncio.Task[Reply]:
    return asyncio.create_task(gateway.app.pipeline.answer(asked))


async def read(reply: Reply) -> bytes:
    if isinstance(reply.body, bytes):
        return reply.body
    return b"".join([piece async for piece in reply.body])


async def outcome(gateway: Gateway, asked: Call) -> tuple[str, object]:
    """How it ended, once it has, and what it cost."""
    while True:
        entry = await gateway.app.books.get(asked.request_id)
        if entry is not None and entry.settlement is not None:
            return entry.outcome, entry.settlement.usage is not None
        await asyncio.sleep(0.005)


async def boarded(gateway: Gateway, count: int) -> None:
    """Wait until so many wait for the answer of another."""
    flights = gateway.app.pipeline.cache.flights
    while sum(each.recording.followers for each in flights._flights.values()) < count:  # noqa: ASYNC110 - nor do flights
        await asyncio.sleep(0.002)


@pytest.mark.parametrize("stream", [False, True])
async def test_the_first_leaves_before_its_answer_and_the_second_gets_it(
    gateway: Gateway, *, stream: bool
):
    weak = gateway.tell("weak", SLOW)
    first, second = call(gateway, stream=stream), call(gateway, stream=stream)
    leading = asks(gateway, first)
    await gateway.sent("weak")
    following = asks(gateway, second)
    await boarded(gateway, 1)
    leading.cancel()
    reply = await following
    said = await read(reply)

    assert b"sleeps" in said
    assert len(weak.log) == 1
    assert await outcome(gateway, first) == ("client_left", True)
    assert await outcome(gateway, second) == ("completed", True)


async def test_the_first_leaves_in_the_middle_of_its_stream(gateway: Gateway):
    weak = gateway.tell("weak", SLOW)
    first, second = call(gateway, stream=True), call(gateway, stream=True)
    leading = await asks(gateway, first)
    following = await asks(gateway, second)
    assert not isinstance(leading.body, bytes)
    reading = asyncio.create_task(read(following))
    async for _ in leading.body:
        break
    await leading.body.close()
    said = await reading

    assert said.endswith(b"data: [DONE]\n\n")
    assert said.count(b"sleeps") == 5
    assert len(weak.log) == 1
    assert weak.log[0].outcome == "completed"
    assert await outcome(gateway, first) == ("client_left", True)
    assert await outcome(gateway, second) == ("completed", True)


async def test_who_leaves_the_answer_of_another_owes_nothing(gateway: Gateway):
    gateway.tell("weak", SLOW)
    first, second = call(gateway), call(gateway)
    leading = asks(gateway, first)
    await gateway.sent("weak")
    following = asks(gateway, second)
    await boarded(gateway, 1)
    following.cancel()
    await leading

    assert await outcome(gateway, second) == ("client_left", False)
    entry = await gateway.app.books.get(second.request_id)
    assert entry is not None
    assert entry.settlement is not None
    assert entry.settlement.cost == 0


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
async def test_when_the_last_has_left_the_upstream_is_cancelled(
    gateway: Gateway, order: tuple[int, ...]
):
    weak = gateway.tell("weak", Script(reply=TEXT, stall_after_chunks=3))
    calls = [call(gateway, stream=True) for _ in range(3)]
    replies = [await asks(gateway, each) for each in calls]
    for place in order:
        body = replies[place].body
        assert not isinstance(body, bytes)
        await body.close()
    for each in calls:
        assert (await outcome(gateway, each))[0] == "client_left"
    assert [served.outcome for served in weak.log] == ["stalled"]
    assert not (await gateway.app.pipeline.cache.store.list(ALL, limit=1)).count


async def test_all_leave_before_there_is_an_answer(gateway: Gateway):
    weak = gateway.tell("weak", Script(reply=TEXT, first_byte_delay_s=30))
    calls = [call(gateway) for _ in range(3)]
    waiting = [asks(gateway, calls[0])]
    await gateway.sent("weak")  # it is decided: who comes now has an entry at once
    waiting += [asks(gateway, each) for each in calls[1:]]
    await boarded(gateway, 2)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for each in calls:
        assert (await outcome(gateway, each))[0] == "client_left"
    assert [served.outcome for served in weak.log] == ["closed"]


async def test_one_who_comes_late_gets_the_stream_from_its_beginning(gateway: Gateway):
    weak = gateway.tell("weak", SLOW)
    leading = await asks(gateway, call(gateway, stream=True))
    assert not isinstance(leading.body, bytes)
    pieces = []
    late: asyncio.Task[bytes] | None = None
    async for piece in leading.body:
        pieces.append(piece)
        if late is None and len(pieces) == 3:
            late = asyncio.create_task(read(await asks(gateway, call(gateway, stream=True))))
    assert late is not None
    assert await late == b"".join(pieces)
    assert len(weak.log) == 1


async def test_a_stream_that_breaks_breaks_for_all_and_is_not_kept(gateway: Gateway):
    weak = gateway.tell("weak", replace(SLOW, cut_at_byte=2500), Script(reply="Fine."))
    calls = [call(gateway, stream=True) for _ in range(3)]
    replies = await asyncio.gather(*(asks(gateway, each) for each in calls))
    for reply in replies:
        said = await read(reply)
        assert b"[DONE]" not in said
        assert b'"error"' in said
    for each in calls:
        assert (await outcome(gateway, each))[0] == "failed"
    assert len(weak.log) == 1
    again = await read(await asks(gateway, call(gateway, stream=True)))
    assert b"Fine." in again


async def test_who_shares_a_call_that_fails_had_no_hit(gateway: Gateway):
    gateway.tell("weak", *[Script(status=500, first_byte_delay_s=0.05)] * 9)
    calls = [call(gateway) for _ in range(5)]
    await asyncio.gather(*(asks(gateway, each) for each in calls), return_exceptions=True)

    assert {(await outcome(gateway, each))[0] for each in calls} == {"failed"}
    rows = await gateway.app.books.report()
    assert cache_stats(rows, Listing((), 0, 0), (), {}).requests == {
        "exact": 0, "semantic": 0, "miss": 5, "bypass": 0
    }  # fmt: skip
    assert [line.name for line in report(rows).by_cache] == ["miss"]


async def test_who_wants_it_fresh_shares_no_call_that_was_made_before(gateway: Gateway):
    weak = gateway.tell("weak", SLOW, SLOW)
    asked = call(gateway)
    fresh = call(gateway)
    fresh = replace(fresh, cache=replace(fresh.cache, max_age_s=0.0))
    leading = asks(gateway, asked)
    await gateway.sent("weak")
    replies = await asyncio.gather(leading, asks(gateway, fresh))

    assert [reply.lookup.state for reply in replies] == ["miss", "miss"]
    assert len(weak.log) == 2


async def test_streamed_and_not_streamed_go_their_own_ways_at_once(gateway: Gateway):
    weak = gateway.tell("weak", SLOW, SLOW)
    whole, streamed = asks(gateway, call(gateway)), asks(gateway, call(gateway, stream=True))
    assert b"sleeps" in await read(await whole)
    assert (await read(await streamed)).endswith(b"data: [DONE]\n\n")
    assert len(weak.log) == 2


async def test_another_organisation_does_not_share(gateway: Gateway):
    weak = gateway.tell("weak", SLOW, SLOW)
    replies = [asks(gateway, call(gateway, organisation=name)) for name in ("acme", "umbrella")]
    await asyncio.gather(*replies)
    assert len(weak.log) == 2


async def test_the_gateway_stops_in_the_middle(gateway: Gateway):
    gateway.tell("weak", Script(reply=TEXT, stall_after_chunks=3))
    calls = [call(gateway, stream=True) for _ in range(3)]
    for each in calls:
        await asks(gateway, each)
    ledger = gateway.app.books
    await gateway.app.close()
    entries = [await ledger.get(each.request_id) for each in calls]
    assert [entry and entry.outcome for entry in entries] == ["interrupted"] * 3


async def test_who_asks_while_it_is_given_up_has_an_answer_of_its_own(gateway: Gateway):
    weak = gateway.tell("weak", Script(reply=TEXT, stall_after_chunks=3), SLOW)
    leading = await asks(gateway, call(gateway, stream=True))
    assert not isinstance(leading.body, bytes)
    leaving = asyncio.create_task(leading.body.close())
    await asyncio.sleep(0)
    late = await asks(gateway, call(gateway, stream=True))
    assert (await read(late)).endswith(b"data: [DONE]\n\n")
    await leaving
    assert len(weak.log) == 2


async def test_a_leader_that_reads_nothing_holds_up_nobody(gateway: Gateway):
    long = Script(reply=TEXT * 200, first_byte_delay_s=0.05)
    gateway.tell("weak", long)
    leading, following = await asyncio.gather(
        *(asks(gateway, call(gateway, stream=True)) for _ in range(2))
    )
    said = await read(following)
    assert said.endswith(b"data: [DONE]\n\n")
    assert not isinstance(leading.body, bytes)
    await leading.body.close()


def embedding(**more: object) -> dict[str, object]:
    """Settings with an embedder and a judge that are paid, and a model that is slow to decide on."""
    paid = {"provider": "scripted", "price": {"input": 1, "output": 1}}
    return {
        "models": {
            "weak": ModelSettings(provider="scripted", model="w", tier="simple"),
            "strong": ModelSettings(provider="scripted", model="s", tier="complex"),
            "judge": ModelSettings(model="j", tier="simple", weight=0, **paid),
            "vectors": ModelSettings(model="v", tier="simple", tasks={"embeddings"}, **paid),
        },
        "cache": CacheSettings(
            semantic="on", embedder="vectors", uncalibrated=True, min_similarity=0.99
        ),
        "routing": RoutingSettings(
            scorer="judge", judge=JudgeSettings(deployment="judge", style="label", deadline_s=60)
        ),
        **more,
    }


async def test_who_leaves_before_it_is_decided_has_paid_for_what_was_embedded(start: StartGateway):
    gateway = await start(**embedding())
    await asks(gateway, call(gateway, "What is a big cat?", model="auto"))
    await gateway.app.caching.keeper.close()
    gateway.tell("vectors", *[Script(first_byte_delay_s=0.05)] * 2)
    gateway.tell("judge", Script(first_byte_delay_s=60))
    first, second = (call(gateway, model="auto") for _ in range(2))
    leading, following = asks(gateway, first), asks(gateway, second)
    await boarded(gateway, 1)
    following.cancel()
    leading.cancel()
    await asyncio.gather(leading, following, return_exceptions=True)

    entries = [await gateway.app.books.get(each.request_id) for each in (first, second)]
    made = [[each.purpose for each in entry.settlement.attempts] for entry in entries]
    assert made == [["embed", "judge"], ["embed"]]
    assert all(entry.settlement.cost > 0 for entry in entries)
