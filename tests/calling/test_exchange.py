"""One attempt, and what is made of an answer that is none."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from pointsman.calling.arrival import Arrival
from pointsman.calling.exchange import Errand, Whole, exchange
from pointsman.calling.execute import Caller
from pointsman.calling.line import Line
from pointsman.calling.slots import Slots
from pointsman.clock import ManualClock
from pointsman.conversation import Addressee
from pointsman.errors import UpstreamBroken, UpstreamError, UpstreamRefused, UpstreamTimeout
from pointsman.formats import registry
from pointsman.formats.chat.quirks import Quirks
from pointsman.formats.chat.request import chat_body, parse_chat
from pointsman.formats.translate import Speech
from pointsman.formats.wire import Head
from pointsman.ports import Provider
from pointsman.providers.scripted import ScriptedProvider
from pointsman.types import (
    Attempt,
    Deployment,
    DeploymentState,
    Health,
    Outbound,
    Plan,
    PlannedAttempt,
    ProviderReply,
)

PLAN = Plan((PlannedAttempt("d", "simple", "tier simple"),), ())
REQUEST = parse_chat(chat_body("m", "Hi", {}))
ERRAND = Errand(REQUEST, Head("req_1", datetime(2026, 1, 1, tzinfo=UTC), "m"))


@dataclass
class Upstream:
    """Answers with a status, headers and the beginning of a body, which then breaks."""

    status: int
    headers: dict[str, str]
    breaks: Exception
    state: DeploymentState = "up"

    async def start(self) -> None: ...

    async def open(self, sent: Outbound) -> ProviderReply:
        del sent
        return ProviderReply(self.status, self.headers, self._body())

    async def probe(self) -> Health:
        return Health("up")

    async def close(self) -> None: ...

    async def _body(self) -> AsyncGenerator[bytes, None]:
        yield b'{"error": {"mess'
        raise self.breaks


def line(upstream: Provider) -> Line:
    speech = Speech(registry.CLIENTS, registry.upstreams(("chat",), Quirks()), Addressee("m"))
    deployment = Deployment("d", "vllm", "m", "simple", "cloud")
    return Line(deployment, upstream, speech, Slots(None, 1, ManualClock()))


@pytest.mark.parametrize("breaks", [UpstreamBroken("short"), UpstreamTimeout("slow")])
async def test_an_error_that_stops_short_still_says_when_to_come_back(breaks: Exception) -> None:
    called = line(Upstream(429, {"retry-after": "30"}, breaks))

    with pytest.raises(UpstreamRefused) as refused:
        await exchange(called, called.speech.outbound(REQUEST), ERRAND, Arrival())

    assert (refused.value.upstream_status, refused.value.headers["retry-after"]) == (429, "30")


@dataclass
class Echo(Upstream):
    """Repeats the key that it was shown."""

    said: bytes = b""

    async def _body(self) -> AsyncGenerator[bytes, None]:
        yield self.said


@pytest.mark.parametrize("stream", [False, True])
async def test_a_key_that_the_provider_repeats_is_told_to_nobody(*, stream: bool) -> None:
    fault = b'{"error": {"message": "wrong key sk-canary-123456", "code": "sk-canary-123456"}}'
    if stream:
        said, headers = b"data: " + fault + b"\n\n", {"content-type": "text/event-stream"}
        called = line(Echo(200, headers, KeyError(), said=said))
        request = parse_chat(chat_body("m", "Hi", {"stream": True}))
    else:
        called = line(Echo(400, {}, KeyError(), said=fault))
        request = REQUEST
    called.key = "sk-canary-123456"
    errand = replace(ERRAND, request=request)

    try:
        content = await exchange(called, called.speech.outbound(request), errand, Arrival())
        told = str(content.refused) if isinstance(content, Whole) else "not refused"
    except UpstreamError as error:
        told = str(error)

    assert "wrong key ***" in told
    assert "canary" not in told


async def test_a_fault_of_ours_is_an_attempt_too() -> None:
    called = line(Upstream(500, {}, KeyError("choices")))
    trail: list[Attempt] = []

    with pytest.raises(KeyError):
        await Caller({"d": called}, ManualClock()).call(PLAN, ERRAND, trail)

    assert [(each.outcome, each.error) for each in trail] == [("failed", "KeyError")]
    assert called.slots.busy == 0


async def test_who_leaves_while_waiting_for_a_slot_has_had_no_attempt() -> None:
    called = line(Upstream(500, {}, UpstreamBroken("short")))
    called.slots.limit = 1
    await called.slots.acquire(0, 1.0)
    trail: list[Attempt] = []

    waiting = asyncio.create_task(Caller({"d": called}, ManualClock()).call(PLAN, ERRAND, trail))
    await asyncio.sleep(0)
    assert called.slots.waiting == 1
    waiting.cancel()
    await asyncio.wait([waiting])

    assert (trail, called.slots.busy, called.slots.waiting) == ([], 1, 0)


async def test_the_time_in_the_queue_is_no_time_of_the_deployments() -> None:
    clock, called = ManualClock(), line(ScriptedProvider())
    caller = Caller({"d": called}, clock)
    called.slots.limit = 1
    await called.slots.acquire(0, 1.0)
    answering = asyncio.create_task(caller.call(PLAN, ERRAND, []))
    await asyncio.sleep(0)

    clock.advance(30)
    called.slots.release()
    answer = await answering
    clock.advance(10)
    ended = caller.ended(answer, "completed")

    assert (ended.latency_ms, ended.queued_ms, ended.occupied_s) == (40_000, 30_000, 10)
