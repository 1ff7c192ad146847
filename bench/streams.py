"""How many streams one process holds: what each costs in memory, and each of its chunks in CPU.

``python -m bench.streams [--streams N] [--seconds S] [--json FILE]`` prints one table.

`pointsman serve` with its defaults, keys and books in a file included, stands between an upstream
that sends an event a second on each stream (`load_upstream.py`) and this process, which opens the
streams one after the other, counts what arrives and looks at the end for what is missing. Memory
is the gateway's own (USS) with all streams open, less what it was before, after a warm-up; CPU is
that of all its threads while all are open. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from bench._processes import Running
from bench.load_gateway import KEY, start

_EVENT = b'"token "'
_DONE = b"[DONE]"
_BEGUN = b"HTTP/1.1 200"
_PROMPT = "Tell me about the queue of the warehouse, number {}, in a few words."


@dataclass
class Figures:
    """What a run found."""

    streams: int
    seconds: float
    #: Streams that were not let in.
    refused: int
    #: Of the others, those that ended early, or with less than was sent.
    dropped: int
    chunks: int
    memory_kb_per_stream: float
    cpu_us_per_chunk: float
    #: Share of one core while all streams were open.
    cpu_share: float
    #: Between two chunks of a stream, in seconds, where the upstream sends one a second.
    gap_p50_s: float
    gap_p99_s: float

    def table(self) -> str:
        """In words."""
        rows = {
            "streams": f"{self.streams}, a chunk a second, for {self.seconds:.0f} s",
            "refused, dropped": f"{self.refused}, {self.dropped}",
            "memory a stream": f"{self.memory_kb_per_stream:.1f} KiB",
            "CPU a chunk": f"{self.cpu_us_per_chunk:.0f} us",
            "CPU in all": f"{self.cpu_share:.0%} of a core",
            "between two chunks": f"{self.gap_p50_s:.3f} s p50, {self.gap_p99_s:.3f} s p99",
        }
        return "\n".join(f"{name:<20}{value}" for name, value in rows.items())


class Stream(asyncio.Protocol):
    """A client's stream: counts its events."""

    def __init__(self, number: int, tokens: int) -> None:
        """So many tokens are asked for."""
        messages = [{"role": "user", "content": _PROMPT.format(number)}]
        asked = {"model": "one", "stream": True, "max_tokens": tokens, "messages": messages}
        body = json.dumps(asked).encode()
        self._wire = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n"
            f"authorization: Bearer {KEY}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        ).encode() + body
        self._tokens = tokens
        self._tail = b""
        self.events = 0
        self.refused = False
        self.last = 0.0
        self.gaps: list[float] = []
        self.begun = asyncio.Event()
        self.ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Ask."""
        self._transport = transport
        transport.write(self._wire)

    def data_received(self, data: bytes) -> None:
        """Count."""
        if not self._tail and not data.startswith(_BEGUN):
            self.refused = True
            self._transport.abort()
            return
        found = data.count(_EVENT)
        if found:
            now = time.monotonic()
            if self.events and len(self.gaps) < 8:
                self.gaps.append(now - self.last)
            self.last = now
            self.events += found
            self.begun.set()
        self._tail = (self._tail + data)[-64:]
        if _DONE in self._tail and not self.ended.done():
            self.ended.set_result(self.events == self._tokens)
            self._transport.close()

    def close(self) -> None:
        """Leave it where it is."""
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, or too early."""
        del exc
        self.begun.set()
        if not self.ended.done():
            self.ended.set_result(False)


async def open_stream(port: int, number: int, tokens: int) -> Stream:
    """A stream of so many tokens, just asked for."""
    loop = asyncio.get_running_loop()
    return (await loop.create_connection(lambda: Stream(number, tokens), "127.0.0.1", port))[1]


async def _warm(port: int, tokens: int = 2, streams: int = 50) -> None:
    opened = [await open_stream(port, -number - 1, tokens) for number in range(streams)]
    await asyncio.gather(*(each.ended for each in opened))


async def measure(gateway: Running, streams: int, seconds: float, rate: float) -> Figures:
    """Open them at so many a second, hold them all for so long, and count."""
    await _warm(gateway.port)
    before_kb = gateway.unique_kb()
    ramp_s = streams / rate
    tokens = int(ramp_s + seconds + 5)
    opened: list[Stream] = []
    began = time.monotonic()
    for number in range(streams):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        opened.append(await open_stream(gateway.port, number, tokens))
    await asyncio.gather(*(each.begun.wait() for each in opened))
    cpu_ms, since = gateway.cpu_ms(), time.monotonic()
    chunks = sum(each.events for each in opened)
    await asyncio.sleep(seconds)
    cpu_ms, took_s = gateway.cpu_ms() - cpu_ms, time.monotonic() - since
    chunks = sum(each.events for each in opened) - chunks
    kb = (gateway.unique_kb() - before_kb) / streams
    ended = await asyncio.gather(*(each.ended for each in opened))
    refused = sum(each.refused for each in opened)
    gaps = statistics.quantiles([gap for each in opened for gap in each.gaps], n=100)
    return Figures(
        streams=streams,
        seconds=took_s,
        refused=refused,
        dropped=ended.count(False) - refused,
        chunks=chunks,
        memory_kb_per_stream=kb,
        cpu_us_per_chunk=cpu_ms * 1e3 / max(1, chunks),
        cpu_share=cpu_ms / 1e3 / took_s,
        gap_p50_s=gaps[49],
        gap_p99_s=gaps[98],
    )


def run(streams: int, seconds: float, rate: float) -> Figures:
    """Start an upstream and a gateway, and measure."""
    with ExitStack() as stack:
        gateway = start(stack)
        return asyncio.run(measure(gateway, streams, seconds, rate))


def main() -> None:
    """Parse the command line, run, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--streams", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=30.0, help="with all of them open")
    parser.add_argument("--rate", type=float, default=250.0, help="streams opened a second")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    gc.disable()  # this process is the clock
    figures = run(options.streams, options.seconds, options.rate)
    print(figures.table())
    if options.json:
        options.json.write_text(json.dumps(asdict(figures), indent=1) + "\n")


if __name__ == "__main__":
    main()
