"""What each part adds to a request's CPU, as a part of a run of `overhead.py`.

One gateway has everything on and the others have all but one part. All of them stand side by side
and take their rounds in turn, in a closed loop, so that noise falls on all alike; what a part adds
is the difference within a round.
"""

import random
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from http_stack import Measured
from overhead_formats import PATHS, asked
from overhead_gateway import GENEROUS, Gateway, note
from overhead_load import prompt, saturate, wire
from overhead_report import EVERYTHING, Samples

ROUNDS = 7
CONNECTIONS = 8
PROMPT = 400  # tokens
REQUESTS = 150  # of a window
WARM_UP = 100
LIMITS, BUDGETS = GENEROUS.split("[budgets.key]")
#: What is left out -> the configuration without it, and whether callers show a stored key.
WITHOUT = {
    EVERYTHING: (GENEROUS, True),
    "stored key instead of a static one": (GENEROUS, False),
    "limits of key and organisation": (f"[budgets.key]{BUDGETS}", True),
    "budgets of key and organisation": (LIMITS, True),
    "exact cache, looked up and filled": (f"{GENEROUS}[cache]\nexact = false\n", True),
    "learned scorer instead of the heuristic": (
        f'{GENEROUS}[routing]\nscorer = "heuristic"\n',
        True,
    ),
    "search for secrets": (f'{GENEROUS}[privacy]\nlevel = "off"\n', True),
}


@dataclass(frozen=True)
class _Running:
    gateway: Gateway
    measured: Measured


class Parts:
    """A gateway with everything on, and one without each part."""

    def __init__(self, stack: ExitStack, home: Path, models: str) -> None:
        """Start them; they end with `stack`. `models` are their deployments, as configuration."""
        self._chance = random.Random(17)  # noqa: S311 - the same load in each run
        self.samples: Samples = {}
        self._running: dict[str, _Running] = {}
        for place, (name, (settings, stored_key)) in enumerate(WITHOUT.items()):
            gateway = Gateway(home / f"without-{place}", models + settings)
            measured = gateway.start(stack)
            if stored_key:
                gateway.make_key(measured)
            self._running[name] = _Running(gateway, measured)

    async def run(self) -> None:
        """Warm up, then every round; at last hold the books against what was asked."""
        for running in self._running.values():
            await self._cost(running, WARM_UP)
        names = list(self._running)
        for turn in range(ROUNDS):
            shift = turn * len(names) // ROUNDS
            for name in names[shift:] + names[:shift]:
                note(self.samples, name, await self._cost(self._running[name], REQUESTS))
        self.samples = {name: self.samples[name] for name in names}
        for running in self._running.values():
            running.gateway.audit(running.measured)

    async def _cost(self, running: _Running, count: int) -> float:
        """Make so many requests; CPU milliseconds of the gateway for each."""
        gateway, measured = running.gateway, running.measured
        wires = [
            wire(PATHS["chat"], gateway.key, asked("chat", "auto", prompt(PROMPT, self._chance)))
            for _ in range(count)
        ]
        before = measured.cpu_ms()
        await saturate(measured.port, wires, CONNECTIONS)
        gateway.asked += count
        return (measured.cpu_ms() - before) / count
