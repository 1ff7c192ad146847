"""Entries that other gateways settle, for who watches here: sent only while somebody watches."""

from __future__ import annotations

import msgspec

from pointsman.ports import Bus, Clock
from pointsman.telemetry.live import Live
from pointsman.types import Entry

#: Seconds between two words that somebody watches here, and for which such a word counts.
EVERY_S, COUNTS_S = 2.0, 6.0
#: Entries that one gateway sends in a second: as many as a watcher is shown.
MOST_A_SECOND = 400
_WATCHED, _SETTLED = "watched", "settled"


class Afar:
    """Between this gateway's `Live` and all others'."""

    def __init__(self, live: Live, bus: Bus, clock: Clock) -> None:
        """To be made before the bus is started; `beat` is to be called every so many seconds."""
        self._live = live
        self._bus = bus
        self._clock = clock
        self._wanted_until = float("-inf")
        self._second, self._sent = 0, 0
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Entry).decode
        live.afar = self
        bus.subscribe(_WATCHED, self._hear_watched)
        bus.subscribe(_SETTLED, self._hear_settled)

    @property
    def is_wanted(self) -> bool:
        """Whether somebody watches elsewhere."""
        return self._clock.monotonic() < self._wanted_until

    def settled(self, entry: Entry) -> None:
        """Tell those who watch elsewhere, if there are any; what is too much is dropped."""
        if not self.is_wanted:
            return
        now = self._clock.monotonic()
        if int(now) != self._second:
            self._second, self._sent = int(now), 0
        if self._sent < MOST_A_SECOND:
            self._sent += 1
            self._bus.publish(_SETTLED, self._encode(entry))

    def watched(self) -> None:
        """Somebody watches here: others are to tell what they settle."""
        self._bus.publish(_WATCHED, b"")

    async def beat(self) -> None:
        """Say again that somebody watches, as long as somebody does."""
        if self._live.watchers:
            self.watched()

    def _hear_watched(self, _: bytes) -> None:
        self._wanted_until = self._clock.monotonic() + COUNTS_S

    def _hear_settled(self, payload: bytes) -> None:
        """One that a gateway of another version says otherwise is not shown."""
        try:
            entry = self._decode(payload)
        except msgspec.DecodeError:
            return
        self._live.show(entry)
