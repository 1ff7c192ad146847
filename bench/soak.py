"""Whether the gateway grows: memory, files and threads under mixed traffic for as long as you like.

``python -m bench.soak [--seconds S] [--json FILE]`` prints one table; `make soak` runs it for ten
minutes.

`pointsman serve` with its defaults and books in a file stands before `load_upstream.py`. A few
clients ask without a pause: whole replies and streams, in OpenAI's and in Anthropic's format, what
the cache knows, streams that are left in their middle, and what fails: bad JSON, names that nothing
has, an upstream that is broken. Every two seconds the gateway's own memory (USS) is looked at. The
slope is that of a line through what was seen in the second half, when bounded caches are as full as
they get, by requests; the cache of replies is set small, or it would fill for as long as that.
Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp
from bench._processes import Running
from bench.load_gateway import KEY, start

CLIENTS = 6
TOKENS = 8
LOOK_S = 2.0
MORE = """
[models.broken]
provider = "openai-compatible"
base_url = "http://127.0.0.1:{upstream}/v1"
model = "broken"
location = "cloud"
[cache]
max_replies = 1000
"""
_CHAT, _MESSAGES = "/v1/chat/completions", "/v1/messages"


@dataclass
class Look:
    """The gateway at one moment."""

    requests: int
    unique_mb: float
    files: int
    threads: int


@dataclass
class Figures:
    """What a run found."""

    seconds: float
    requests: int
    statuses: Mapping[str, int]
    looks: list[Look]
    slope_mb: float

    def table(self) -> str:
        """In words."""
        first, last = self.looks[len(self.looks) // 2], self.looks[-1]
        answered = ", ".join(f"{name}: {count}" for name, count in sorted(self.statuses.items()))
        rows = {
            "requests": f"{self.requests} in {self.seconds:.0f} s ({answered})",
            "memory": f"{first.unique_mb:.1f} MiB half-way, {last.unique_mb:.1f} MiB at the end",
            "slope": f"{self.slope_mb:+.2f} MiB per 100,000 requests",
            "open files": f"{first.files} half-way, {last.files} at the end",
            "threads": f"{first.threads} half-way, {last.threads} at the end",
        }
        return "\n".join(f"{name:<12}{value}" for name, value in rows.items())


class Traffic:
    """Clients that ask one thing after the other."""

    def __init__(self, session: aiohttp.ClientSession, seed: int) -> None:
        """The same traffic in each run."""
        self._session = session
        self._chance = random.Random(seed)  # noqa: S311
        self.statuses: Counter[str] = Counter()
        self.requests = 0
        self._kinds: tuple[tuple[int, Callable[[], Awaitable[None]]], ...] = (
            (30, self._whole),
            (20, self._known),
            (20, self._stream),
            (10, self._left),
            (5, self._translated),
            (5, self._bad),
            (5, self._unknown),
            (5, self._broken),
        )

    async def run(self, until: float) -> None:
        """Ask until that moment."""
        weights = [weight for weight, _ in self._kinds]
        asks = [ask for _, ask in self._kinds]
        while time.monotonic() < until:
            (ask,) = self._chance.choices(asks, weights)
            self.requests += 1
            try:
                await ask()
            except aiohttp.ClientError as error:
                self.statuses[type(error).__name__] += 1

    def _prompt(self) -> str:
        return f"What became of order {self._chance.getrandbits(60)}, and when does it arrive?"

    def _asked(self, **more: object) -> dict[str, object]:
        messages = [{"role": "user", "content": self._prompt()}]
        return {"model": "one", "messages": messages, **more}

    async def _post(self, path: str, body: object, *, leave: bool = False) -> None:
        async with self._session.post(path, json=body) as reply:
            if leave:
                await reply.content.readany()
                reply.close()
                self.statuses["left"] += 1
                return
            await reply.read()
            self.statuses[str(reply.status)] += 1

    async def _whole(self) -> None:
        await self._post(_CHAT, self._asked())

    async def _known(self) -> None:
        number = self._chance.randrange(50)
        content = f"What is item {number} of the list?"
        await self._post(_CHAT, self._asked(messages=[{"role": "user", "content": content}]))

    async def _stream(self) -> None:
        await self._post(_CHAT, self._asked(stream=True, max_tokens=TOKENS))

    async def _left(self) -> None:
        await self._post(_CHAT, self._asked(stream=True, max_tokens=TOKENS * 50), leave=True)

    async def _translated(self) -> None:
        await self._post(_MESSAGES, self._asked(stream=True, max_tokens=TOKENS))

    async def _bad(self) -> None:
        async with self._session.post(_CHAT, data=b'{"model": "one", "messages":') as reply:
            await reply.read()
            self.statuses[str(reply.status)] += 1

    async def _unknown(self) -> None:
        await self._post(_CHAT, self._asked(model="nobody-has-this"))

    async def _broken(self) -> None:
        await self._post(_CHAT, self._asked(model="broken"))


async def measure(gateway: Running, seconds: float) -> Figures:
    """Load it for so long."""
    began = time.monotonic()
    until, looks = began + seconds, list[Look]()
    headers = {"authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{gateway.port}", headers=headers
    ) as session:
        clients = [Traffic(session, seed) for seed in range(CLIENTS)]
        asking = [asyncio.create_task(client.run(until)) for client in clients]
        while time.monotonic() < until:
            await asyncio.sleep(min(LOOK_S, seconds / 10))
            requests = sum(client.requests for client in clients)
            looks.append(await asyncio.to_thread(_look, gateway, requests))
        await asyncio.gather(*asking)
    statuses = sum((client.statuses for client in clients), Counter[str]())
    later = looks[len(looks) // 2 :]
    line = statistics.linear_regression(
        [look.requests for look in later], [look.unique_mb for look in later]
    )
    requests = sum(client.requests for client in clients)
    return Figures(time.monotonic() - began, requests, dict(statuses), looks, line.slope * 1e5)


def _look(gateway: Running, requests: int) -> Look:
    process = Path(f"/proc/{gateway.process.pid}")
    return Look(
        requests,
        gateway.unique_kb() / 1024,
        len(list((process / "fd").iterdir())),
        len(list((process / "task").iterdir())),
    )


def run(seconds: float) -> Figures:
    """Start an upstream and a gateway, and load it."""
    with ExitStack() as stack:
        gateway = start(stack, more=MORE, gap_s=0.005)
        return asyncio.run(measure(gateway, seconds))


def main() -> None:
    """Parse the command line, run, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = run(options.seconds)
    print(figures.table())
    if options.json:
        options.json.write_text(json.dumps(asdict(figures), indent=1) + "\n")


if __name__ == "__main__":
    main()
