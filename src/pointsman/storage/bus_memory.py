"""A bus between gateways of one process."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from pointsman.ports import Hear, Observer


class Hub:
    """Where buses of one process meet."""

    def __init__(self) -> None:
        """Nobody is there."""
        self.buses: list[MemoryBus] = []


class MemoryBus:
    """`Bus` in memory; a gateway alone at its hub talks to nobody."""

    def __init__(self, observer: Observer, hub: Hub | None = None) -> None:
        """The observer is told where somebody who hears fails."""
        self._observer = observer
        self._hub = hub or Hub()
        self._hears: defaultdict[str, list[Hear]] = defaultdict(list)

    def publish(self, topic: str, payload: bytes) -> None:
        """See `ports.Bus`."""
        if self not in self._hub.buses:
            return
        for bus in self._hub.buses:
            if bus is not self:
                asyncio.get_running_loop().call_soon(bus.deliver, topic, payload)

    def subscribe(self, topic: str, hear: Hear) -> None:
        """See `ports.Bus`."""
        self._hears[topic].append(hear)

    def deliver(self, topic: str, payload: bytes) -> None:
        """Tell those here who want to hear it."""
        for hear in self._hears[topic]:
            try:
                hear(payload)
            except Exception as error:  # noqa: BLE001 - nobody's fault may stop the others
                self._observer.fault("bus", error)

    async def start(self) -> None:
        """See `ports.Bus`."""
        if self not in self._hub.buses:
            self._hub.buses.append(self)

    async def close(self) -> None:
        """See `ports.Bus`."""
        if self in self._hub.buses:
            self._hub.buses.remove(self)
