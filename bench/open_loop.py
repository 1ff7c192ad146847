"""An open-loop load in a process of its own: requests leave when they are due, come what may.

``python -m bench.open_loop PORT --key KEY --rate R --seconds S [--patience S] [--seed N]`` posts
chat requests in a Poisson process of so many a second, and prints one JSON: of each request when it
was due (in seconds from the begin), its status (0 where the client gave up or was cut off) and how
many seconds it took from when it was due. No two prompts are the same. A client gives up after its
patience, and says so by closing its connection, as people do.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import uvloop
from bench._processes import environment

_BODY_AT = b"\r\n\r\n"
_PROMPT = (
    "What became of order {} that was shipped on Monday, and when does it reach the warehouse?"
)


class Outcome(NamedTuple):
    """One request, as its client saw it."""

    due_s: float
    status: int
    took_s: float


class Asker(asyncio.Protocol):
    """A kept-alive connection with one request at a time."""

    def __init__(self) -> None:
        """Nothing is asked yet."""
        self._data = b""
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It stands."""
        self.transport = transport

    def ask(self, wire: bytes) -> asyncio.Future[int]:
        """The status of the reply, when it is there."""
        self._data = b""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(wire)
        return self._answer

    def data_received(self, data: bytes) -> None:
        """A piece of a reply that has a length."""
        self._data += data
        head, end, body = self._data.partition(_BODY_AT)
        if not end or self._answer is None or self._answer.done():
            return
        fields = head.lower().split(b"\r\n")
        length = next(int(each[15:]) for each in fields if each.startswith(b"content-length:"))
        if len(body) >= length:
            self._answer.set_result(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        """Cut off."""
        del exc
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(0)


@dataclass(frozen=True)
class Load:
    """Who asks how much."""

    port: int
    key: str
    rate: float
    seconds: float
    patience_s: float
    seed: int

    def begin(self) -> subprocess.Popen[bytes]:
        """Start it in a process of its own; `outcomes` waits for its end."""
        said = f"-m bench.open_loop {self.port} --key {self.key} --rate {self.rate}"
        said += f" --seconds {self.seconds} --patience {self.patience_s} --seed {self.seed}"
        return subprocess.Popen(
            [sys.executable, *said.split()], env=environment(), stdout=subprocess.PIPE
        )

    def moments(self) -> list[float]:
        """When each request is due, in seconds from the begin."""
        chance = random.Random(self.seed)  # noqa: S311 - the same load in each run
        gaps = (chance.expovariate(self.rate) for _ in range(round(self.rate * self.seconds)))
        return list(accumulate(gaps))

    def wire(self, number: int) -> bytes:
        """A request's bytes."""
        content = _PROMPT.format(f"{self.seed}-{number}")
        asked = {"model": "auto", "messages": [{"role": "user", "content": content}]}
        body = json.dumps(asked).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n"
            f"authorization: Bearer {self.key}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def outcomes(process: subprocess.Popen[bytes]) -> list[Outcome]:
    """What a load that was begun found; waits for its end."""
    said, _ = process.communicate()
    return [Outcome(*each) for each in json.loads(said)]


class Asking:
    """The clients of one load."""

    def __init__(self, load: Load) -> None:
        """Nobody has asked yet."""
        self._load = load
        self._idle: list[Asker] = []
        self._found: list[Outcome] = []
        self._begin = 0.0

    async def run(self) -> list[Outcome]:
        """Every request at its moment; returns when the last is answered or given up."""
        moments = self._load.moments()
        wires = [self._load.wire(number) for number in range(len(moments))]
        self._begin = time.monotonic() + 0.1
        tasks = []
        for due, wire in zip(moments, wires, strict=True):
            wait = self._begin + due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(self._one(due, wire)))
        await asyncio.gather(*tasks)
        return self._found

    async def _one(self, due: float, wire: bytes) -> None:
        status, asker = 0, None
        try:
            async with asyncio.timeout_at(
                asyncio.get_running_loop().time()
                + self._begin
                + due
                - time.monotonic()
                + self._load.patience_s
            ):
                asker = self._idle.pop() if self._idle else await self._connect()
                status = await asker.ask(wire)
        except (TimeoutError, OSError):
            status = 0
        self._found.append(Outcome(due, status, time.monotonic() - self._begin - due))
        if asker is not None:
            if status:
                self._idle.append(asker)
            else:
                asker.transport.abort()

    async def _connect(self) -> Asker:
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(Asker, "127.0.0.1", self._load.port))[1]


async def back_to_back(load: Load, requests: int) -> list[int]:
    """The statuses of so many requests, one after the other on one connection."""
    loop = asyncio.get_running_loop()
    asker = (await loop.create_connection(Asker, "127.0.0.1", load.port))[1]
    found = [await asker.ask(load.wire(number)) for number in range(requests)]
    asker.transport.close()
    return found


def main() -> None:
    """Ask, and print what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("port", type=int)
    parser.add_argument("--key", required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--patience", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    load = Load(asked.port, asked.key, asked.rate, asked.seconds, asked.patience, asked.seed)
    gc.disable()  # it is the clock: it must not pause
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(Asking(load).run())))


if __name__ == "__main__":
    main()
