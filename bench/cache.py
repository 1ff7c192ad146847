"""What the cache costs and saves: latency of hits and misses, and the event loop's lag.

``python bench/cache.py [--json FILE] [--seconds N] [--replies N]`` prints the tables.

Two gateways run side by side, each in a process of its own, over the embedded store, MiniLM's own
weights (`pointsman models pull minilm`) and a scripted model that answers at once. Both hold the
same cached replies: synthetic ones, all in one partition, and prompts of `train/cache_pairs`. One
has the semantic tier on for one route, the other does not have it. Requests of all kinds come one
after the other, each kind once in every step and in random order, so that noise falls on all alike;
their replies are not kept. As many exact hits follow with nothing between: after a pause and another
kind of request a processor has forgotten most of what a hit needs. Every miss is also asked on the route without the tier, and the books
say why it was one. No text comes twice within what the embedder remembers: each is read anew.

Then the load is 100 requests a second, open loop: half of them misses that are embedded and kept, a
quarter exact hits, a quarter semantic hits. A probe in the gateway notes how late the event loop is
(see `cache_gateway.py`), with the cache on and off in turn.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from cache_filling import fill
from cache_gateway import PLAIN, SIMILAR, Gateway, config, reply_text
from cache_load import Client, Reply, latest, question, reasons
from cache_prompts import Prompts
from cache_report import Lags, Report
from http_stack import Measured
from overhead_load import arrivals, load, saturate
from pointsman.config import load as load_settings
from pointsman.weights import WeightsStore

ROUNDS = 5
PAIRS, LEAST_PAIRS = 200, 80  # of semantic hits; with fewer, the embedder remembers the last time
EDITS = 200
FAMILIES = 100  # that are cached before their paraphrases are asked
PAUSE_S = 0.005  # between two requests: what one leaves to be done is no part of the next
BACK_TO_BACK, CONNECTIONS = 100, 4
RATE = 100  # requests a second
MIX = ("miss", "exact", "miss", "semantic")
EMBEDDED = frozenset({"nothing near", "verifier"})  # and whatever the guard names
Reasons = frozenset[str]
HIT: Reasons = frozenset({""})


@dataclass(frozen=True)
class Question:
    """One request of a step."""

    kind: str
    port: int
    wire: bytes
    state: str = "miss"
    #: Why it is a miss.
    reasons: Reasons = HIT


@dataclass(frozen=True)
class Known:
    """What the cache holds beside the synthetic replies."""

    #: Cached, and what it is also the answer to.
    pairs: list[tuple[str, str]]
    #: Near to what is cached, and not given its reply.
    edits: list[str]


class Bench:
    """The requests that come one after the other."""

    def __init__(
        self, similar: Measured, without: Measured, prompts: Prompts, turns: list[str], known: Known
    ) -> None:
        """The gateway with the semantic tier and the one without."""
        self.similar, self.without = similar, without
        self.prompts = prompts
        self._chance = random.Random(9)  # noqa: S311 - the same load in each run
        self._turns = iter(self._chance.sample(turns, len(turns)))
        self._pairs, self._edits = cycle(known.pairs), cycle(known.edits)
        self.rounds: dict[str, list[list[float]]] = {}
        self.left_out: Counter[str] = Counter()
        self.cpu_ms: dict[str, list[float]] = {}

    async def round(self, seconds: float) -> None:
        """Steps for so long, then as many exact hits with nothing between them."""
        here = self.similar.port
        answered: list[tuple[Question, Reply]] = []
        steps = 0
        clients = {each.port: await Client.open(each.port) for each in (self.similar, self.without)}
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            step = [*self._step()]
            self._chance.shuffle(step)
            for asked in step:
                await asyncio.sleep(PAUSE_S)
                answered.append((asked, await clients[asked.port].ask(asked.wire)))
            steps += 1
        for _ in range(steps):
            again = Question("again", here, question(SIMILAR, next(self._pairs)[0]), "exact")
            answered.append((again, await clients[here].ask(again.wire)))
        for client in clients.values():
            client.close()
        self._note(answered)

    def _note(self, answered: list[tuple[Question, Reply]]) -> None:
        """Keep the times of those that were answered as they were meant to be."""
        here = self.similar.port
        ids = {reply.request_id for asked, reply in answered if asked.port == here}
        why = reasons(here, ids)
        found: dict[str, list[float]] = {}
        for asked, reply in answered:
            took = found.setdefault(asked.kind, [])
            said = why.get(reply.request_id, "").partition(":")[0]
            if reply.state == asked.state and said in asked.reasons:
                took.append(reply.ms)
            else:
                self.left_out[f"{asked.kind} -> {reply.state} {said}".strip()] += 1
        for kind, took in found.items():
            if len(took) < len(answered) / len(found) / 2:
                raise SystemExit(f"{kind}: not answered as expected: {self.left_out}")
            self.rounds.setdefault(kind, []).append(took)

    def _step(self) -> Iterator[Question]:
        here, without = self.similar.port, self.without.port
        base, same = next(self._pairs)
        yield Question("exact", here, question(SIMILAR, base), "exact")
        yield Question("stream", here, question(SIMILAR, base, stream=True), "exact")
        yield Question("file", here, question(SIMILAR, next(self._turns)), "exact")
        yield Question("semantic", here, question(SIMILAR, same), "semantic")
        fresh, edit = self.prompts.fresh(), next(self._edits)
        unlike, moment = self.prompts.unlike(), self.prompts.of_the_moment()
        embedded = EMBEDDED | {"guard"}
        yield Question("miss", here, question(SIMILAR, fresh), reasons=embedded)
        yield Question("live", here, question(PLAIN, fresh))
        yield Question("elsewhere", without, question(PLAIN, fresh))
        yield Question("refused", here, question(SIMILAR, edit), reasons=embedded)
        yield Question("refused: plain", here, question(PLAIN, edit))
        yield Question("unlike", here, question(SIMILAR, unlike), reasons=_only("nothing alike"))
        yield Question("unlike: plain", here, question(PLAIN, unlike))
        yield Question("moment", here, question(SIMILAR, moment), reasons=_only("time"))
        yield Question("moment: plain", here, question(PLAIN, moment))

    async def back_to_back(self) -> None:
        """What a request of each kind takes of the CPU."""
        fresh = [self.prompts.fresh() for _ in range(BACK_TO_BACK)]
        pairs = [next(self._pairs) for _ in range(BACK_TO_BACK)]
        similar, without = self.similar, self.without
        loads = (
            ("exact hit", similar, [question(SIMILAR, base) for base, _ in pairs]),
            ("semantic hit", similar, [question(SIMILAR, same) for _, same in pairs]),
            ("miss: embedded", similar, [question(SIMILAR, text) for text in fresh]),
            ("route without the tier", similar, [question(PLAIN, text) for text in fresh]),
            ("gateway without the tier", without, [question(PLAIN, text) for text in fresh]),
        )
        for kind, gateway, wires in loads:
            before = gateway.cpu_ms()
            await saturate(gateway.port, wires, CONNECTIONS)
            cost = (gateway.cpu_ms() - before) / len(wires)
            self.cpu_ms.setdefault(kind, []).append(cost)


def _only(reason: str) -> Reasons:
    return frozenset({reason})


async def get_to_know(port: int, prompts: Prompts) -> Known:
    """Cache prompts, until enough of their paraphrases are hits and enough of their edits are not."""
    client, known = await Client.open(port), Known([], [])
    left = iter(prompts.families)
    while len(known.pairs) < PAIRS or len(known.edits) < EDITS:
        some = [family for _, family in zip(range(FAMILIES), left, strict=False)]
        if not some:
            break
        for family in some:
            await client.ask(question(SIMILAR, family.base, keep=True))
        await asyncio.sleep(0.5)  # kept after the last one was answered
        edits: dict[str, str] = {}
        for family in some:
            for same in filter(prompts.suits, family.same):
                if (await client.ask(question(SIMILAR, same))).state == "semantic":
                    known.pairs.append((family.base, same))
            for edit in filter(prompts.suits, family.other[:2]):
                reply = await client.ask(question(SIMILAR, edit))
                edits |= {reply.request_id: edit} if reply.state == "miss" else {}
        why = reasons(port, {*edits})
        known.edits.extend(
            edit for key, edit in edits.items() if why[key].startswith(("guard", "verifier"))
        )
    client.close()
    if len(known.pairs) < LEAST_PAIRS or not known.edits:
        raise SystemExit(
            f"only {len(known.pairs)} paraphrases are hits, {len(known.edits)} edits are near"
        )
    return Known(known.pairs[:PAIRS], known.edits[:EDITS])


def mix(prompts: Prompts, known: Known, seconds: float, chance: random.Random) -> list[bytes]:
    """The requests of a window, by `MIX` in turn."""
    wires = []
    for number in range(round(RATE * seconds)):
        kind, (base, same) = MIX[number % len(MIX)], chance.choice(known.pairs)
        text = {"exact": base, "semantic": same}.get(kind) or prompts.fresh()
        wires.append(question(SIMILAR, text, keep=kind == "miss"))
    return wires


async def loop_lag(
    on: Gateway, off: Gateway, prompts: Prompts, known: Known, seconds: float
) -> dict[str, Lags]:
    """The lags under load, with the cache on and off in turn, and before it comes."""
    chance = random.Random(13)  # noqa: S311 - the same load in each run
    gateways = {"cache on": on, "cache off": off}
    found = {name: Lags() for name in ("starting", "idle", *gateways)}
    with ExitStack() as stack:
        began = time.monotonic()
        running = {
            name: gateway.start(stack, gateway.home / "lags") for name, gateway in gateways.items()
        }
        found["starting"].windows.append((began, time.monotonic()))
        began = time.monotonic()
        await asyncio.sleep(2)
        found["idle"].windows.append((began, time.monotonic()))
        for _ in range(ROUNDS):
            for name, gateway in running.items():
                wires = mix(prompts, known, seconds / ROUNDS / 2, chance)
                await _window(gateway, wires, chance, found[name])
    for name, lags in found.items():
        lags.read(gateways.get(name, on).home / "lags")
    return found


async def _window(
    gateway: Measured, wires: list[bytes], chance: random.Random, found: Lags
) -> None:
    """One window of load, and what the books say of it."""
    moments = arrivals(RATE, len(wires) / RATE, chance)
    cpu, began = gateway.cpu_ms(), time.monotonic()
    exchanges = await load(gateway.port, wires, moments)
    found.windows.append((began, time.monotonic()))
    found.cpu_ms.append((gateway.cpu_ms() - cpu) / len(wires))
    found.said += latest(gateway.port, len(wires))
    for number, exchange in enumerate(exchanges):
        found.took.setdefault(MIX[number % len(MIX)], []).append(exchange.total_ms)


async def measure(home: Path, weights: Path, options: argparse.Namespace) -> Report:
    """Prepare, then all rounds, then the lag."""
    reply, recheck = reply_text(), f"recheck = {options.recheck}\n" if options.recheck else ""
    tier = f'{recheck}[cache.routes.{SIMILAR}]\nsemantic = "on"\n'
    on = Gateway(home / "on", weights, config(tier, reply))
    without = Gateway(home / "without", weights, config("", reply))
    off = Gateway(home / "off", weights, config("exact = false\n", reply))
    prompts = Prompts(weights)
    turns = [*dict.fromkeys(prompts.turn() for _ in range(options.replies))]
    with ExitStack() as stack:
        client = await Client.open(on.start(stack).port)
        await client.ask(question(SIMILAR, "Which river flows through Vienna?", keep=True))
        client.close()
    await fill(on.cache_file, turns)
    without.take_over(on)
    with ExitStack() as stack:
        gateways = on.start(stack), without.start(stack)
        known = await get_to_know(gateways[0].port, prompts)
        bench = Bench(*gateways, prompts, turns, known)
        for _ in range(ROUNDS):
            await bench.round(options.seconds / ROUNDS)
            await bench.back_to_back()
        read_s = [each.samples["read_s"][0] for each in gateways]
        rss_mb = [each.resident_mb() for each in gateways]
    lags = await loop_lag(on, off, prompts, known, options.seconds)
    return Report(
        len(turns), bench.rounds, dict(bench.left_out), bench.cpu_ms, lags, read_s, rss_mb
    )


def main() -> None:
    """Parse the command line, run, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", default="cache.json", help="where the figures go")
    parser.add_argument("--seconds", type=int, default=60, help="of each of the two loads")
    parser.add_argument("--replies", type=int, default=100_000, help="cached")
    parser.add_argument("--recheck", type=float, help="[cache] recheck, where not as shipped")
    options, began = parser.parse_args(), time.monotonic()
    weights = WeightsStore(load_settings().home).find("minilm")
    if weights is None:
        raise SystemExit("needs the embedder: pointsman models pull minilm")
    with tempfile.TemporaryDirectory() as home:
        report = asyncio.run(measure(Path(home), weights, options))
    figures = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "seconds": round(time.monotonic() - began, 1),
        **report.figures(),
    }
    Path(options.json).write_text(json.dumps(figures, indent=1) + "\n")
    print(report.table())


if __name__ == "__main__":
    main()
