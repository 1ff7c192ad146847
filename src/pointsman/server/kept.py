"""Replies kept for a while, so that `previous_response_id` can continue them."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from contextlib import suppress

import msgspec

from pointsman.errors import SharingUnavailable
from pointsman.ports import Clock, ConversationStore
from pointsman.types import Principal

#: Replies kept at once; the oldest go first.
MOST = 1000
#: Bytes of all that is kept.
MOST_BYTES = 64 * 1024 * 1024
#: Bytes of a conversation that other gateways find, too.
MOST_SHARED_BYTES = 1024 * 1024


class _Kept(msgspec.Struct, frozen=True):
    conversation: bytes
    until: float


class KeptReplies:
    """In memory, bounded, each for the one who asked only; and where gateways share, for all."""

    def __init__(
        self, clock: Clock, retention_s: float, *, shared: ConversationStore | None = None
    ) -> None:
        """Kept for `retention_s` seconds; 0 keeps none. `shared` with other gateways."""
        self._shared = shared
        self._clock = clock
        self.retention_s = retention_s
        self._kept: OrderedDict[tuple[Principal, str], _Kept] = OrderedDict()
        self._bytes = 0

    async def keep(self, response_id: str, principal: Principal, conversation: bytes) -> None:
        """Keep what was said so far, under the id of the reply that ends it."""
        if not self.retention_s or len(conversation) > MOST_BYTES:
            return
        self._keep(response_id, principal, conversation)
        if self._shared is not None and len(conversation) <= MOST_SHARED_BYTES:
            name = _name(response_id, principal)
            with suppress(SharingUnavailable):  # this gateway can continue it all the same
                await self._shared.put(name, conversation, self.retention_s)

    async def find(self, response_id: str, principal: Principal) -> bytes | None:
        """What was said up to that reply; None where it is unknown, too old, or another's."""
        self._forget_the_old()
        found = self._kept.get((principal, response_id))
        if found is not None or self._shared is None:
            return found.conversation if found else None
        with suppress(SharingUnavailable):
            return await self._shared.get(_name(response_id, principal))
        return None

    def _keep(self, response_id: str, principal: Principal, conversation: bytes) -> None:
        self._forget_the_old()
        until = self._clock.monotonic() + self.retention_s
        place = (principal, response_id)
        self._forget(place)
        self._kept[place] = _Kept(conversation, until)
        self._bytes += len(conversation)
        while self._kept and (len(self._kept) > MOST or self._bytes > MOST_BYTES):
            self._forget(next(iter(self._kept)))

    def _forget_the_old(self) -> None:
        now = self._clock.monotonic()
        while self._kept and next(iter(self._kept.values())).until < now:
            self._forget(next(iter(self._kept)))

    def _forget(self, place: tuple[Principal, str]) -> None:
        found = self._kept.pop(place, None)
        if found is not None:
            self._bytes -= len(found.conversation)


def _name(response_id: str, principal: Principal) -> str:
    """Another for whoever else asks, whatever the ids are."""
    parts = (principal.organisation, principal.key, principal.user or "", response_id)
    return hashlib.sha256("\0".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()
