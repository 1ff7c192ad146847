"""The gateway as the chat sees it: a stream of words, and the record of how they came to be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from decimal import Decimal
from typing import TypeVar
from urllib.parse import quote

import msgspec

from pointsman.errors import BadRequest, PointsmanError, UpstreamError
from pointsman.formats import sse
from pointsman.providers.http import HttpClient, Timeouts
from pointsman.types import ProviderReply

_T = TypeVar("_T")
#: Seconds that an answer may take to begin, and to go on: a local model on a slow machine.
_PATIENCE = Timeouts(first_byte_s=600.0, between_chunks_s=600.0)
_SMALL_S = 600.0
#: Seconds between looks for the record of an answer that was stopped.
_LOOKS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


class GatewayRefused(PointsmanError):
    """The gateway's own words why not."""

    def __init__(self, words: str, request_id: str = "") -> None:
        """`request_id` is what the gateway calls the question; empty where it did not hear it."""
        super().__init__(words)
        self.request_id = request_id


class Used(msgspec.Struct):
    """Tokens of one answer."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0


class Planned(msgspec.Struct):
    """A deployment to try, and why."""

    deployment: str
    tier: str
    reason: str


class Ruled(msgspec.Struct):
    """A deployment that was ruled out, and why."""

    deployment: str
    gate: str
    reason: str


class Tried(msgspec.Struct):
    """A call of a deployment, and how it ended."""

    deployment: str
    outcome: str
    status: int | None = None
    error: str | None = None


class Decided(msgspec.Struct):
    """Where a question goes and why; what it is expected to cost in US dollars."""

    tier: str
    score: float | None
    deployment: str | None
    scorer: str
    reasoning: str
    parts: dict[str, float] = {}
    bounds: dict[str, float] = {}
    plan: list[Planned] = []
    dropped: list[Ruled] = []
    estimated_cost_usd: Decimal | None = None


class Record(Decided):
    """A decision with what became of it: amounts in US dollars, None where unknown."""

    request_id: str = ""
    outcome: str = "open"
    served_tier: str | None = None
    reason: str = ""
    attempts: list[Tried] = []
    usage: Used | None = None
    cost: Decimal | None = None
    baseline_cost: Decimal | None = None
    saved: Decimal | None = None
    latency_ms: float | None = None
    ttft_ms: float | None = None
    cache: str = ""


class Piece(msgspec.Struct, frozen=True):
    """A little more of an answer; what was thought before it is not for the conversation."""

    text: str
    thought: bool = False


class _Stated(msgspec.Struct):
    message: str = ""


class _Delta(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    error: _Stated | None = None


class _Name(msgspec.Struct):
    id: str


class _Names(msgspec.Struct):
    data: list[_Name]


class _Upstream(msgspec.Struct):
    deployment: str
    context: int | None = None


class _Upstreams(msgspec.Struct):
    upstreams: list[_Upstream]


class _Health(msgspec.Struct):
    version: str
    deployments: dict[str, str]


class Answer:
    """An answer as it comes. `pieces` once; leaving it early stops the model."""

    def __init__(self, reply: ProviderReply) -> None:
        """`reply` is a stream of chat chunks."""
        self._chunks = reply.chunks
        self._headers = reply.headers

    @property
    def request_id(self) -> str:
        """What the books know it by."""
        return self._headers.get("x-request-id", "")

    @property
    def deployment(self) -> str:
        """Who answers."""
        return self._headers.get("x-pointsman-model", "")

    @property
    def location(self) -> str:
        """`local` or `cloud`: where who answers is."""
        return self._headers.get("x-pointsman-route", "")

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """Its words. Raises GatewayRefused where it fails on the way, UpstreamError."""
        splitter = sse.Splitter()
        try:
            async for chunk in self._chunks:
                for event in splitter.feed(chunk):
                    for piece in _pieces(event):
                        yield piece
        finally:
            await self._chunks.aclose()


class Client:
    """A gateway at an address."""

    def __init__(self, http: HttpClient, address: str, headers: Mapping[str, str]) -> None:
        """`headers` let the command line in."""
        self.address = address
        self._http = http
        self._headers = headers

    async def ask(self, body: Mapping[str, object], headers: Mapping[str, str]) -> Answer:
        """Begin an answer to a chat request. Raises GatewayRefused, BadRequest."""
        sent = {**self._headers, "content-type": "application/json", **headers}
        try:
            data = msgspec.json.encode({**body, "stream": True})
        except UnicodeEncodeError as error:
            raise BadRequest("what was typed is no text in UTF-8") from error
        url = f"{self.address}/v1/chat/completions"
        with self._answering():
            reply = await self._http.post(url, data, sent, _PATIENCE)
            if reply.status < 400:  # noqa: PLR2004
                return Answer(reply)
            async with aclosing(reply.chunks) as chunks:
                refusal = b"".join([chunk async for chunk in chunks])
        raise _refused(refusal, reply.status, reply.headers.get("x-request-id", ""))

    async def post(self, path: str, body: Mapping[str, object], kind: type[_T]) -> _T:
        """The reply to a small question. Raises GatewayRefused."""
        url = f"{self.address}{path}"
        with self._answering():
            answer = await self._http.ask(url, body, self._headers, _SMALL_S)
        return _read(*answer, kind)

    async def get(self, path: str, kind: type[_T]) -> _T:
        """What is there. Raises GatewayRefused."""
        url = f"{self.address}{path}"
        with self._answering():
            answer = await self._http.get(url, self._headers, _SMALL_S)
        return _read(*answer, kind)

    async def record(self, request_id: str, *, wait: bool = True) -> Record | None:
        """How an answer came to be, once it has ended; None where the books do not say in time.

        `wait`: for the end of one that was stopped.
        """
        for pause_s in _LOOKS if wait else _LOOKS[:1]:
            await asyncio.sleep(pause_s)
            try:
                found = await self.get(f"/v1/decisions/{quote(request_id)}", Record)
            except GatewayRefused:
                continue
            if found.outcome != "open":
                return found
        return None

    async def names(self) -> list[str]:
        """What may be asked for. Raises GatewayRefused."""
        return [each.id for each in (await self.get("/v1/models", _Names)).data]

    async def check(self, name: str) -> None:
        """Raises GatewayRefused for a name that may not be asked for."""
        await self.get(f"/v1/models/{quote(name)}", _Name)

    async def contexts(self) -> dict[str, int | None]:
        """Tokens that each deployment takes; without those that this key may not look at."""
        try:
            found = await self.get("/v1/upstreams", _Upstreams)
        except GatewayRefused:
            return {}
        return {each.deployment: each.context for each in found.upstreams}

    async def health(self) -> tuple[str, dict[str, str]]:
        """Its version, and every deployment's state. Raises GatewayRefused."""
        health = await self.get("/health", _Health)
        return health.version, health.deployments

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Raises GatewayRefused where nobody answers there."""
        try:
            yield
        except UpstreamError as error:
            raise GatewayRefused(
                f"the gateway at {self.address} does not answer: {error}; "
                "`pointsman doctor` looks for what is wrong"
            ) from error


def _pieces(event: sse.Event) -> list[Piece]:
    if not event.data or event.data == b"[DONE]":
        return []
    try:
        chunk = msgspec.json.decode(event.data, type=_Chunk)
    except msgspec.DecodeError as error:
        raise GatewayRefused(f"what comes is no answer: {error}") from error
    if chunk.error is not None:
        raise GatewayRefused(chunk.error.message or "the answer broke off")
    found = []
    for delta in (choice.delta for choice in chunk.choices[:1]):
        if delta is not None and delta.reasoning_content:
            found.append(Piece(delta.reasoning_content, thought=True))
        if delta is not None and (text := delta.content or delta.refusal):
            found.append(Piece(text))
    return found


def _read(status: int, body: bytes, kind: type[_T]) -> _T:
    if status >= 400:  # noqa: PLR2004
        raise _refused(body, status)
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise GatewayRefused(f"what answers there is no Pointsman: {error}") from error


def _refused(body: bytes, status: int, request_id: str = "") -> GatewayRefused:
    try:
        stated = msgspec.json.decode(body, type=_Chunk).error
    except msgspec.DecodeError:
        stated = None
    words = stated.message if stated else f"the gateway answered {status}"
    return GatewayRefused(words, request_id)
