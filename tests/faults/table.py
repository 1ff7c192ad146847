"""Runs a row of the fault table, holds it to what every fault must keep to, and says what was seen."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.record import Seen
from tests.faults.rows import CANARY, Kind, Row, healthy
from tests.support.chat_bytes import TEXT, understood
from tests.support.faulty_upstream import Certificate, FaultyUpstream
from tests.support.raw_client import Heard, ask
from tests.support.served import Baseline, Front, Served, eventually, served

from pointsman.config import ModelSettings, PriceSettings
from pointsman.types import Entry

#: Seconds that a row may take; the longest of the limits that rows set is 0.6.
PATIENCE_S = 30.0
#: What tells an SDK whether and when to try again.
_RETRY = ("retry-after", "x-should-retry")
_QUESTION = [{"role": "user", "content": "What is Python?"}]


@dataclass(frozen=True)
class Way:
    """How a client asks."""

    name: str
    path: str
    stream: bool
    #: What it asks for.
    model: str

    @property
    def body(self) -> dict[str, object]:
        """The request."""
        return {
            "model": self.model,
            "messages": _QUESTION,
            "stream": self.stream,
            "max_tokens": 100,
        }

    def kind(self, row: Row) -> Kind:
        """What must come of a row."""
        if self.model == "simple":
            return row.spared
        return row.stream if self.stream else row.whole


WAYS = (
    Way("whole", "/v1/chat/completions", stream=False, model="whole"),
    Way("streamed", "/v1/chat/completions", stream=True, model="streamed"),
    Way("messages", "/v1/messages", stream=True, model="messages"),
    Way("second deployment", "/v1/chat/completions", stream=True, model="simple"),
)


async def run(row: Row, front: Front, folder: Path) -> list[Seen]:
    """Every way at once. Raises AssertionError or TimeoutError where a promise is broken."""
    baseline = Baseline()
    async with asyncio.timeout(PATIENCE_S), AsyncExitStack() as stack:
        upstreams: list[FaultyUpstream] = []
        models: dict[str, ModelSettings] = {}
        for way in WAYS:
            address = await stack.enter_async_context(_address(row, upstreams, folder))
            tier = "simple" if way.model == "simple" else "complex"
            name = "faulty" if way.model == "simple" else way.model
            models[name] = model(address, tier, row.settings)
        spare = await stack.enter_async_context(FaultyUpstream(healthy))
        models["spare"] = model(spare.base_url, "medium", {})
        async with served(front, models) as gateway:
            seen = await asyncio.gather(*(_meet(row, way, front, gateway) for way in WAYS))
            await eventually(lambda: gateway.slots_taken == 0, "slots are free")
            for upstream in upstreams:
                await eventually(lambda u=upstream: u.at_work == 0, "the upstream is left alone")
            ours = frozenset().union(*(upstream.serving for upstream in (*upstreams, spare)))
            await baseline.has_no_tasks_but(ours | gateway.rounds)
    await baseline.is_back()
    return list(seen)


async def _meet(row: Row, way: Way, front: Front, gateway: Served) -> Seen:
    for _ in range(row.before):
        earlier = await ask(front.address, way.path, way.body)
        assert earlier.status == 200
    heard = await ask(front.address, way.path, way.body)
    entry = await gateway.books.entry(heard.headers["x-request-id"])
    _check(row, way, heard, entry)
    return Seen(way.name, _client(way, heard), books(entry))


def _check(row: Row, way: Way, heard: Heard, entry: Entry) -> None:
    kind = way.kind(row)
    settled = entry.settlement
    assert settled is not None
    assert heard.whole, heard
    assert CANARY.encode() not in heard.body
    assert CANARY not in repr(entry)
    assert (settled.usage is None) == (settled.cost is None)
    assert entry.outcome == ("completed" if kind == "answer" else "failed"), (heard, entry)
    if kind == "error":
        _check_error(way, heard)
        return
    assert heard.status == 200, heard
    assert settled.usage is not None
    assert settled.deployment is not None
    if not way.stream:
        assert heard.json()["choices"][0]["message"]["content"] == TEXT
        return
    stream = understood(heard.body)
    assert not stream.more_follows, heard.body
    assert (stream.endings, stream.errors) == ((1, 0) if kind == "answer" else (0, 1)), heard.body
    if kind == "answer" and not row.partial:
        assert stream.text == TEXT
    assert stream.text
    assert (TEXT * (len(stream.text) // len(TEXT) + 1)).startswith(stream.text)


def _check_error(way: Way, heard: Heard) -> None:
    """In the client's own shape, with what SDKs need to know of retries."""
    assert heard.status >= 400, heard
    assert heard.headers["content-type"] == "application/json"
    error = heard.json()["error"]
    if way.path == "/v1/messages":
        assert heard.json()["type"] == "error"
        assert set(error) == {"type", "message"}
    else:
        assert set(error) == {"message", "type", "param", "code"}
    if heard.status in {429, 503}:
        assert int(heard.headers["retry-after"]) >= 1
    else:
        assert (heard.headers.get("x-should-retry") == "false") == (heard.status >= 500)


def _client(way: Way, heard: Heard) -> str:
    if heard.status >= 400:
        told = [f"{heard.status}"]
        told += [f"`{name}: {heard.headers[name]}`" for name in _RETRY if name in heard.headers]
        return ", ".join(told)
    if not way.stream:
        return "200, all of it"
    return "200, all of it" if understood(heard.body).endings else "200, then an error and no end"


def books(entry: Entry) -> str:
    """What stands in the books, in words."""
    settled = entry.settlement
    assert settled is not None
    attempts = len(settled.attempts)
    usage = settled.usage
    counted = (
        "no usage" if usage is None else "usage counted" if usage.estimated else "usage as told"
    )
    return f"`{entry.outcome}`, {attempts} attempt{'s' * (attempts != 1)}, {counted}"


def model(address: str, tier: str, more: Mapping[str, object]) -> ModelSettings:
    """A deployment at that address that speaks OpenAI's chat."""
    return ModelSettings(
        provider="vllm",
        model="m",
        base_url=address,
        api_key=CANARY,
        location="cloud",
        tier=tier,
        formats=("chat",),
        price=PriceSettings(input=1, output=2),
        **more,
    )


@asynccontextmanager
async def _address(row: Row, upstreams: list[FaultyUpstream], folder: Path) -> AsyncIterator[str]:
    """Where the row's upstream is, while it is there."""
    match row.place:
        case "nobody":
            yield "http://127.0.0.1:1/v1"
        case "no such host":
            yield "http://upstream.invalid/v1"
        case "black hole":
            with _black_hole() as port:
                yield f"http://127.0.0.1:{port}/v1"
        case "upstream" | "tls" | "no tls":
            tls = Certificate(folder).context() if row.place == "tls" else None
            async with FaultyUpstream(row.behave, deaf=row.deaf, tls=tls) as upstream:
                upstreams.append(upstream)
                secure = row.place == "no tls"
                yield upstream.base_url.replace("http:", "https:") if secure else upstream.base_url


@contextmanager
def _black_hole() -> Iterator[int]:
    """A port whose queue of connections is full: further attempts get no answer at all."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
