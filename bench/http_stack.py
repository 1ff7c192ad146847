"""Which HTTP server and which HTTP client: CPU per proxied request, measured in one run.

``python bench/http_stack.py [--json FILE] [--rounds N]`` prints one table and writes one JSON.

Four proxies run side by side: {uvicorn, granian} x {aiohttp, httpx2}, all with uvloop, one worker
and the raw ASGI app below. It reads a ~2 KB chat body, posts it to an upstream in another process
and relays a ~1.5 KB reply, or an SSE stream of 50 chunks, each as it comes, watching ``receive()``
for ``http.disconnect`` as a gateway must. This process is the closed-loop load. Rounds are
interleaved in turning order, so that noise falls on all alike. Figures are CPU time of a proxy's
processes (the kernel's clock), not wall time. Linux only: it reads /proc and others' CPU clocks.
"""

import argparse
import asyncio
import itertools
import json
import os
import platform
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import cast

from starlette.types import Receive, Scope, Send

from _processes import Running, free_port, import_ms, launch, spread

Reply = tuple[int, bytes, AsyncIterator[bytes]]  # status, content type, body as the network gave it
Post = Callable[[str, bytes], AbstractAsyncContextManager[Reply]]
Leaving = tuple[float | None, float | None, str]  # ms until app, upstream knew; what send() did

REQUESTS, STREAMS, CONCURRENCY = 800, 80, 8  # per proxy and round; connections of the loop
CHUNKS = 50  # SSE events in one measured stream
SCRIPTS = {  # path -> chunks the upstream sends and the seconds between them; then it falls silent
    "/sse": (CHUNKS, 0.003),  # the gap makes each chunk a read of its own
    "/drip": (20, 0.05),
    "/stall": (3, 0.0),
    "/mute": (0, 0.0),  # not even a status line
}
HEADERS = {"content-type": "application/json"}
SSE = b"text/event-stream"
BODY = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "word " * 400}]})
REPLY = json.dumps({"choices": [{"message": {"role": "assistant", "content": "text " * 290}}]})
EVENT = b'data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"token"}}]}\n\n'
moments: dict[str, tuple[float, str]] = {}  # path -> when its client left, what send() then did


async def read(receive: Receive) -> bytes:
    """Read the whole request body."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message.get("more_body", False)
    return body


async def gone(receive: Receive) -> float:
    """Wait until the client has gone; return that moment in monotonic seconds."""
    while (await receive())["type"] != "http.disconnect":
        pass
    return time.monotonic()


async def chunk(send: Send, body: bytes, *, more: bool = True) -> None:
    """Send one piece of body."""
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def begin(send: Send, status: int, kind: bytes, whole: bytes | None = None) -> None:
    """Send status and content type; with the whole body at hand, its length and the body too."""
    headers = [(b"content-type", kind)]
    if whole is not None:
        headers.append((b"content-length", b"%d" % len(whole)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if whole is not None:
        await chunk(send, whole, more=False)


async def upstream(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer by path: /json, the scripts, or /stat for what was noted."""
    path = scope["path"]
    await read(receive)
    if path not in SCRIPTS:
        reply = REPLY if path == "/json" else json.dumps(moments)
        await begin(send, 200, b"application/json", reply.encode())
        return
    watch = asyncio.ensure_future(gone(receive))
    count, gap = SCRIPTS[path]
    if count:
        await begin(send, 200, SSE)
    for _ in range(count):
        await chunk(send, EVENT)
        await asyncio.sleep(gap)
    if path == "/sse":
        watch.cancel()
        await chunk(send, b"", more=False)
    else:
        moments[path] = (await watch, "")


@asynccontextmanager
async def aiohttp_client(origin: str) -> AsyncIterator[Post]:
    """Open one pooled aiohttp session; yield the call that posts through it."""
    import aiohttp  # noqa: PLC0415

    @asynccontextmanager
    async def post(path: str, body: bytes) -> AsyncIterator[Reply]:
        call = http.post(origin + path, data=body, headers=HEADERS, allow_redirects=False)
        async with call as got:
            yield got.status, got.headers["content-type"].encode(), got.content.iter_any()

    wait, pool = aiohttp.ClientTimeout(connect=5, sock_read=60), aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=wait, connector=pool, auto_decompress=False) as http:
        yield post


@asynccontextmanager
async def httpx2_client(origin: str) -> AsyncIterator[Post]:
    """Open one pooled httpx2 client; yield the call that posts through it."""
    import httpx2  # noqa: PLC0415

    @asynccontextmanager
    async def post(path: str, body: bytes) -> AsyncIterator[Reply]:
        async with client.stream("POST", origin + path, content=body, headers=HEADERS) as got:
            yield got.status_code, got.headers["content-type"].encode(), got.aiter_raw()

    wait, pool = httpx2.Timeout(60, connect=5), httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(timeout=wait, limits=pool, trust_env=False) as client:
        yield post


CLIENTS = {"aiohttp": aiohttp_client, "httpx2": httpx2_client}


class Proxy:
    """The ASGI app that is measured."""

    post: Post

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope; the client is open from start-up to shutdown."""
        if scope["type"] == "lifespan":
            await receive()
            opener = CLIENTS[os.environ["BENCH_CLIENT"]]
            async with opener(os.environ["BENCH_UPSTREAM"]) as self.post:
                await send({"type": "lifespan.startup.complete"})
                await receive()
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["path"] == "/stat":
            await begin(send, 200, b"application/json", json.dumps(moments).encode())
        else:
            await self.proxy(scope["path"], receive, send)

    async def proxy(self, path: str, receive: Receive, send: Send) -> None:
        """Relay one request; if the client leaves first, drop the upstream call and note it."""
        body = await read(receive)
        work = cast("asyncio.Task[None]", asyncio.current_task())
        watch = asyncio.ensure_future(gone(receive))
        watch.add_done_callback(lambda done: None if done.cancelled() else work.cancel())
        try:
            await self.relay(path, body, send)
        except asyncio.CancelledError:
            moments[path] = (watch.result(), await send_outcome(path, send))
        finally:
            watch.cancel()

    async def relay(self, path: str, body: bytes, send: Send) -> None:
        """Post the body and pass the reply on: in one piece, or a stream piece by piece."""
        async with self.post(path, body) as (status, kind, pieces):
            if kind != SSE:
                await begin(send, status, kind, b"".join([piece async for piece in pieces]))
                return
            await begin(send, status, kind)
            async for piece in pieces:
                await chunk(send, piece)
        await chunk(send, b"", more=False)


async def send_outcome(path: str, send: Send) -> str:
    """Return what ``send`` does once the client has gone: 'silent', or what it raised."""
    try:
        await (begin(send, 499, SSE) if path == "/mute" else chunk(send, EVENT))
    except Exception as fault:  # noqa: BLE001 - its name is the finding
        return type(fault).__name__
    return "silent"


app = Proxy()


SERVERS = {  # arguments after the interpreter: no access log, no WebSockets, one worker, uvloop
    "uvicorn": "-m uvicorn http_stack:{app} --app-dir {folder} --port {port} --loop uvloop"
    " --http httptools --ws none --no-access-log --log-level warning",
    "granian": "-m granian http_stack:{app} --working-dir {folder} --port {port} --loop uvloop"
    " --interface asgi --http 1 --workers 1 --no-ws --no-access-log --log-level warning",
}


@dataclass
class Measured(Running):
    """A running server and what was measured of it."""

    samples: dict[str, list[float]] = field(default_factory=dict)  # figure -> one value a round
    left: dict[str, Leaving] = field(default_factory=dict)  # by path
    rss_mb: list[float] = field(default_factory=list)  # idle, after

    def weigh(self) -> None:
        """Note the resident memory."""
        self.rss_mb.append(self.resident_mb())


def start(stack: ExitStack, server: str, client: str = "", upstream_port: int = 0) -> Measured:
    """Start a proxy, or without a client the upstream, and wait until it listens."""
    port = free_port()
    what = {"app": "app" if client else "upstream", "folder": Path(__file__).parent, "port": port}
    arguments = [part.format(**what) for part in SERVERS[server].split()]
    told = {"BENCH_CLIENT": client, "BENCH_UPSTREAM": f"http://127.0.0.1:{upstream_port}"}
    running = launch(stack, f"{server} + {client}", port, arguments, {**os.environ, **told})
    return Measured(running.name, running.port, running.process)


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> list[bytes]:
    """Make one request on an open connection; return the body's HTTP chunks, or all as one."""
    wire = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(BODY)}\r\n\r\n{BODY}"
    writer.write(wire.encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    if not head.startswith("http/1.1 200"):
        raise SystemExit(f"unexpected reply to {path}: {head}")
    if "chunked" not in head:
        length = head.partition("content-length:")[2].partition("\r\n")[0]
        return [await reader.readexactly(int(length))]
    pieces: list[bytes] = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        pieces.append((await reader.readexactly(size + 2))[:-2])
    await reader.readexactly(2)
    return pieces


async def load(port: int, path: str, requests: int, connections: int = 1) -> tuple[float, int]:
    """Make the requests in a closed loop, checking bodies; return p50 ms and chunks in all."""
    replies: list[tuple[float, int]] = []
    expected = REPLY.encode() if path == "/json" else EVENT * CHUNKS

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(requests // connections):
            began = time.perf_counter()
            pieces = await ask(reader, writer, path)
            replies.append(((time.perf_counter() - began) * 1e3, len(pieces)))
            if b"".join(pieces) != expected:
                raise SystemExit(f"port {port} changed the body of {path}")
        writer.close()

    await asyncio.gather(*(one_connection() for _ in range(connections)))
    return statistics.median(ms for ms, _ in replies), sum(count for _, count in replies)


async def noted(server: Measured, path: str) -> tuple[float, str]:
    """Return what the proxy or the upstream noted of the last client to leave ``path``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    found = json.loads((await ask(reader, writer, "/stat"))[0])
    writer.close()
    return tuple(found.get(path, (0.0, "never told")))


async def measure(proxy: Measured) -> None:
    """Run one round of one proxy: a short warm-up, requests, streams, then latency alone."""
    await load(proxy.port, "/json", 4 * CONCURRENCY, CONCURRENCY)
    start_ms = proxy.cpu_ms()
    await load(proxy.port, "/json", REQUESTS, CONCURRENCY)
    request_ms = (proxy.cpu_ms() - start_ms) / REQUESTS
    start_ms = proxy.cpu_ms()
    _, pieces = await load(proxy.port, "/sse", STREAMS, CONCURRENCY)
    chunk_us = (proxy.cpu_ms() - start_ms) / STREAMS / CHUNKS * 1e3
    latency_ms, _ = await load(proxy.port, "/json", 100)
    names = ("cpu_ms_per_request", "cpu_us_per_chunk", "reads_per_chunk", "latency_p50_ms")
    values = (request_ms, chunk_us, pieces / STREAMS / CHUNKS, latency_ms)
    for name, value in zip(names, values, strict=True):
        proxy.samples.setdefault(name, []).append(value)


async def leave(proxy: Measured, origin: Measured, path: str) -> Leaving:
    """Ask, close the connection after 0.3 s, and see when app and upstream learn of it."""
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    await asyncio.sleep(0.3)
    left = time.monotonic()
    writer.close()
    await asyncio.sleep(1.2)
    (seen, outcome), (dropped, _) = await noted(proxy, path), await noted(origin, path)
    ms = [round((at - left) * 1e3, 1) if at >= left else None for at in (seen, dropped)]
    return ms[0], ms[1], outcome


def row(proxy: Measured) -> str:
    """One proxy's line of the table."""
    figures = (("cpu_ms_per_request", 3), ("cpu_us_per_chunk", 1), ("latency_p50_ms", 2))
    cells = [proxy.name, *(spread(proxy.samples[name], digits) for name, digits in figures)]
    cells.append(", ".join(f"{mb:.0f}" for mb in proxy.rss_mb))
    received, closed, outcomes = zip(*proxy.left.values(), strict=True)
    cells += ["no" if None in ms else f"yes, {max(ms)}" for ms in (received, closed)]
    cells.append(", ".join(sorted(set(outcomes))))
    return "| " + " | ".join(cells) + " |"


def table(proxies: list[Measured], direct: list[float], imports: dict[str, list[float]]) -> str:
    """Return the one table, as Markdown, with two lines of facts below it."""
    reads = min(min(proxy.samples["reads_per_chunk"]) for proxy in proxies)
    rows = "\n".join(map(row, proxies))
    costs = "; ".join(f"{name} {spread(ms, 0)}" for name, ms in imports.items())
    return f"""| server + client | CPU ms/request | CPU us/chunk | p50 ms, one client \
| RSS MB idle, after | disconnect told, worst ms | upstream closed, worst ms | send() after |
|---|---|---|---|---|---|---|---|
{rows}
| direct, no proxy | - | - | {spread(direct, 2)} | - | - | - | - |

import, CPU ms: {costs}
least reads per chunk: {reads:.2f} (1 = no chunk was merged with the next)"""


async def bench(rounds: int) -> tuple[str, dict[str, object]]:
    """Run everything; return the printed report and the JSON."""
    direct: list[float] = []
    imports: dict[str, list[float]] = {name: [] for name in (*CLIENTS, *SERVERS)}
    with ExitStack() as stack:
        origin = start(stack, "uvicorn")
        pairs = itertools.product(SERVERS, CLIENTS)
        proxies = [start(stack, server, client, origin.port) for server, client in pairs]
        for proxy in proxies:
            proxy.weigh()
        for turn in range(rounds):
            direct.append((await load(origin.port, "/json", 100))[0])
            for place in range(len(proxies)):
                await measure(proxies[(place + turn) % len(proxies)])
            for name, found in imports.items():
                found.append(import_ms(f"import {name}"))
        for proxy in proxies:
            for path in ("/drip", "/stall", "/mute"):
                proxy.left[path] = await leave(proxy, origin, path)
            proxy.weigh()
    rows = {p.name: {**p.samples, "rss_mb": p.rss_mb, "leaving": p.left} for p in proxies}
    versions = {name: version(name) for name in (*imports, "httptools", "uvloop", "httpcore2")}
    machine = {"python": platform.python_version(), "cpus": os.cpu_count(), "versions": versions}
    figures = {"proxies": rows, "direct_latency_p50_ms": direct, "import_cpu_ms": imports}
    return table(proxies, direct, imports), {**machine, **figures}


def main() -> None:
    """Parse the command line, run, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", default="http_stack.json", help="where the figures go")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds, 5 or more")
    options, began = parser.parse_args(), time.monotonic()
    report, figures = asyncio.run(bench(options.rounds))
    figures |= {"rounds": options.rounds, "seconds": round(time.monotonic() - began, 1)}
    Path(options.json).write_text(json.dumps(figures, indent=1) + "\n")
    print(report)


if __name__ == "__main__":
    main()
