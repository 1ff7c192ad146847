"""What a bus and a feed are told in tests, and waiting for what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Told:
    """An observer that keeps what it is told."""

    settled_entries: list[object] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)

    def settled(self, entry: object) -> None:
        self.settled_entries.append(entry)

    def fault(self, stage: str, error: BaseException) -> None:
        self.faults.append((stage, str(error)))


async def until(holds: Callable[[], object], within_s: float = 20.0) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what it waits for tells nobody
            await asyncio.sleep(0.005)
