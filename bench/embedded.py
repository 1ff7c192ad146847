"""How to run llama.cpp beside an event loop: its speed, the loop's lag, and the memory.

``python bench/embedded.py --weights FILE.gguf [--json FILE] [--rounds N]`` prints one table.

Each setting gets a child process of its own, built on the product's (`embedded_child.py`), and is
asked for 64 tokens after a prompt of about 400: once alone, once while another process keeps one
core busy. Meanwhile an asyncio loop in this process sleeps 2 ms again and again and notes how much
later it was woken: that is what the gateway's other requests would feel. Speeds are llama.cpp's own
figures (tokens per second); memory is the child's resident set from /proc, so this is Linux only.
Rounds are interleaved over the settings, and the table shows medians, for speeds with the worst.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import aiohttp

from pointsman.providers import embedded_child
from pointsman.providers.child_process import ChildProcess

Change = dict[str, "int | bool | str"]
CORES = embedded_child.usable_cores()
PASSIVE = "OMP_WAIT_POLICY"
KEY = "bench"


@dataclass
class Setting:
    """Settings of the child, changes to llama.cpp's parameters, and environment."""

    name: str
    threads: int = max(1, CORES - 1)
    nice: int = 10
    wait: str = "passive"
    change: Change = field(default_factory=dict)
    samples: dict[str, list[float]] = field(default_factory=dict)

    def add(self, what: str, value: float) -> None:
        """Note one round's figure."""
        self.samples.setdefault(what, []).append(value)


def settings() -> list[Setting]:
    """What is compared; the first is the product's own."""
    q8 = "ggml_type.GGML_TYPE_Q8_0"
    return [
        Setting("chosen: one core left free"),
        Setting("chosen, not niced", nice=0),
        Setting("all cores, llama.cpp as it comes", threads=CORES, nice=0, wait="active"),
        Setting("all cores, passive wait", threads=CORES, nice=0),
        Setting("all cores, passive wait, niced", threads=CORES),
        Setting("all cores, active wait, niced", threads=CORES, wait="active"),
        Setting(
            "all cores, no polling",
            threads=CORES,
            nice=0,
            wait="active",
            change={"cpuparams.poll": 0},
        ),
        Setting("all cores for the prompt only", change={"cpuparams_batch.n_threads": CORES}),
        Setting("KV cache in q8_0", change={"cache_type_k": q8, "cache_type_v": q8}),
        Setting(
            "no flash attention",
            change={"flash_attn_type": "llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED"},
        ),
        Setting("no warm-up", change={"warmup": False}),
        Setting(
            "weights read, not mapped", change={"load_mode": "llama_load_mode.LLAMA_LOAD_MODE_NONE"}
        ),
    ]


# ---- the child ----------------------------------------------------------------------------------
def child(change: Change) -> None:
    """What `embedded_child.main` does, with `change` made to the parameters."""
    import xllamacpp  # noqa: PLC0415 - only the child has it loaded

    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    asked = embedded_child.Settings(**json.loads(sys.stdin.buffer.readline()))
    os.nice(asked.nice)
    params = embedded_child.parameters(asked)
    for path, value in change.items():
        *owners, name = path.split(".")
        owner: object = params
        for part in owners:
            owner = getattr(owner, part)
        if isinstance(value, str):
            enum, _, member = value.partition(".")
            setattr(owner, name, getattr(getattr(xllamacpp, enum), member))
        else:
            setattr(owner, name, value)
    server = xllamacpp.Server(params)
    with answer:
        answer.write(json.dumps({"base_url": f"{server.listening_address}/v1"}) + "\n")
    sys.stdin.buffer.read()
    os._exit(0)


@contextlib.asynccontextmanager
async def running(setting: Setting, weights: Path) -> AsyncIterator[tuple[ChildProcess, str]]:
    """The child and its base URL; the time it took to load is noted."""
    asked = embedded_child.Settings(
        weights=str(weights),
        model="bench",
        api_key=KEY,
        context_length=4096,
        slots=2,
        threads=setting.threads,
        nice=setting.nice,
    )
    line = json.dumps({name: getattr(asked, name) for name in asked.__slots__}).encode()
    command = [
        "env",
        f"{PASSIVE}={setting.wait}",
        sys.executable,
        __file__,
        "--child",
        json.dumps(setting.change),
    ]
    began = time.perf_counter()
    process = await ChildProcess.start(command, line)
    try:
        base_url = await process.base_url(limit_s=60)
        setting.add("load_s", time.perf_counter() - began)
        yield process, base_url
    finally:
        await process.end(grace_s=2)


def memory_mib(pid: int) -> tuple[float, float]:
    """Resident memory, and the part of it that is not the weights' file."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = {
        name: int(rest.split()[0])
        for name, _, rest in (line.partition(":") for line in lines)
        if name in ("VmRSS", "RssAnon")
    }
    return kib["VmRSS"] / 1024, kib["RssAnon"] / 1024


# ---- the measuring ------------------------------------------------------------------------------
async def lag(into: list[float], step_s: float = 0.002) -> None:
    """Sleep again and again; note by how many milliseconds it was too long."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(step_s)
        into.append((time.perf_counter() - began - step_s) * 1e3)


async def ask(http: aiohttp.ClientSession, base_url: str, seed: int) -> dict[str, float]:
    """One prompt that no cache knows; returns llama.cpp's timings."""
    words = ["river", "stone", "engine", "market", "window", "gravity", "orange", "planet"]
    chosen = random.Random(seed).choices(words, k=360)  # noqa: S311 - any words will do
    body = {
        "messages": [{"role": "user", "content": "A story about " + " ".join(chosen)}],
        "max_tokens": 64,
        "ignore_eos": True,
        "cache_prompt": False,
        "temperature": 0,
    }
    headers = {"authorization": f"Bearer {KEY}"}
    async with http.post(f"{base_url}/chat/completions", json=body, headers=headers) as reply:
        reply.raise_for_status()
        timings: dict[str, float] = (await reply.json())["timings"]
        return timings


@contextlib.asynccontextmanager
async def busy_core() -> AsyncIterator[None]:
    """Another process that keeps one core busy."""
    burner = await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")
    try:
        yield
    finally:
        burner.kill()
        await burner.wait()


async def measure(setting: Setting, weights: Path, seed: int) -> None:
    """One round of one setting."""
    async with running(setting, weights) as (process, base_url), aiohttp.ClientSession() as http:
        for case, company in (("alone", contextlib.nullcontext()), ("contended", busy_core())):
            lags: list[float] = []
            async with company:
                watch = asyncio.create_task(lag(lags))
                timings = await ask(http, base_url, seed)
                watch.cancel()
            setting.add(f"prompt_{case}", timings["prompt_per_second"])
            setting.add(f"generation_{case}", timings["predicted_per_second"])
            setting.add(f"lag_p99_{case}", statistics.quantiles(lags, n=100)[98])
            setting.add(f"lag_max_{case}", max(lags))
        resident, anonymous = memory_mib(process.pid)
        setting.add("resident_mib", resident)
        setting.add("anonymous_mib", anonymous)


# ---- the report ---------------------------------------------------------------------------------
def table(rows: list[Setting]) -> str:
    """Markdown."""
    columns = (
        "setting",
        "load s",
        "prompt tok/s, alone",
        "contended",
        "generation tok/s, alone",
        "contended",
        "loop lag ms p99 (worst), alone",
        "contended",
        "memory MiB (without weights)",
    )
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for row in rows:
        got = {name: statistics.median(values) for name, values in row.samples.items()}
        low = {name: min(values) for name, values in row.samples.items()}
        high = {name: max(values) for name, values in row.samples.items()}
        cells = [row.name, f"{got['load_s']:.2f}"]
        for what in ("prompt", "generation"):
            cells += [
                f"{got[f'{what}_{case}']:.0f} ({low[f'{what}_{case}']:.0f})"
                for case in ("alone", "contended")
            ]
        cells += [
            f"{got[f'lag_p99_{case}']:.1f} ({high[f'lag_max_{case}']:.1f})"
            for case in ("alone", "contended")
        ]
        cells.append(f"{got['resident_mib']:.0f} ({got['anonymous_mib']:.0f})")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


async def bench(weights: Path, rounds: int) -> list[Setting]:
    """All settings, round by round; whatever is slow for a while is so for several."""
    rows = settings()
    for seed in range(rounds):
        for place in range(len(rows)):
            await measure(rows[(place + seed) % len(rows)], weights, seed)
    return rows


def main() -> None:
    """Measure, or be a child."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--weights", type=Path, help="a GGUF file")
    parser.add_argument("--json", help="where the figures go")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child(json.loads(options.child))
    rows = asyncio.run(bench(options.weights, options.rounds))
    print(table(rows))
    if options.json:
        figures = {
            "rounds": options.rounds,
            "cores": CORES,
            "python": platform.python_version(),
            "xllamacpp": metadata.version("xllamacpp"),
            "settings": [{"name": row.name, **row.samples} for row in rows],
        }
        Path(options.json).write_text(json.dumps(figures, indent=1) + "\n")
    return None


if __name__ == "__main__":
    main()
