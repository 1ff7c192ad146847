"""Walks a plan: the first deployment that answers, answers. Fallback lives here, once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from pointsman.calling import faults
from pointsman.calling.breaker import Breaker
from pointsman.calling.stream import Relay
from pointsman.errors import UpstreamBroken, UpstreamError, UpstreamRefused
from pointsman.formats.chat.follow import StreamReader, read_reply
from pointsman.ports import Clock, Provider
from pointsman.types import (
    Attempt,
    Candidate,
    Deployment,
    ModelRequest,
    Outcome,
    Plan,
    ProviderReply,
    Usage,
)

#: Bytes of a whole reply; more is an upstream gone wrong.
MAX_REPLY_BYTES = 64 * 1024 * 1024
#: Bytes of an error body that are read.
_MAX_ERROR_BYTES = 64 * 1024
_OK = 200
_FIRST_ERROR_STATUS = 400


@dataclass(frozen=True, slots=True)
class Line:
    """A deployment with what it takes to call it."""

    deployment: Deployment
    provider: Provider
    breaker: Breaker = field(default_factory=Breaker)


@dataclass(frozen=True, slots=True)
class Whole:
    """A reply that is there in full: a success, or the upstream's word that the request is bad."""

    status: int
    body: bytes
    usage: Usage | None
    refused: UpstreamRefused | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answered, and with what."""

    line: Line
    #: When this attempt began, in monotonic seconds.
    started: float
    content: Whole | Relay


class Caller:
    """Calls deployments. Knows how each of them stands."""

    def __init__(self, lines: Mapping[str, Line], clock: Clock) -> None:
        """`lines` by deployment id."""
        self._lines = lines
        self._clock = clock

    def candidates(self) -> list[Candidate]:
        """Every deployment and its state now."""
        now = self._clock.monotonic()
        return [
            Candidate(line.deployment, line.provider.state, line.breaker.is_open(now))
            for line in self._lines.values()
        ]

    async def call(self, plan: Plan, request: ModelRequest, trail: list[Attempt]) -> Answer:
        """The first answer along the plan; each failed attempt is appended to `trail`.

        Raises Unavailable where there is none, NoDeploymentFits where waiting would not help.
        """
        if not plan.attempts:
            raise faults.nothing_left(plan, self._wait(plan))
        errors: list[UpstreamError] = []
        for planned in plan.attempts:
            line = self._lines[planned.deployment]
            started = self._clock.monotonic()
            if not line.breaker.enter(started):
                continue
            try:
                content = await self._attempt(line, request)
            except UpstreamError as error:
                errors.append(error)
                self.blame(line, error)
                trail.append(faults.failed_attempt(line.deployment, self._since(started), error))
            except asyncio.CancelledError as stopped:
                elapsed = self._since(started)
                trail.append(faults.given_up(line.deployment, elapsed, stopped))
                raise
            else:
                return Answer(line, started, content)
        raise faults.exhausted(trail, errors)

    def ended(
        self, answer: Answer, outcome: Outcome, error: UpstreamError | None = None
    ) -> Attempt:
        """The answering attempt, now that its reply has ended."""
        elapsed = self._since(answer.started)
        if error is not None:
            self.blame(answer.line, error)
            return faults.failed_attempt(answer.line.deployment, elapsed, error)
        if outcome == "completed":
            answer.line.breaker.succeeded()
        deployment = answer.line.deployment
        status = answer.content.status if isinstance(answer.content, Whole) else _OK
        return Attempt(
            deployment.id, deployment.tier, outcome, status=status, latency_ms=elapsed * 1000
        )

    def blame(self, line: Line, error: UpstreamError) -> None:
        """Tell the breaker of a failure, where it counts."""
        if faults.counts_against(error):
            line.breaker.failed(self._clock.monotonic())
        else:
            line.breaker.left()

    def _since(self, started: float) -> float:
        return self._clock.monotonic() - started

    def _wait(self, plan: Plan) -> float:
        """Seconds until the first of the dropped deployments lets a request pass again."""
        now = self._clock.monotonic()
        resting = [drop.deployment for drop in plan.dropped if drop.gate == "breaker"]
        return min((self._lines[name].breaker.wait(now) for name in resting), default=0.0)

    async def _attempt(self, line: Line, request: ModelRequest) -> Whole | Relay:
        try:
            content = await _open(line.provider, request)
        except UpstreamError:
            raise
        except BaseException:
            line.breaker.left()
            raise
        if isinstance(content, Whole):
            line.breaker.succeeded()
        else:
            line.breaker.answered()
        return content


async def _open(provider: Provider, request: ModelRequest) -> Whole | Relay:
    """Open one attempt. Raises UpstreamError where another deployment should be tried."""
    reply = await provider.open(request)
    handed_on = False
    try:
        if reply.status >= _FIRST_ERROR_STATUS:
            body = await _read(reply, _MAX_ERROR_BYTES, cut=True)
            refused = UpstreamRefused(reply.status, reply.headers, body)
            if faults.is_clients(refused):
                return Whole(reply.status, faults.openai_error(refused), None, refused)
            raise refused
        if request.stream:
            reader = StreamReader(
                prompt_tokens=request.input_tokens, keep_usage=request.include_usage
            )
            relay = Relay(reply, reader)
            await relay.prime()
            handed_on = True
            return relay
        body = await _read(reply, MAX_REPLY_BYTES)
        return Whole(reply.status, body, read_reply(body, request.input_tokens))
    finally:
        if not handed_on:
            await reply.chunks.aclose()


async def _read(reply: ProviderReply, limit: int, *, cut: bool = False) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in reply.chunks:
        parts.append(chunk)
        size += len(chunk)
        if size > limit:
            if cut:
                break
            raise UpstreamBroken(f"a reply of over {limit} bytes")
    return b"".join(parts)[:limit]
