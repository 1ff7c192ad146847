"""The two loads of `cache.py`: one request after the other, and many at their moments."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Self, TypedDict

from overhead_formats import PATHS, asked
from overhead_gateway import KEY, answer
from overhead_load import Connection, wire

_HEAD_END = b"\r\n\r\n"
_STATE = re.compile(rb"x-pointsman-cache: (\w+)")
_ID = re.compile(rb"x-request-id: (\S+)")
_PAGE = 1000


class Lookup(TypedDict):
    """What the cache said."""

    state: str
    reason: str


class Entry(TypedDict):
    """A line of the books, as far as it matters here."""

    request_id: str
    client_request_id: str | None
    lookup: Lookup


@dataclass(frozen=True)
class Reply:
    """What came back."""

    request_id: str
    #: What the cache said: exact, semantic, miss, bypass.
    state: str
    #: To the reply's last byte.
    ms: float


def question(model: str, prompt: str, *, keep: bool = False, stream: bool = False) -> bytes:
    """A request on the wire; its reply goes into the cache only if it is to be kept."""
    body = asked("chat", model, prompt)
    if stream:
        body = body[:-1] + b', "stream": true}'
    said = wire(PATHS["chat"], KEY, body)
    if keep:
        return said
    head, _, rest = said.partition(_HEAD_END)
    return head + b"\r\nx-pointsman-cache: no-store" + _HEAD_END + rest


class Client:
    """One connection with one request at a time."""

    def __init__(self, connection: Connection) -> None:
        """See `open`."""
        self._connection = connection

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect."""
        loop = asyncio.get_running_loop()
        return cls((await loop.create_connection(Connection, "127.0.0.1", port))[1])

    async def ask(self, question: bytes) -> Reply:
        """Make one request."""
        if self._connection.transport.is_closing():
            raise SystemExit("the gateway has closed an idle connection")
        exchange = await self._connection.ask(question, time.monotonic())
        head = self._connection.pieces[0][1].partition(_HEAD_END)[0]
        state, request_id = _STATE.search(head), _ID.search(head)
        if state is None or request_id is None:
            raise SystemExit(f"a reply without our headers: {head!r}")
        return Reply(request_id[1].decode(), state[1].decode(), exchange.total_ms)

    def close(self) -> None:
        """Hang up."""
        self._connection.transport.close()


def reasons(port: int, ids: set[str]) -> dict[str, str]:
    """Why the cache had nothing for these requests, as the books say; empty for a hit."""
    found: dict[str, str] = {}
    entries = _entries(port)
    while ids - found.keys():
        entry = next(entries)
        found[entry["request_id"]] = entry["lookup"]["reason"]
    return found


def latest(port: int, count: int) -> Counter[str]:
    """What the cache said of the last so many requests, with the reasons in a word.

    Those that the gateway made itself, to check hits, are left out.
    """
    ours = (each["lookup"] for each in _entries(port) if each["client_request_id"] is None)
    return Counter(
        f"{each['state']} {each['reason'].partition(':')[0]}".strip()
        for each in islice(ours, count)
    )


def _entries(port: int) -> Iterator[Entry]:
    """The books, the newest first. Raises SystemExit at their end."""
    before = ""
    while page := json.loads(answer(port, "GET", f"/v1/decisions?limit={_PAGE}{before}"))["data"]:
        yield from page
        before = f"&before={page[-1]['time']}".replace("+", "%2B")
    raise SystemExit("requests are missing in the books")
