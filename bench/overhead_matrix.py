"""What each pair of formats costs: CPU per request and per chunk, part of a run of `overhead.py`.

One gateway per format of the upstream, each with one deployment, so that a request is written for
nobody but who answers it. All of them stand side by side and take their rounds in turn; the load is
a closed loop. A chunk's cost is the slope between streams of few and of many tokens.
"""

import random
from contextlib import ExitStack
from pathlib import Path

from http_stack import Measured
from overhead_formats import PATHS, asked
from overhead_gateway import KEY, Gateway, deployment, note
from overhead_load import Exchange, prompt, saturate, wire
from overhead_report import Cell, Samples

ROUNDS = 3
CONNECTIONS = 8
PROMPT = 400  # tokens
WHOLE = 120  # requests of a window
FEW, FEW_STREAMS = 10, 40  # tokens of a stream, streams of a window
MANY, MANY_STREAMS = 100, 8
WARM_UP = 24  # requests
#: Format of the upstream -> a provider that takes it, and what else its deployment says.
UPSTREAMS = {
    "chat": ("openai-compatible", 'formats = ["chat"]'),
    "responses": ("openai-compatible", 'formats = ["responses"]'),
    "messages": ("anthropic", ""),
    "ollama": ("ollama", ""),
    "gemini": ("gemini", ""),
    "completions": ("openai-compatible", 'formats = ["completions"]'),
}


def clients_of(upstream: str) -> list[str]:
    """Return who can be served by it: a conversation is more than the text of `completions`."""
    return ["completions"] if upstream == "completions" else list(PATHS)


class Matrix:
    """Every format of clients over every format of upstreams."""

    def __init__(self, stack: ExitStack, home: Path, upstream_port: int) -> None:
        """Start the gateways; they end with `stack`."""
        self._chance = random.Random(13)  # noqa: S311 - the same load in each run
        self._running: dict[str, tuple[Gateway, Measured]] = {}
        for upstream, (provider, more) in UPSTREAMS.items():
            settings = deployment("medium", upstream_port, provider, more)
            gateway = Gateway(home / upstream, settings)
            first = clients_of(upstream)[0]
            self._running[upstream] = gateway, gateway.start(stack, first)
        pairs = [(client, upstream) for upstream in UPSTREAMS for client in clients_of(upstream)]
        self._samples: dict[tuple[str, str], Samples] = {pair: {} for pair in pairs}

    async def run(self) -> None:
        """Warm up, then every round; at last hold the books against what was asked."""
        pairs = list(self._samples)
        for client, upstream in pairs:
            await self._cost(client, upstream, WARM_UP, stream=0)
            await self._cost(client, upstream, CONNECTIONS, stream=FEW)
        for turn in range(ROUNDS):
            shift = turn * len(pairs) // ROUNDS
            for pair in pairs[shift:] + pairs[:shift]:
                await self._round(*pair)
        for gateway, running in self._running.values():
            gateway.audit(running)

    @property
    def cells(self) -> list[Cell]:
        """What was found."""
        return [Cell(*pair, samples) for pair, samples in self._samples.items()]

    async def _round(self, client: str, upstream: str) -> None:
        samples = self._samples[client, upstream]
        note(samples, "cpu_ms per request", await self._cost(client, upstream, WHOLE, stream=0))
        few = await self._cost(client, upstream, FEW_STREAMS, stream=FEW)
        many = await self._cost(client, upstream, MANY_STREAMS, stream=MANY)
        chunk = (many - few) / (MANY - FEW)
        note(samples, "cpu_us per chunk", chunk * 1e3)
        note(samples, "cpu_ms per stream", few - FEW * chunk)

    async def _cost(self, client: str, upstream: str, count: int, *, stream: int) -> float:
        """Make so many requests; CPU milliseconds of the gateway for each."""
        gateway, running = self._running[upstream]
        wires = [
            wire(
                PATHS[client],
                KEY,
                asked(client, "auto", prompt(PROMPT, self._chance), stream=stream),
            )
            for _ in range(count)
        ]
        before = running.cpu_ms()
        found = await saturate(running.port, wires, CONNECTIONS)
        cost = (running.cpu_ms() - before) / count
        gateway.asked += count
        for exchange in found:
            check(exchange, f"{client} over {upstream}", stream)
        return cost


def check(found: Exchange, pair: str, stream: int) -> None:
    """Stop where a reply does not say all that the upstream said."""
    if len(found.transit_ms) != stream or (not stream and b"text text text" not in found.body):
        raise SystemExit(f"{pair}: {len(found.transit_ms)} of {stream} tokens: {found.body!r}")
