"""`/v1/events`: entries as they are settled, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable

from pointsman.access.permissions import scope_of
from pointsman.errors import AuthenticationFailed
from pointsman.ports import Watch
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing
from pointsman.server.query import which_of
from pointsman.types import Outcome, Seen

_COMMENT = b":\n\n"
#: Proxies are asked to let each event through at once.
_HEADERS = {"x-accel-buffering": "no"}


async def events(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Decision records as requests end, as server-sent events, four times a second at most: `entries` with `{entries, dropped}`. Filters as for the summary."""
    which = which_of(incoming)
    if incoming.method == "HEAD":
        return Outgoing(200, b"", "text/event-stream", _HEADERS)

    def is_let_in() -> bool:
        try:
            now = gateway.sign_ins.still_in(incoming.headers)
        except AuthenticationFailed:
            return False
        return scope_of(now) == scope_of(incoming.principal)

    watch = gateway.feed.watch(which, incoming.principal)
    return Outgoing(200, _Events(watch, is_let_in), "text/event-stream", _HEADERS)


class _Events:
    """What one client sees, as long as it is let in."""

    def __init__(self, watch: Watch, is_let_in: Callable[[], bool]) -> None:
        self._watch = watch
        self._pieces = _written(watch, is_let_in)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def close(self, outcome: Outcome = "client_left") -> bytes:
        """Watch no longer."""
        del outcome
        self._watch.close()
        await self._pieces.aclose()
        return b""


async def _written(watch: Watch, is_let_in: Callable[[], bool]) -> AsyncGenerator[bytes]:
    yield _COMMENT
    while (seen := await watch.next()) is not None and is_let_in():
        yield _event(seen) if seen.entries else _COMMENT


def _event(seen: Seen) -> bytes:
    return b'event: entries\ndata: {"entries":[%b],"dropped":%d}\n\n' % (
        b",".join(seen.entries),
        seen.dropped,
    )
