"""Where a request's CPU goes: `pointsman serve` under Python's profiler, a part of `overhead.py`.

The profiler sees the event loop's thread, by that thread's CPU clock, from the signal on. It makes
calls dearer than they are, small ones most of all; the figures are scaled to what a request costs
without it: they say which are dear, and about how dear.
"""

import asyncio
import cProfile
import os
import pstats
import random
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from _processes import free_port, launch
from http_stack import Measured
from overhead_formats import PATHS, asked
from overhead_gateway import GENEROUS, KEY, Gateway
from overhead_load import prompt, saturate, wire

REQUESTS, WARM_UP = 600, 100
CONNECTIONS = 8
PROMPT = 400  # tokens
TOP = 15
_PACKAGES = "site-packages/"


def where(home: Path, models: str) -> dict[str, float]:
    """Functions by their own CPU microseconds in a request, the dearest first.

    `models` are the gateway's deployments, as configuration.
    """
    made = Gateway(home / "profiled", models + GENEROUS)
    profile = home / "profile"
    with ExitStack() as stack:
        plain = made.start(stack)
        _load(plain, WARM_UP)
        began = plain.main_thread_ms()
        _load(plain, REQUESTS)
        request_us = (plain.main_thread_ms() - began) / REQUESTS * 1e3
    port = free_port()
    words = f"{__file__} {profile} serve --config {made.config} --port {port}"
    kept = {k: v for k, v in os.environ.items() if not k.startswith("POINTSMAN_")}
    told = {"POINTSMAN_HOME": str(made.home), "POINTSMAN_API_KEY": KEY}
    with ExitStack() as stack:
        running = launch(stack, "profiled", port, [*words.split(), "--log", "off"], kept | told)
        profiled = Measured(**vars(running))
        _load(profiled, WARM_UP)
        profiled.process.send_signal(signal.SIGUSR1)
        _load(profiled, REQUESTS)
        profiled.process.send_signal(signal.SIGINT)
        profiled.process.wait()
    return _dearest(profile, request_us)


def _load(gateway: Measured, count: int) -> None:
    chance = random.Random(19)  # noqa: S311 - the same load in each run
    wires = [
        wire(PATHS["chat"], KEY, asked("chat", "auto", prompt(PROMPT, chance)))
        for _ in range(count)
    ]
    asyncio.run(saturate(gateway.port, wires, CONNECTIONS))


def _dearest(profile: Path, request_us: float) -> dict[str, float]:
    stats = pstats.Stats(str(profile)).stats
    own = {_name(*place): took for place, (_, _, took, _, _) in stats.items()}
    share = request_us / sum(own.values())
    dearest = sorted(own.items(), key=lambda each: -each[1])[:TOP]
    return {name: took * share for name, took in dearest}


def _name(file: str, line: int, function: str) -> str:
    """As people look it up."""
    if file == "~":
        return function
    short = file.rpartition(_PACKAGES)[2].rpartition("/src/")[2]
    return f"{short}:{line} {function}"


def serve(profile: str, words: list[str]) -> None:
    """Run `pointsman` with these words; from SIGUSR1 on it is profiled, until it ends."""
    from pointsman.cli import main  # noqa: PLC0415 - only in the process that is profiled

    profiler = cProfile.Profile(time.thread_time)
    signal.signal(signal.SIGUSR1, lambda *_: profiler.enable())
    sys.argv = ["pointsman", *words]
    try:
        main()
    finally:
        profiler.disable()
        profiler.dump_stats(profile)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
