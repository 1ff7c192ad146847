"""The scripted provider: an adapter of `ports.Provider` that needs no network and no model."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from pointsman.errors import BadRequest, UpstreamUnreachable
from pointsman.ports import Clock
from pointsman.providers.scripted.asked import read
from pointsman.providers.scripted.delivery import Delivery, Record, Served, Sleep, deliver
from pointsman.providers.scripted.engine import digest, make_reply
from pointsman.providers.scripted.script import Script
from pointsman.providers.scripted.wire import Frame, completion, error_body, stream
from pointsman.types import DeploymentState, Health, Outbound, ProviderReply

CREATED = 1_767_225_600  # 2026-01-01, the time of every reply where no clock is given
JSON_TYPE = "application/json"
STREAM_TYPE = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _Rendered:
    """An answer ready to be handed out; `billed` are the output tokens it claims."""

    status: int
    frames: list[Frame]
    billed: int = 0
    streamed: bool = False


class ScriptedProvider:
    """Answers from scripts: the queued ones first, each once; then the standing one; then untold.

    The same request under the same script gives the same bytes. `log` tells what was really given.
    """

    def __init__(
        self,
        model: str = "scripted",
        scripts: Iterable[Script] = (),
        *,
        script: Script | None = None,
        clock: Clock | None = None,
        sleep: Sleep = asyncio.sleep,
        keep: int | None = None,
    ) -> None:
        """Queue `scripts`; `script` stands.

        `clock` dates the replies and `sleep` waits for seconds. The log keeps the last `keep`
        requests, or all of them.
        """
        self.model = model
        self._queue = deque(scripts)
        self._standing = script or Script()
        self._clock = clock
        self._sleep = sleep
        self._records: deque[Record] = deque(maxlen=keep)

    @property
    def state(self) -> DeploymentState:
        """`down` where the standing script takes no connection."""
        return "down" if self._standing.unreachable else "up"

    @property
    def log(self) -> list[Served]:
        """The requests so far and what was given for each, the oldest first; a snapshot."""
        return [record.served() for record in self._records]

    def tell(self, *scripts: Script) -> None:
        """Queue scripts for the requests to come."""
        self._queue.extend(scripts)

    async def start(self) -> None:
        """Nothing is needed."""

    async def close(self) -> None:
        """Nothing is held."""

    async def probe(self) -> Health:
        """What `state` says; uses up no script."""
        return Health(self.state, f"{len(self._queue)} scripts queued")

    async def open(self, sent: Outbound) -> ProviderReply:
        """Answer as any upstream gets it. Raises UpstreamUnreachable."""
        delivery = await self.answer(sent.body)
        return ProviderReply(delivery.status, delivery.headers, delivery.chunks)

    async def answer(self, body: bytes) -> Delivery:
        """Answer the body of a chat request. Raises UpstreamUnreachable where told so."""
        script = self._queue.popleft() if self._queue else self._standing
        record = Record(body, self.model)
        self._records.append(record)
        if script.unreachable:
            record.outcome = "unreachable"
            raise UpstreamUnreachable("the script takes no connection")
        if script.first_byte_delay_s:
            await self._wait(script.first_byte_delay_s, record)
        key = digest(body)
        rendered = self._render(script, body, key)
        record.status, record.billed = rendered.status, rendered.billed
        chunks = await deliver(rendered.frames, script, record, self._sleep)
        return Delivery(rendered.status, _headers(script, rendered, key), chunks)

    async def _wait(self, seconds: float, record: Record) -> None:
        try:
            await self._sleep(seconds)
        except asyncio.CancelledError:
            record.outcome = "closed"
            raise

    def _render(self, script: Script, body: bytes, key: str) -> _Rendered:
        if script.body is not None:
            return _Rendered(script.status, _pieces(script.body, script.chunks or 1))
        if script.status >= HTTPStatus.BAD_REQUEST:
            message = f"The script answers {script.status}."
            names = {"type_": script.error_type, "code": script.error_code}
            return _Rendered(script.status, [Frame(error_body(script.status, message, **names))])
        try:
            asked = read(body)
            reply = make_reply(asked, script, model=self.model, key=key, created=self._now())
        except BadRequest as error:
            refusal = error_body(error.status, str(error), param=error.param, code=error.code)
            return _Rendered(error.status, [Frame(refusal)])
        billed = reply.usage.output_tokens if reply.usage else 0
        if not asked.stream:
            return _Rendered(script.status, completion(reply), billed)
        events = stream(reply, include_usage=asked.include_usage, done=not script.no_done)
        return _Rendered(script.status, list(events), billed, streamed=True)

    def _now(self) -> int:
        return int(self._clock.now().timestamp()) if self._clock else CREATED


def _headers(script: Script, rendered: _Rendered, key: str) -> dict[str, str]:
    headers = {
        "content-type": STREAM_TYPE if rendered.streamed else JSON_TYPE,
        "x-request-id": f"req_{key[:32]}",
    }
    if not rendered.streamed:
        headers["content-length"] = str(sum(len(frame.data) for frame in rendered.frames))
    if script.content_type is not None:
        headers["content-type"] = script.content_type
    if script.retry_after is not None:
        headers["retry-after"] = script.retry_after
    return {**headers, **script.headers}


def _pieces(data: bytes, count: int) -> list[Frame]:
    size = max(1, -(-len(data) // count))
    return [Frame(data[start : start + size]) for start in range(0, len(data), size)]
