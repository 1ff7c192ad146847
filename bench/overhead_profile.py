"""Where a request's CPU goes: `pointsman serve` under a sampling profiler, a part of `overhead.py`.

The process looks now and then at what its event loop's thread is doing, which is charged with the
CPU that the thread has used since the last look: nothing is made dearer by being watched. What a library does counts for the function
of Pointsman that asked it to, and for the library where none did. The other threads are not seen.
"""

import asyncio
import json
import random
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from _processes import environment, free_port, launch
from http_stack import Measured
from overhead_formats import PATHS, asked
from overhead_gateway import GENEROUS, KEY, Gateway
from overhead_load import prompt, saturate, wire

REQUESTS, WARM_UP = 2500, 200
CONNECTIONS = 8
PROMPT = 400  # tokens
TOP = 15
#: CPU seconds between two looks; kernels round it up to a few milliseconds.
EVERY_S = 0.001
_OURS = "/pointsman/"
_PACKAGES = "site-packages/"


def where(home: Path, models: str) -> dict[str, float]:
    """Functions by the CPU microseconds of a request that are theirs, the dearest first.

    `models` are the gateway's deployments, as configuration.
    """
    made = Gateway(home / "profiled", models + GENEROUS)
    samples, port = home / "samples.json", free_port()
    words = f"{__file__} {samples} serve --config {made.config} --port {port} --log off"
    kept = environment()
    told = {"POINTSMAN_HOME": str(made.home), "POINTSMAN_API_KEY": KEY}
    with ExitStack() as stack:
        running = launch(stack, "profiled", port, words.split(), kept | told)
        gateway = Measured(**vars(running))
        _load(gateway, WARM_UP)
        running.process.send_signal(signal.SIGUSR1)
        began = gateway.main_thread_ms()
        _load(gateway, REQUESTS)
        request_us = (gateway.main_thread_ms() - began) / REQUESTS * 1e3
        running.process.send_signal(signal.SIGINT)
        running.process.wait()
    found: dict[str, float] = json.loads(samples.read_text())
    dearest = sorted(found.items(), key=lambda each: -each[1])[:TOP]
    return {name: request_us * took / sum(found.values()) for name, took in dearest}


def _load(gateway: Measured, count: int) -> None:
    chance = random.Random(19)  # noqa: S311 - the same load in each run
    wires = [
        wire(PATHS["chat"], KEY, asked("chat", "auto", prompt(PROMPT, chance)))
        for _ in range(count)
    ]
    asyncio.run(saturate(gateway.port, wires, CONNECTIONS))


class Sampler:
    """Counts what the main thread is doing."""

    def __init__(self) -> None:
        """Use `start`."""
        #: Function -> CPU seconds.
        self.found: dict[str, float] = {}
        self._last = 0.0

    def start(self) -> None:
        """Look from now on."""
        self._last = time.thread_time()
        signal.signal(signal.SIGPROF, lambda _, frame: self._look(frame))
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def stop(self) -> None:
        """Look no more."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _look(self, innermost: FrameType | None) -> None:
        frame = innermost
        while frame is not None and _OURS not in frame.f_code.co_filename:
            frame = frame.f_back
        ours = frame is not None and not frame.f_code.co_filename.endswith("cli/serve.py")
        name, now = _name(frame if ours else innermost), time.thread_time()
        self.found[name] = self.found.get(name, 0.0) + now - self._last
        self._last = now


def _name(frame: FrameType | None) -> str:
    if frame is None:
        return "?"
    file = frame.f_code.co_filename.rpartition(_PACKAGES)[2].rpartition("/src/")[2]
    return f"{'/'.join(file.split('/')[-3:])} {frame.f_code.co_qualname}"


def serve(samples: str, words: list[str]) -> None:
    """Run `pointsman` with these words; from SIGUSR1 on it is looked at, until it ends."""
    from pointsman.cli import main  # noqa: PLC0415 - only in the process that is looked at

    sampler = Sampler()
    signal.signal(signal.SIGUSR1, lambda *_: sampler.start())
    sys.argv = ["pointsman", *words]
    try:
        main()
    finally:
        sampler.stop()
        Path(samples).write_text(json.dumps(sampler.found))


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
