"""What Pointsman adds to a request and to a chunk of a stream: CPU and latency, in one run.

``python bench/overhead.py [--json FILE] [--seconds N]`` prints the tables and writes one JSON.

The gateway is `pointsman serve` with everything on, in a process of its own: a stored key, limits
and budgets of key and organisation, cache, learned scorer, routing over three priced deployments,
ledger in a file; only the printing of decisions is off. What each of these adds is
`overhead_parts.py`'s part of the run. Both it and
its upstream speak chat; what translating costs is `overhead_matrix.py`'s part of the run. The same
load also goes to the upstream directly, and through a bare proxy on the same server and client
(`http_stack.py`), in interleaved rounds, so that noise falls on all alike. The load is open loop,
see `overhead_load.py`; no prompt comes twice, so no cache can answer.

CPU is the kernel's clock of a process, all its threads, less what it uses when idle. A chunk's is
the slope between streams of 10 and of 200 tokens; what is left at none is the stream's own. Latency
added is the difference between a percentile here and the same one without anything between. Medians
over the rounds stand with the least and the most. Linux only: it reads /proc and others' clocks.
"""

import argparse
import asyncio
import gc
import json
import os
import platform
import random
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import http_stack
from _processes import free_port, import_ms, launch
from http_stack import Measured
from overhead_formats import DONE, PATHS, asked, chat
from overhead_gateway import GENEROUS, Gateway, deployment, note
from overhead_load import Exchange, arrivals, load, prompt, saturate, wire
from overhead_matrix import Matrix
from overhead_parts import Parts
from overhead_profile import where
from overhead_report import PERCENTILES, RATES, Report, Samples, percentile
from pointsman.config import load as load_settings
from pointsman.router import Router

ROUNDS = 5
BUSY_REQUESTS, BUSY_CONNECTIONS = 300, 8  # of a closed loop, as in http_stack.py
FEW, MANY = 10, 200  # tokens of a stream, one an event
FEW_RATE, MANY_RATE = 100, 8  # streams a second: about as many events, so both run equally warm
WINDOWS = 3 * len(RATES) + 5  # of load, in a round: see Bench.run
TIERS = ("simple", "medium", "complex")
REPLY = chat().whole
IMPORTS = ("import pointsman", "from pointsman import Router")
PROMPT, PROMPTS = 400, (20, 400, 4000)  # tokens


def check(found: Exchange, stream: int) -> None:
    """Stop where a reply is not what the upstream sent."""
    whole = found.body == REPLY
    if not (len(found.transit_ms) == stream and DONE in found.body if stream else whole):
        raise SystemExit(f"the reply was changed: {found.body[:500]!r}")


class Bench:
    """One run: the same windows of load for every target."""

    def __init__(
        self, upstream: Measured, bare: Measured, gateway: Measured, whole_s: int, key: str
    ) -> None:
        """`whole_s`: seconds of load in the whole run; `key` is what is shown to the gateway."""
        self._key = key
        self.targets = (upstream, bare, gateway)
        self.upstream = upstream
        self.gateway = gateway
        self.window_s = whole_s / ROUNDS / WINDOWS
        self.requests = 0
        self.late_ms: list[float] = []
        self._chance = random.Random(7)  # noqa: S311 - the same load in each run

    async def rest(self, seconds: float = 2.0) -> None:
        """Measure what each target uses when nobody asks, in CPU ms a second."""
        began = [target.cpu_ms() for target in self.targets]
        await asyncio.sleep(seconds)
        for target, before in zip(self.targets, began, strict=True):
            note(target.samples, "idle", (target.cpu_ms() - before) / seconds)

    async def run(self) -> None:
        """Warm up, then every round, the targets in turning order."""
        for target in self.targets:
            await self._window(target, "", RATES[0])
            await self._window(target, "", MANY_RATE, stream=FEW)
        await self.rest()
        for turn in range(ROUNDS):
            order = [self.targets[(turn + place) % 3] for place in range(3)]
            for rate in RATES:
                for target in order:
                    await self._window(target, f"whole@{rate}", rate)
            for target in order:
                await self._window(target, "busy", rate=None)
                await self._window(target, "many", MANY_RATE, stream=MANY)
                if target is not self.upstream:
                    await self._window(target, "few", FEW_RATE, stream=FEW)
                    _slope(target.samples)

    async def _window(
        self, target: Measured, name: str, rate: int | None, *, stream: int = 0
    ) -> None:
        """Load one target and note what it cost; without a name it is only warmed.

        Without a rate the requests go back to back: what each costs where nothing is waited for.
        """
        moments = arrivals(rate, self.window_s, self._chance) if rate else [0.0] * BUSY_REQUESTS
        wires = [self._wire(stream) for _ in moments]
        cpu, main, began = target.cpu_ms(), target.main_thread_ms(), time.monotonic()
        if rate:
            found = await load(target.port, wires, moments)
        else:
            found = await saturate(target.port, wires, BUSY_CONNECTIONS)
        cpu, main = target.cpu_ms() - cpu, target.main_thread_ms() - main
        elapsed = time.monotonic() - began
        for exchange in found:
            check(exchange, stream)
        if target is self.gateway:
            self.requests += len(found)
        if not name:
            return
        idle = target.samples["idle"][0] * elapsed
        note(target.samples, f"{name}: cpu_ms", (cpu - idle) / len(found))
        note(target.samples, f"{name}: cpu_ms of other threads", (cpu - main) / len(found))
        if rate:
            self.late_ms += [exchange.sent_ms for exchange in found]
            _latencies(target.samples, name, found)

    def _wire(self, stream: int) -> bytes:
        body = asked("chat", "auto", prompt(PROMPT, self._chance), stream=stream)
        return wire(PATHS["chat"], self._key, body)


def _latencies(samples: Samples, name: str, found: list[Exchange]) -> None:
    latencies = {"total": [exchange.total_ms for exchange in found]}
    if events := [ms for exchange in found for ms in exchange.transit_ms]:
        latencies["first"] = [exchange.first_ms for exchange in found]
        latencies["transit"] = events
        reads = sum(exchange.reads for exchange in found)
        note(samples, f"{name}: reads per event", reads / len(events))
    for kind, values in latencies.items():
        for share in PERCENTILES:
            note(samples, f"{name}: {kind} p{share}", percentile(values, share))


def _slope(samples: Samples) -> None:
    few, many = samples["few: cpu_ms"][-1], samples["many: cpu_ms"][-1]
    chunk = (many - few) / (MANY - FEW)
    note(samples, "cpu_us per chunk", chunk * 1e3)
    note(samples, "cpu_ms per stream", few - FEW * chunk)


def decisions(config: Path, count: int = 200) -> dict[int, list[float]]:
    """CPU microseconds of `Router.route`, by the prompt's tokens: read, score, decide, price."""
    router = Router.from_settings(load_settings(config))
    chance = random.Random(11)  # noqa: S311 - the same prompts in each run
    found: dict[int, list[float]] = {}
    for tokens in PROMPTS:
        prompts = [prompt(tokens, chance) for _ in range(count + 10)]
        for text in prompts[:10]:
            router.route(text)
        for text in prompts[10:]:
            before = time.thread_time_ns()
            router.route(text)
            found.setdefault(tokens, []).append((time.thread_time_ns() - before) / 1e3)
    return found


def sync_ms(folder: Path, count: int = 50) -> float:
    """Milliseconds that the disk under `folder` takes to make a page of 4 KiB durable (median)."""
    took = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(count):
            file.write(bytes(4096))
            before = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - before) * 1e3)
    return statistics.median(took)


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    names = ("aiohttp", "httptools", "msgspec", "sqlalchemy", "starlette", "uvicorn", "uvloop")
    versions = {name: version(name) for name in names}
    return {"python": platform.python_version(), "cpus": os.cpu_count(), "versions": versions}


def run(stack: ExitStack, home: Path, seconds: int) -> Report:
    """Start everything, measure, and hold the books against what was asked."""
    gc.disable()  # this process is the clock: it must not pause
    command = "-m uvicorn overhead_upstream:app --port {} --loop uvloop --http httptools"
    quiet = "--ws none --no-access-log --log-level warning --app-dir"
    port = free_port()
    words = [*command.format(port).split(), *quiet.split(), str(Path(__file__).parent)]
    upstream = Measured(**vars(launch(stack, "upstream", port, words, os.environ)))
    models = "".join(deployment(tier, upstream.port) for tier in TIERS)
    made = Gateway(home / "tiers", models + GENEROUS)
    starts: Samples = {}
    for _ in range(3):
        with ExitStack() as once:
            for name, values in made.start(once).samples.items():
                starts.setdefault(name, []).extend(values)
    bare = http_stack.start(stack, "uvicorn", "aiohttp", upstream.port)
    gateway = made.start(stack)
    gateway.weigh()
    made.make_key(gateway)
    bench = Bench(upstream, bare, gateway, seconds, made.key)
    asyncio.run(bench.run())
    gateway.weigh()
    made.asked += bench.requests
    made.audit(gateway)
    parts = Parts(stack, home, models)
    asyncio.run(parts.run())
    matrix = Matrix(stack, home, upstream.port)
    asyncio.run(matrix.run())
    imports = {statement: [import_ms(statement) for _ in range(5)] for statement in IMPORTS}
    return Report(
        upstream=upstream.samples,
        bare=bare.samples,
        gateway=gateway.samples,
        late_ms=[percentile(bench.late_ms, share) for share in PERCENTILES],
        rss_mb=gateway.rss_mb,
        starts=starts,
        import_cpu_ms=imports,
        decision_cpu_us=decisions(made.config),
        durable_write_ms=sync_ms(home),
        parts=parts.samples,
        where=where(home, models),
        matrix=matrix.cells,
    )


def main() -> None:
    """Parse the command line, run, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", default="overhead.json", help="where the figures go")
    parser.add_argument("--seconds", type=int, default=70, help="of load, the matrix apart")
    options, began = parser.parse_args(), time.monotonic()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        report = run(stack, home, options.seconds)
    figures = {**machine(), "seconds": round(time.monotonic() - began, 1), **asdict(report)}
    Path(options.json).write_text(json.dumps(figures, indent=1) + "\n")
    print(report.table())


if __name__ == "__main__":
    main()
