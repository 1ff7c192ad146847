"""How many requests are let in: by the configuration, by the deployments, by this process's files."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pointsman.access.load import Room
from pointsman.calling.line import Line
from pointsman.config import LoadSettings
from pointsman.ports import Clock
from pointsman.server.descriptors import most_requests
from pointsman.server.door import Door
from pointsman.server.pulse import Pulse


class Entering:
    """The door of a gateway, and the pulse by which it is opened and closed."""

    def __init__(
        self, settings: LoadSettings, clock: Clock, lines: Callable[[], Iterable[Line]]
    ) -> None:
        """`lines` are all deployments, as they are at that moment."""
        self._max_in_flight = settings.max_in_flight
        self._lines = lines
        self.door = Door(
            clock,
            room=self._room,
            queue=settings.queue,
            max_wait_s=settings.max_wait_s,
            late_s=settings.max_lag_s,
        )
        self.pulse = Pulse(self.door.beat)

    def _room(self) -> Room:
        """By everybody's deployments: what an organisation adds lets nobody else in or out."""
        lines = list(self._lines())
        everybodys = [line for line in lines if line.deployment.organisations is None]
        slots = {line.slots for line in everybodys or lines}
        places = sum(each.places for each in slots)
        return Room(
            least=sum(each.limit or 0 for each in slots),
            most=self._max_in_flight or min(most_requests(), places),
        )
