"""Through the gateway: what answers and their users tell by themselves ends up beside the books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import httpx2
import pytest
from tests.gateway import Gateway, StartGateway, two_tiers

from pointsman.cache.flight import Recording
from pointsman.config import CacheSettings, LearningSettings, SignalSettings
from pointsman.errors import LedgerUnavailable
from pointsman.formats.chat.request import chat_body, parse_chat
from pointsman.ids import new_request_id
from pointsman.providers.scripted import Script
from pointsman.stages.collecting import MOST_READ, MOST_WAITING
from pointsman.types import Call, Principal, Signals

SORT = "Write a Python function that sorts a list of names."
SORTED = "```python\ndef sort(names):\n    return sorted(names)\n```"
CHAT = {"headers": {"x-session-id": "chat-1"}}


class Written:
    """Remembers signals on their way into the store."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.parts: dict[str, dict[str, float]] = {}
        self.away = False
        collecting = gateway.app.bookkeeping.collecting
        assert collecting is not None
        self.collecting = collecting
        collecting.store = self

    async def add_signals(self, signals: Sequence[Signals]) -> None:
        if self.away:
            raise LedgerUnavailable("the disk is full")
        for each in signals:
            self.parts.setdefault(each.request_id, {}).update(each.parts)
        await self.gateway.app.bookkeeping.store.add_signals(signals)

    async def of(self, *replies: httpx2.Response) -> list[Mapping[str, float]]:
        await self.collecting.write()
        return [self.parts.get(reply.headers["x-request-id"], {}) for reply in replies]


def asked(*, stream: bool = False) -> Call:
    """A call that no client makes over HTTP."""
    return Call(
        request_id=new_request_id(),
        time=datetime(2026, 11, 22, tzinfo=UTC),
        principal=Principal(),
        request=parse_chat(chat_body("weak", SORT, {"stream": stream})),
    )


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_tells_of_itself(gateway: Gateway, *, stream: bool) -> None:
    written = Written(gateway)
    gateway.tell("weak", Script(reply=SORTED), Script(reply="I'm sorry, but I can't help."))

    good = await gateway.chat(SORT, model="weak", stream=stream)
    bad = await gateway.chat(SORT, model="weak", stream=stream)
    well, badly = await written.of(good, bad)

    assert well["form"] == 1.0
    assert "refusal" not in well
    assert badly["refusal"] == 0.0


async def test_in_other_formats_too(gateway: Gateway) -> None:
    written = Written(gateway)
    gateway.tell("weak", Script(reply=SORTED))
    body = {
        "model": "weak",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": SORT}],
    }

    reply = await gateway.client.post("/v1/messages", json=body)
    [told] = await written.of(reply)

    assert told["form"] == 1.0


async def test_json_that_was_asked_for(gateway: Gateway) -> None:
    written = Written(gateway)
    gateway.tell("weak", Script(reply="It is sunny."))

    reply = await gateway.chat(model="weak", response_format={"type": "json_object"})
    [told] = await written.of(reply)

    assert told["form"] == 0.0


async def test_a_call_of_a_tool_tells_nothing(gateway: Gateway) -> None:
    written = Written(gateway)
    gateway.tell("weak", Script(tool_call=("weather", "{}")))

    reply = await gateway.chat(model="weak")

    assert await written.of(reply) == [{}]


async def test_who_leaves_before_the_end_did_not_like_it_much(gateway: Gateway) -> None:
    written = Written(gateway)
    gateway.tell("weak", Script(reply=SORTED, chunks=8, stall_after_chunks=2))
    call = asked(stream=True)

    reply = await gateway.app.pipeline.answer(call)
    assert not isinstance(reply.body, bytes)
    await anext(aiter(reply.body))
    await reply.body.close()
    await written.collecting.write()

    assert written.parts == {call.request_id: {"left": 0.0}}


async def test_what_the_user_does_next_is_of_the_answer_before(gateway: Gateway) -> None:
    written = Written(gateway)
    opening = [{"role": "user", "content": SORT}]
    went_on = [*opening, {"role": "assistant", "content": "x"}]

    first = await gateway.chat(messages=opening, **CHAT)
    again = await gateway.chat(
        messages=opening, headers={**CHAT["headers"], "x-force-route": "complex"}
    )
    complains = await gateway.chat(
        messages=[*went_on, {"role": "user", "content": "That is wrong."}], **CHAT
    )
    one, two, three = await written.of(first, again, complains)

    assert {"regenerated": 0.0, "overruled": 0.0}.items() <= one.items()
    assert two["complained"] == 0.0
    assert not {"complained", "regenerated", "went_on"} & three.keys()


async def test_a_titles_request_is_no_turn_of_the_user(gateway: Gateway) -> None:
    written = Written(gateway)
    title = "You are a title generator. You output ONLY a thread title. Nothing else."

    first = await gateway.chat(SORT, **CHAT)
    await gateway.chat(
        messages=[
            {"role": "system", "content": title},
            {"role": "user", "content": SORT},
        ],
        **CHAT,
    )
    [told] = await written.of(first)

    assert "regenerated" not in told


async def test_a_reply_of_the_cache_is_not_measured_again(start: StartGateway) -> None:
    gateway = await start(two_tiers(cache=CacheSettings(exact=True)))
    written = Written(gateway)

    fresh = await gateway.chat(SORT)
    await gateway.app.caching.keeper.close()
    hit = await gateway.chat(SORT)
    one, other = await written.of(fresh, hit)

    assert hit.headers["x-pointsman-cache"].startswith("exact")
    assert one
    assert other == {}


async def test_what_no_user_asked_is_not_measured(gateway: Gateway) -> None:
    written = Written(gateway)

    failed = await gateway.chat(SORT, model="nobody")
    embedded = await gateway.client.post("/v1/embeddings", json={"model": "weak", "input": "x"})
    await written.collecting.write()

    assert failed.status_code == 404
    assert embedded.status_code in {200, 400, 503}
    assert written.parts == {}


async def test_a_ledger_that_is_away_gets_them_later(gateway: Gateway) -> None:
    written = Written(gateway)
    written.away = True

    reply = await gateway.chat(SORT)
    with pytest.raises(LedgerUnavailable):
        await written.collecting.write()
    written.away = False

    assert "form" in (await written.of(reply))[0]


async def test_of_too_many_some_are_read(gateway: Gateway) -> None:
    written = Written(gateway)
    reply = await gateway.app.pipeline.answer(asked())
    assert isinstance(reply.body, bytes)
    await written.collecting.write()
    written.parts.clear()

    call_ids = []
    for _ in range(MOST_WAITING + 3):  # at once: no round comes between
        call, recording = asked(), Recording()
        call_ids.append(call.request_id)
        recording.settlement = reply.settlement
        tap = written.collecting.tap(call, reply, recording, recording)
        tap.ended("completed", reply.body, None)
    await written.collecting.write()

    assert set(written.parts) == set(call_ids[:MOST_READ])


async def test_what_is_left_is_written_when_the_gateway_stops(gateway: Gateway) -> None:
    written = Written(gateway)

    await gateway.chat(SORT)
    await gateway.app.close()

    assert len(written.parts) == 1


async def test_nobody_measures_where_nobody_wants_it(start: StartGateway) -> None:
    off = LearningSettings(signals=SignalSettings(enabled=False))
    gateway = await start(two_tiers(learning=off))

    reply = await gateway.chat(SORT)

    assert reply.status_code == 200
    assert gateway.app.bookkeeping.collecting is None
