"""Whether the dashboard keeps up with a busy gateway, and what it costs the gateway.

``python -m bench.dashboard [--seconds N] [--rate N] [--view NAME] [--json FILE]`` prints one table.

`pointsman serve` answers so many requests a minute. First the page is open in a real Chromium; then
nobody watches and somebody reads the events in turn, ten seconds each. Of the page: tasks that held its main thread for
more than 50 ms (Chromium's own measure), its heap after a collection when its table is full and
after every ten seconds from then on, and how long after its reply a request is in the table. Of the gateway:
CPU per request, threads and children included, with the events and without; what they cost is the
median difference between neighbours, so that the machine's moods fall on both. Upstreams are scripted in the gateway's own process, which
leaves it less to do than real ones would: the share of the events is no smaller elsewhere.
Needs Chromium, and Linux: it reads /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import aiohttp
from bench._processes import Running, free_port, launch, spread
from bench.overhead_load import prompt
from playwright.async_api import CDPSession, Page, async_playwright

CONFIG = """
[models.llama]
provider = "scripted"
model = "llama-3.2-3b"
tier = "simple"
location = "local"

[models.opus]
provider = "scripted"
model = "claude-opus-5-5"
tier = "complex"
location = "cloud"
priced_as = "anthropic/claude-opus-5-5"
"""
#: Seconds of one piece.
PIECE_S = 10.0
#: Seconds after which the page has filled its table.
SETTLED_S = 30.0
#: Every so manieth request is streamed.
STREAMED = 4
TOKENS = 150
LISTEN = """
window.longTasks = [];
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) window.longTasks.push(each.duration);
}).observe({ type: "longtask" });
"""


@dataclass
class Figures:
    """What was measured. CPU is that of the gateway, in milliseconds per request, by piece."""

    rate_per_minute: float
    asked: int = 0
    alone_cpu_ms: list[float] = field(default_factory=list)
    watched_cpu_ms: list[float] = field(default_factory=list)
    #: Tasks over 50 ms of the page's main thread, in milliseconds, from when its table was full.
    long_tasks_ms: list[float] = field(default_factory=list)
    #: MiB after a collection: when the table was full, and after each piece.
    heap_mb: list[float] = field(default_factory=list)
    #: From a reply's end to its row on the page.
    lag_ms: list[float] = field(default_factory=list)

    @property
    def heap_slope(self) -> float:
        """MiB that the heap grew in a minute, by a straight line through its second half."""
        later = self.heap_mb[len(self.heap_mb) // 2 :]
        if len(later) < 2:
            return 0.0
        minutes = [piece * PIECE_S / 60 for piece in range(len(later))]
        return statistics.linear_regression(minutes, later).slope

    @property
    def share(self) -> float:
        """The part of the gateway's CPU that goes into the events."""
        pairs = zip(self.alone_cpu_ms, self.watched_cpu_ms, strict=True)
        return statistics.median(1 - alone / watched for alone, watched in pairs)


class Load:
    """Requests that leave when they are due, whatever became of those before."""

    def __init__(self, client: aiohttp.ClientSession, url: str, rate_s: float) -> None:
        """`rate_s` is requests a second."""
        self.asked = 0
        self._client, self._url, self._rate_s = client, f"{url}/v1/chat/completions", rate_s
        self._chance = random.Random(7)  # noqa: S311 - the same load in each run

    async def ask(self, *, stream: bool = False) -> str:
        """Make one request; its id."""
        body = {
            "model": "auto",
            "messages": [{"role": "user", "content": prompt(TOKENS, self._chance)}],
            "stream": stream,
        }
        async with self._client.post(self._url, json=body) as reply:
            reply.raise_for_status()
            await reply.read()
            return reply.headers["x-request-id"]

    async def go_on(self) -> None:
        """Ask until cancelled; a reply that is none ends it."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self.ask(stream=self.asked % STREAMED == 0))
                self.asked += 1
                await asyncio.sleep(max(0.0, began + self.asked / self._rate_s - time.monotonic()))


@asynccontextmanager
async def load_on(load: Load) -> AsyncIterator[None]:
    """The load, for as long as the block takes. Raises what ended it early."""
    task = asyncio.create_task(load.go_on())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def piece(gateway: Running, load: Load) -> float:
    """CPU milliseconds per request over `PIECE_S`."""
    cpu_ms, asked = gateway.cpu_ms(), load.asked
    await asyncio.sleep(PIECE_S)
    return (gateway.cpu_ms() - cpu_ms) / (load.asked - asked)


@asynccontextmanager
async def events_read(client: aiohttp.ClientSession, address: str) -> AsyncIterator[None]:
    """Somebody reads the events, for as long as the block takes."""
    forever = aiohttp.ClientTimeout(total=None)
    async with client.get(f"{address}/v1/events", timeout=forever) as events:
        events.raise_for_status()

        async def read() -> None:
            async for _ in events.content.iter_any():
                pass

        reading = asyncio.create_task(read())
        try:
            yield
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading


async def heap_mb(session: CDPSession) -> float:
    """MiB of JavaScript's heap that are in use after a collection."""
    await session.send("HeapProfiler.collectGarbage")
    usage = await session.send("Runtime.getHeapUsage")
    return float(usage["usedSize"]) / 2**20


async def lag_ms(page: Page, load: Load) -> float:
    """Milliseconds from a reply's end until the page shows its row."""
    request_id = await load.ask()
    load.asked += 1
    began = time.monotonic()
    await page.locator(f'[data-request-id="{request_id}"]').first.wait_for(timeout=30_000)
    return (time.monotonic() - began) * 1000


async def watch(page: Page, load: Load, seconds: float, found: Figures) -> None:
    """Measure the page, its first half minute left out."""
    session = await page.context.new_cdp_session(page)
    await asyncio.sleep(SETTLED_S)
    found.heap_mb.append(await heap_mb(session))
    await page.evaluate("window.longTasks.length = 0")
    for _ in range(max(1, round((seconds - SETTLED_S) / PIECE_S))):
        await asyncio.sleep(PIECE_S)
        found.lag_ms.append(await lag_ms(page, load))
        found.long_tasks_ms += await page.evaluate("window.longTasks.splice(0)")
        found.heap_mb.append(await heap_mb(session))  # which is a long task itself
        await page.evaluate("window.longTasks.length = 0")


async def measure(gateway: Running, asked: argparse.Namespace) -> Figures:
    """All of it, one after the other."""
    found = Figures(asked.rate)
    address = f"http://127.0.0.1:{gateway.port}"
    async with async_playwright() as playwright, aiohttp.ClientSession() as client:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = await browser.new_page()
        await page.add_init_script(LISTEN)
        load = Load(client, address, asked.rate / 60)
        async with load_on(load):
            await page.goto(f"{address}/dashboard#/{asked.view}")
            await watch(page, load, asked.seconds, found)
            await browser.close()
            for _ in range(max(1, round(asked.seconds / PIECE_S / 2))):
                found.alone_cpu_ms.append(await piece(gateway, load))
                async with events_read(client, address):
                    found.watched_cpu_ms.append(await piece(gateway, load))
        found.asked = load.asked
    return found


def serve(stack: ExitStack, folder: Path) -> Running:
    """Start a gateway with books of its own."""
    config, port = folder / "pointsman.toml", free_port()
    config.write_text(CONFIG)
    kept = {name: text for name, text in os.environ.items() if not name.startswith("POINTSMAN_")}
    command = f"-m pointsman serve --config {config} --port {port} --log off".split()
    return launch(stack, "gateway", port, command, kept | {"POINTSMAN_HOME": str(folder)})


def main() -> None:
    """Parse the command line, run, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=180, help="for which the page is open")
    parser.add_argument("--rate", type=float, default=2000, help="requests a minute")
    parser.add_argument("--view", default="live", help="of the dashboard")
    parser.add_argument("--json", type=Path, help="where the figures go")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = asyncio.run(measure(serve(stack, folder), asked))
    print(f"{found.asked} requests, {asked.rate:g} a minute, the page open for {asked.seconds:g} s")
    print(f"gateway's CPU per request, alone    {spread(found.alone_cpu_ms, 2)} ms")
    print(f"gateway's CPU per request, watched  {spread(found.watched_cpu_ms, 2)} ms")
    print(f"of it for the events                {found.share:.1%}")
    print(f"tasks over 50 ms on the page        {len(found.long_tasks_ms)}")
    print(f"the longest                         {max(found.long_tasks_ms, default=0):.0f} ms")
    median = statistics.median(found.heap_mb)
    print(
        f"heap: table full, median, at the end  {found.heap_mb[0]:.1f}, {median:.1f}, "
        f"{found.heap_mb[-1]:.1f} MiB, growing {found.heap_slope:+.2f} MiB a minute at last"
    )
    if found.lag_ms:
        print(f"from reply to row                   {spread(found.lag_ms, 0)} ms")
    if asked.json:
        figures = asdict(found) | {"share": found.share, "heap_mb_per_minute": found.heap_slope}
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
