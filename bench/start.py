"""How long the gateway takes from its start to its first answer, also after a crash.

``python -m bench.start [--runs N] [--entries N] [--open N] [--weights FILE] [--json FILE]`` prints
one table.

It starts `pointsman serve` again and again: with an empty home (`fresh`), with books of so many
entries and a cache (`used`), and on the same books after `kill -9` under load, with so many streams
open (`killed`); given the weights of SmolLM2 as GGUF, also with the embedded model (`embedded`). Two
moments are taken: when `GET /v1/models` is answered, and when the first chat is answered, written
down and committed. But for `embedded` a scripted deployment answers it, and another is configured at
a provider that nobody asks. Times are from the call that starts the process, in seconds; CPU is that
of the process, its threads and children included. Python's modules are compiled before the first run that counts,
as an installed package's are. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from bench._processes import Running, environment, free_port, launch, spread
from bench.books_entries import entries

from pointsman.app import App
from pointsman.config import Settings, load

CONFIG = """
[models.quick]
provider = "scripted"
model = "quick"

[models.slow]
provider = "scripted"
model = "slow"
[[models.slow.script]]
reply = "One word and no more."
chunks = 5
chunk_delay_s = 600

[models.remote]
provider = "openai"
model = "gpt-4o-mini"
api_key = "none"
"""
EMBEDDED = """
[models.quick]
provider = "embedded"
model = "smollm2-135m-instruct"
weights = {weights}
"""
_CONFIG_FILE = "pointsman.toml"
#: Clients that ask one thing after the other while the gateway is killed.
BUSY = 8
#: Seconds of that, once all streams are open.
LOAD_S = 1.0
#: Entries written at a time.
BATCH = 4000
#: Requests in the used books' first run, for the cache to keep.
ASKED = 100


@dataclass
class Times:
    """What the starts of one kind took, in seconds."""

    listing_s: list[float] = field(default_factory=list)
    chat_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    #: Entries that were open when it was killed, and are settled now.
    interrupted: list[int] = field(default_factory=list)


def _told(home: Path, compiled: Path) -> dict[str, str]:
    """The environment of a gateway whose modules are compiled into a folder."""
    return environment() | {
        "POINTSMAN_HOME": str(home),
        "PYTHONPYCACHEPREFIX": str(compiled),
    }


def start(stack: ExitStack, home: Path, compiled: Path, times: Times) -> Running:
    """Start a gateway, ask it twice and note when it answered; it ends with `stack`."""
    port = free_port()
    config = home.parent / _CONFIG_FILE
    command = f"-m pointsman serve --config {config} --port {port} --log off".split()
    began = time.monotonic()
    gateway = launch(stack, "gateway", port, command, _told(home, compiled), poll_s=0.005)
    ask(port, "GET", "/v1/models")
    times.listing_s.append(time.monotonic() - began)
    ask(port, "POST", "/v1/chat/completions", chat("quick", "What is Python?", max_tokens=1))
    times.chat_s.append(time.monotonic() - began)
    times.cpu_s.append(gateway.cpu_ms() / 1000)
    return gateway


def ask(port: int, method: str, path: str, body: dict[str, object] | None = None) -> bytes:
    """The body of a reply, which must be a good one."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as client:
        client.request(method, path, json.dumps(body) if body else None)
        reply = client.getresponse()
        text = reply.read()
        if reply.status != http.HTTPStatus.OK:
            raise SystemExit(f"{path}: {reply.status} {text[:200]!r}")
        return text


def chat(model: str, text: str, **members: object) -> dict[str, object]:
    """A chat request."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **members}


@asynccontextmanager
async def load_on(port: int, streams: int) -> AsyncIterator[None]:
    """Keep that many streams open and some clients busy, none of whom minds the gateway's end."""
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    opened = asyncio.Semaphore(0)
    asked = itertools.count()

    async def stay(client: aiohttp.ClientSession) -> None:
        async with client.post(url, json=chat("slow", "Go on.", stream=True)) as reply:
            await reply.content.readany()
            opened.release()
            await reply.read()

    async def hurry(client: aiohttp.ClientSession) -> None:
        while True:
            async with client.post(url, json=chat("quick", f"Name {next(asked)}.")) as reply:
                await reply.read()

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as client:
        tasks = [asyncio.create_task(stay(client)) for _ in range(streams)]
        for _ in tasks:
            await opened.acquire()
        tasks += [asyncio.create_task(hurry(client)) for _ in range(BUSY)]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def kill_under_load(gateway: Running, streams: int) -> None:
    """End it as a crash would, with streams open and others being answered."""
    async with load_on(gateway.port, streams):
        await asyncio.sleep(LOAD_S)
        gateway.process.kill()
        await asyncio.to_thread(gateway.process.wait)


async def fill(settings: Settings, count: int) -> None:
    """Write that many entries of 90 days, as a gateway does."""
    app = App(settings, environment={})
    await app.start(load=False)
    try:
        left = entries(count, datetime.now(UTC))
        while batch := list(itertools.islice(left, BATCH)):
            await asyncio.gather(*(app.bookkeeping.store.reserve(entry) for entry in batch))
    finally:
        await app.close()


def interrupted(port: int) -> int:
    """How many entries of such streams were open when a gateway was killed, and are settled now."""
    found = json.loads(ask(port, "GET", "/v1/analytics/summary?model=slow&outcome=interrupted"))
    return int(found["total"]["requests"])


def fresh(folder: Path, compiled: Path, runs: int) -> Times:
    """Each start in a home of its own."""
    times = Times()
    for run in range(runs + 1):
        home = folder / f"fresh{run}"
        home.mkdir()
        with ExitStack() as stack:
            start(stack, home, compiled, times if run else Times())
    return times


def again(home: Path, compiled: Path, runs: int) -> Times:
    """Starts and orderly ends in one home; during the first, which does not count, it is used."""
    times = Times()
    for run in range(runs + 1):
        with ExitStack() as stack:
            gateway = start(stack, home, compiled, times if run else Times())
            if run == 0:
                for each in range(ASKED):
                    question = chat("quick", f"Say {each}", max_tokens=1)
                    ask(gateway.port, "POST", "/v1/chat/completions", question)
    return times


def killed(home: Path, compiled: Path, runs: int, streams: int) -> Times:
    """Starts in one home where the gateway was killed under load."""
    times, before = Times(), 0
    for run in range(runs + 1):
        with ExitStack() as stack:
            gateway = start(stack, home, compiled, times if run else Times())
            now = interrupted(gateway.port)
            if run:
                times.interrupted.append(now - before)
            before = now
            if run < runs:
                asyncio.run(kill_under_load(gateway, streams))
    return times


def measure(folder: Path, asked: argparse.Namespace) -> Iterator[tuple[str, Times]]:
    """The kinds and their times, one after the other; the first start of each does not count."""
    compiled, home = folder / "compiled", folder / "used"
    (folder / _CONFIG_FILE).write_text(CONFIG)
    yield "fresh", fresh(folder, compiled, asked.runs)
    home.mkdir()
    settings = load(folder / _CONFIG_FILE).model_copy(update={"home": home})
    asyncio.run(fill(settings, asked.entries))
    yield "used", again(home, compiled, asked.runs)
    yield "killed", killed(home, compiled, asked.runs, asked.open)
    if asked.weights:
        home = folder / "embedded" / "home"
        home.mkdir(parents=True)
        weights = json.dumps(str(asked.weights.resolve()))
        (home.parent / _CONFIG_FILE).write_text(EMBEDDED.format(weights=weights))
        yield "embedded", again(home, compiled, asked.runs)


def main() -> None:
    """Parse the command line, run, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="starts of each kind")
    parser.add_argument("--entries", type=int, default=100_000, help="in the used books")
    parser.add_argument("--open", type=int, default=300, help="streams open when it is killed")
    parser.add_argument("--weights", type=Path, help="SmolLM2 as GGUF, for the embedded model")
    parser.add_argument("--json", type=Path, help="where the figures go")
    asked = parser.parse_args()
    figures: dict[str, dict[str, list[float]]] = {}
    print(f"{'start':<10}{'first list, s':>20}{'first chat, s':>20}{'CPU, s':>20}")
    with tempfile.TemporaryDirectory() as folder:
        for name, times in measure(Path(folder), asked):
            figures[name] = asdict(times)
            columns = (times.listing_s, times.chat_s, times.cpu_s)
            print(f"{name:<10}" + "".join(f"{spread(each, 2):>20}" for each in columns))
            if times.interrupted:
                print(f"open entries settled: {statistics.median(times.interrupted):.0f}")
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
