"""The scripted provider: an adapter of `ports.Provider` that needs no network and no model."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from http import HTTPStatus

from pointsman.errors import BadRequest, NotFound, UpstreamUnreachable
from pointsman.ports import Clock
from pointsman.providers.scripted.delivery import Record, Served, Sleep, deliver
from pointsman.providers.scripted.exchange import Answer, Question, digest
from pointsman.providers.scripted.frames import Frame, error_body
from pointsman.providers.scripted.paths import OF_FORMATS, PATHS
from pointsman.providers.scripted.script import Script
from pointsman.types import DeploymentState, Health, Outbound, ProviderReply

CREATED = 1_767_225_600  # 2026-01-01, the time of every reply where no clock is given


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
        #: Whether it was given back.
        self.is_closed = False

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
        self.is_closed = True

    async def probe(self) -> Health:
        """What `state` says; uses up no script."""
        return Health(self.state, f"{len(self._queue)} scripts queued")

    async def open(self, sent: Outbound) -> ProviderReply:
        """Answer as any upstream does. Raises UpstreamUnreachable where told so."""
        path = sent.path or OF_FORMATS.get(sent.format, f"/{sent.format}")
        script = self._queue.popleft() if self._queue else self._standing
        record = Record(sent.body, self.model, headers=sent.headers)
        self._records.append(record)
        if script.unreachable:
            record.outcome = "unreachable"
            raise UpstreamUnreachable("the script takes no connection")
        if script.first_byte_delay_s:
            await self._wait(script.first_byte_delay_s, record)
        created = int(self._clock.now().timestamp()) if self._clock else CREATED
        question = Question(
            sent.body, digest(sent.body), sent.content_type, script, self.model, created
        )
        status, answer = _answer(question, path)
        record.status, record.billed = status, answer.billed
        chunks = await deliver(answer.frames, script, record, self._sleep)
        return ProviderReply(status, _headers(question, answer), chunks)

    async def _wait(self, seconds: float, record: Record) -> None:
        try:
            await self._sleep(seconds)
        except asyncio.CancelledError:
            record.outcome = "closed"
            raise


def _answer(question: Question, path: str) -> tuple[int, Answer]:
    """The status and the answer: what the script says, or else what suits the question."""
    script = question.script
    if script.body is not None:
        return script.status, Answer(_pieces(script.body, script.chunks or 1))
    if script.status >= HTTPStatus.BAD_REQUEST:
        message = f"The script answers {script.status}."
        names = {"type_": script.error_type, "code": script.error_code}
        return script.status, Answer([Frame(error_body(script.status, message, **names))])
    try:
        return script.status, PATHS.get(path, _nothing)(question)
    except BadRequest as error:
        refusal = error_body(error.status, str(error), param=error.param, code=error.code)
        return error.status, Answer([Frame(refusal)])


def _nothing(_: Question) -> Answer:
    raise NotFound("There is nothing at this path.")


def _headers(question: Question, answer: Answer) -> dict[str, str]:
    script = question.script
    headers = {
        "content-type": answer.content_type,
        "x-request-id": f"req_{question.key[:32]}",
    }
    if not answer.streamed:
        headers["content-length"] = str(sum(len(frame.data) for frame in answer.frames))
    if script.content_type is not None:
        headers["content-type"] = script.content_type
    if script.retry_after is not None:
        headers["retry-after"] = script.retry_after
    return {**headers, **script.headers}


def _pieces(data: bytes, count: int) -> list[Frame]:
    size = max(1, -(-len(data) // count))
    return [Frame(data[start : start + size]) for start in range(0, len(data), size)]
