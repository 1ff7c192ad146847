"""An open-loop client: requests leave when they are due, whatever became of those before.

Arrivals are drawn before the load begins and every latency counts from the moment at which the
request was due, so that a server which stalls is charged for all who had to wait (no coordinated
omission). A thread waits for each moment: an event loop's own timers are a millisecond coarse.
"""

import asyncio
import random
import re
import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

_STAMP = re.compile(rb'"t(\d+)"')
_END_OF_CHUNKS = b"\r\n0\r\n\r\n"
_PATIENCE_S = 30.0
#: What OpenAI's own client sends, in number and size.
_HEADERS = """POST {path} HTTP/1.1
Host: 127.0.0.1
Accept: application/json
Accept-Encoding: identity
Authorization: Bearer {key}
Connection: keep-alive
Content-Length: {length}
Content-Type: application/json
User-Agent: OpenAI/Python 3.52.0
X-Stainless-Arch: x64
X-Stainless-Async: false
X-Stainless-Lang: python
X-Stainless-OS: Linux
X-Stainless-Package-Version: 3.52.0
X-Stainless-Read-Timeout: 600
X-Stainless-Retry-Count: 0
X-Stainless-Runtime: CPython
X-Stainless-Runtime-Version: 3.13.1

""".replace("\n", "\r\n")
_SENTENCES = (
    "What does this function return when the list is empty?",
    "Please compare the two plans and say which one you would choose, and why.",
    "The order was shipped on Monday and reached the warehouse two days later.",
    "Each worker takes a task from the queue, runs it, and writes the result to the table.",
    "We saw the error again after the upgrade, but only on machines with little memory.",
    "Write a short summary of the meeting for those who could not be there.",
    "If the price changes between the two dates, use the older one for open invoices.",
    "She asked for the report in English, with one chart for each of the four regions.",
    "The connection is closed by the proxy after sixty seconds without any traffic.",
    "Explain how the index helps here and what it costs when rows are inserted.",
    "He lives near the river, and walks to work whenever the weather allows it.",
    "Prove that the sum of the first n odd numbers is a square.",
)


def prompt(tokens: int, chance: random.Random) -> str:
    """Return English text of about so many tokens; each one is different."""
    pieces = [f"Ticket {chance.randrange(10**6)}."]
    while sum(map(len, pieces)) < 4 * tokens - 40:
        pieces.append(chance.choice(_SENTENCES))
    return " ".join(pieces)[: 4 * tokens]


def wire(path: str, key: str, body: bytes) -> bytes:
    """Return a request as its bytes on the wire."""
    return _HEADERS.format(path=path, key=key, length=len(body)).encode() + body


def arrivals(rate: float, seconds: float, chance: random.Random) -> list[float]:
    """Return the moments of a Poisson process of so many a second, in seconds from its start."""
    gaps = (chance.expovariate(rate) for _ in range(max(1, round(rate * seconds))))
    return list(accumulate(gaps))


@dataclass
class Exchange:
    """One request and its reply, as the client saw it; milliseconds from when it was due."""

    sent_ms: float
    first_ms: float
    total_ms: float
    body: bytes
    #: Of a stream: from the upstream's sending to the client's receiving, each event.
    transit_ms: list[float] = field(default_factory=list)
    #: Of a stream: reads that brought an event.
    reads: int = 0


class Connection(asyncio.Protocol):
    """A kept-alive connection: notes when each piece of a reply came, and reads it afterwards."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin without a reply under way."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError
        self.transport = transport
        self.done: asyncio.Future[None] | None = None

    async def ask(self, wire: bytes, due: float) -> Exchange:
        """Make one request; `due` is when it should have gone, in monotonic seconds."""
        self.pieces: list[tuple[float, bytes]] = []
        self.tail, self.left = b"", -1
        self.done = asyncio.get_running_loop().create_future()
        sent = time.monotonic()
        self.transport.write(wire)
        await self.done
        return _exchange(self.pieces, due, sent)

    def data_received(self, data: bytes) -> None:
        """Keep a piece; see whether it was the last."""
        if self.done is None or self.done.done():
            raise SystemExit(f"bytes that nobody asked for: {data[:200]!r}")
        self.pieces.append((time.monotonic(), data))
        if len(self.pieces) == 1:
            self.left = _length(data)
        if self.left >= 0:
            self.left -= len(data)
        self.tail = (self.tail + data)[-len(_END_OF_CHUNKS) :]
        if self.left == 0 or (self.left < 0 and self.tail == _END_OF_CHUNKS):
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Fail the request under way."""
        if self.done is not None and not self.done.done():
            self.done.set_exception(error or ConnectionError("closed in the middle of a reply"))


def _length(first: bytes) -> int:
    """Bytes of the whole reply, head and all, whose first piece this is; -1 where it is chunked."""
    head, end, _ = first.partition(b"\r\n\r\n")
    if not end or not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"unexpected reply: {first[:500]!r}")
    found = re.search(rb"\r\ncontent-length: *(\d+)", head.lower())
    return len(head) + len(end) + int(found[1]) if found else -1


def _exchange(pieces: Sequence[tuple[float, bytes]], due: float, sent: float) -> Exchange:
    moments = [at for at, _ in pieces]
    ends = list(accumulate(len(data) for _, data in pieces))
    whole = b"".join(data for _, data in pieces)
    stamps = [
        (bisect_left(ends, found.end()), int(found[1]) / 1e6) for found in _STAMP.finditer(whole)
    ]
    first = moments[stamps[0][0]] if stamps else moments[0]
    return Exchange(
        sent_ms=(sent - due) * 1e3,
        first_ms=(first - due) * 1e3,
        total_ms=(moments[-1] - due) * 1e3,
        body=whole.partition(b"\r\n\r\n")[2],
        transit_ms=[moments[piece] * 1e3 - at for piece, at in stamps],
        reads=len({piece for piece, _ in stamps}),
    )


async def load(port: int, wires: Sequence[bytes], moments: Sequence[float]) -> list[Exchange]:
    """Make each request at its moment, in seconds from now; return the exchanges in that order.

    A connection is used again when it is free; where none is, one more is opened.
    """
    loop = asyncio.get_running_loop()
    idle: list[Connection] = []
    tasks: list[asyncio.Task[Exchange]] = []
    begin = time.monotonic() + 0.05

    async def exchange(wire: bytes, due: float) -> Exchange:
        connection = idle.pop() if idle else await _connect(loop, port)
        found = await connection.ask(wire, due)
        idle.append(connection)
        return found

    def start(wire: bytes, due: float) -> None:
        tasks.append(loop.create_task(exchange(wire, due)))

    def depart() -> None:
        for wire, moment in zip(wires, moments, strict=True):
            time.sleep(max(0.0, begin + moment - time.monotonic()))
            loop.call_soon_threadsafe(start, wire, begin + moment)

    idle += [await _connect(loop, port) for _ in range(4)]
    departing = threading.Thread(target=depart)
    departing.start()
    await asyncio.to_thread(departing.join)
    async with asyncio.timeout(_PATIENCE_S):
        found = await asyncio.gather(*tasks)
    for connection in idle:
        connection.transport.close()
    return found


async def saturate(port: int, wires: Sequence[bytes], connections: int) -> list[Exchange]:
    """Make the requests back to back on so many connections: a closed loop, for CPU alone."""
    loop = asyncio.get_running_loop()
    left = iter(wires)

    async def one_after_the_other() -> list[Exchange]:
        connection = await _connect(loop, port)
        found = [await connection.ask(wire, time.monotonic()) for wire in left]
        connection.transport.close()
        return found

    found = await asyncio.gather(*(one_after_the_other() for _ in range(connections)))
    return [exchange for each in found for exchange in each]


async def _connect(loop: asyncio.AbstractEventLoop, port: int) -> Connection:
    return (await loop.create_connection(Connection, "127.0.0.1", port))[1]
