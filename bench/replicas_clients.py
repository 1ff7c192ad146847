"""Clients of the benches of replicas: each knows exactly what it got, and when."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import aiohttp
import msgspec
from bench.replicas_upstream import prompt

#: Seconds after which what is not answered counts as lost.
PATIENCE_S = 120.0


@dataclass
class Heard:
    """What a client has of one request."""

    name: str
    organisation: str
    stream: bool
    words: int
    #: Seconds of `time.monotonic`.
    began: float
    ended: float = 0.0
    status: int = 0
    request_id: str | None = None
    #: Tokens as the gateway said them: input, output.
    usage: tuple[int, int] | None = None
    #: Words that were heard of a stream.
    heard: int = 0
    #: All of it is here: a whole body, or a stream up to `[DONE]`.
    whole: bool = False
    #: What broke, in the client's words.
    error: str | None = None

    @property
    def refused(self) -> bool:
        """It was told that it may not, in order: too many, or too dear."""
        return self.status in {402, 429}

    @property
    def failed(self) -> bool:
        """It got neither its reply nor a word that it may not have one."""
        return not (self.whole or self.refused)


@dataclass
class Habit:
    """How one kind of client asks."""

    organisation: str
    key: str
    #: At a time, each on after its reply and a pause.
    clients: int
    #: Seconds between a reply and the next request.
    pause_s: float
    #: Of a reply, from the fewest to the most.
    words: tuple[int, int] = (4, 8)
    #: Of its requests, how many are streams.
    streams: float = 0.5
    #: Seconds between two words of a reply.
    gap_s: float = 0.05


@dataclass
class Crowd:
    """Asks on and on, until it is told to stop."""

    url: str
    habits: list[Habit]
    #: Its connections serve one request after the other. HAProxy says and notes nothing when a
    #: server breaks off whose client has asked on the same connection before: it is to ask again.
    keeps: bool = True
    #: What their requests' names begin with.
    prefix: str = "r"
    heard: list[Heard] = field(default_factory=list)
    _asking: bool = True
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _chance: random.Random = field(default_factory=lambda: random.Random(9))  # noqa: S311

    def stop(self) -> None:
        """No more requests; those that are open go on."""
        self._asking = False

    async def run(self) -> None:
        """Return when the last reply is there."""
        connector = aiohttp.TCPConnector(limit=0, force_close=not self.keeps)
        limits = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with aiohttp.ClientSession(connector=connector, timeout=limits) as session:
            await asyncio.gather(
                *(
                    self._ask_on(session, habit)
                    for habit in self.habits
                    for _ in range(habit.clients)
                )
            )

    async def _ask_on(self, session: aiohttp.ClientSession, habit: Habit) -> None:
        await asyncio.sleep(self._chance.uniform(0, habit.pause_s))
        while self._asking:
            heard = Heard(
                name=f"{self.prefix}-{next(self._numbers)}",
                organisation=habit.organisation,
                stream=self._chance.random() < habit.streams,
                words=self._chance.randint(*habit.words),
                began=time.monotonic(),
            )
            self.heard.append(heard)
            await ask(session, self.url, habit, heard)
            await asyncio.sleep(self._chance.uniform(0.5, 1.5) * habit.pause_s)


async def ask(session: aiohttp.ClientSession, url: str, habit: Habit, heard: Heard) -> None:
    """Fill `heard`; what breaks is noted there."""
    asked = {
        "model": "auto",
        "messages": [{"role": "user", "content": prompt(heard.name, heard.words, habit.gap_s)}],
        "stream": heard.stream,
        "max_tokens": heard.words,
    }
    if heard.stream:
        asked["stream_options"] = {"include_usage": True}
    headers = {"authorization": f"Bearer {habit.key}", "x-request-id": heard.name}
    try:
        async with session.post(f"{url}/v1/chat/completions", json=asked, headers=headers) as reply:
            heard.status = reply.status
            heard.request_id = reply.headers.get("x-request-id")
            await (_stream if heard.stream and reply.status == 200 else _whole)(heard, reply)
    except (aiohttp.ClientError, TimeoutError) as error:
        heard.error = repr(error)
    heard.ended = time.monotonic()


async def _whole(heard: Heard, reply: aiohttp.ClientResponse) -> None:
    body = await reply.read()
    if reply.status == 200:
        _note(heard, body)
        heard.whole = True
    elif not heard.refused:
        heard.error = body.decode(errors="replace")[:300]


async def _stream(heard: Heard, reply: aiohttp.ClientResponse) -> None:
    async for line in reply.content:
        if line == b"data: [DONE]\n":
            heard.whole = True
        elif line.startswith(b"data: "):
            _note(heard, line.removeprefix(b"data: "))
    if not heard.whole and heard.error is None:
        heard.error = "the stream ended early"


def _note(heard: Heard, data: bytes) -> None:
    value = msgspec.json.decode(data)
    if "error" in value:
        heard.error = str(value["error"])[:300]
        return
    heard.heard += sum(bool(choice.get("delta", {}).get("content")) for choice in value["choices"])
    if usage := value.get("usage"):
        heard.usage = (usage["prompt_tokens"], usage["completion_tokens"])


async def until(is_so: Callable[[], bool], within_s: float) -> bool:
    """Wait until it is so; whether it was, in time."""
    deadline = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True
