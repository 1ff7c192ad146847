"""`/v1/responses`: OpenAI's newer format, whose replies can be continued while they are kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

import msgspec
from msgspec.structs import replace

from pointsman.errors import BadRequest
from pointsman.formats.responses import stored
from pointsman.server import talk
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, aside
from pointsman.types import ByteStream, ModelRequest, Outcome, Principal

_OK = 200
_LOOKED_UP_AT_ONCE = 8
_log = logging.getLogger("pointsman.server")


class _Identified(msgspec.Struct):
    id: str


async def responses(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """OpenAI's responses, streamed or not; an earlier one can be continued while it is kept."""
    request = await _in_full(gateway, incoming)
    outgoing = await talk.ask(gateway, incoming, request)
    if outgoing.status != _OK or request.members.get("store") == b"false":
        return outgoing
    keeper = _Keeper(gateway, incoming.principal, request)
    if isinstance(outgoing.body, bytes):
        await keeper.keep(outgoing.body)
        return outgoing
    return replace(outgoing, body=_Kept(outgoing.body, keeper))


async def _in_full(gateway: Gateway, incoming: Incoming) -> ModelRequest:
    """The request with all that it refers to written out. Raises BadRequest."""
    request = await talk.parse(gateway, "responses", incoming.body)
    named = stored.named(request.members)
    if named.response is None and not named.items:
        return request
    body = incoming.body
    if named.items:
        ids = {stored.response_of(item) for item in named.items} - {None}
        found = await _kept(gateway, [str(each) for each in ids], incoming.principal)
        body = stored.resolved(body, found)
    if named.response is not None:
        before = await gateway.replies.find(named.response, incoming.principal)
        if before is None:
            raise _no_longer(named.response, gateway.replies.retention_s)
        body = await aside(lambda each: stored.continued(each, before), body)
    return await talk.parse(gateway, "responses", body)


async def _kept(gateway: Gateway, ids: Sequence[str], principal: Principal) -> list[bytes]:
    """Those of them that are kept, a few looked up at once."""
    found = list[bytes | None]()
    for i in range(0, len(ids), _LOOKED_UP_AT_ONCE):
        some = ids[i : i + _LOOKED_UP_AT_ONCE]
        found += await asyncio.gather(*(gateway.replies.find(each, principal) for each in some))
    return [each for each in found if each is not None]


def _no_longer(previous: str, retention_s: float) -> BadRequest:
    kept = f"for {retention_s:g} s after they ended" if retention_s else "not at all"
    return BadRequest(
        f"there is no response {previous[:128]!r} to continue: replies are kept {kept} "
        "([server] response_retention_s), for whoever asked; "
        "send the whole conversation in `input`",
        param="previous_response_id",
        code="previous_response_not_found",
    )


class _Keeper:
    """Keeps what was asked and answered, under the answer's id."""

    def __init__(self, gateway: Gateway, principal: Principal, request: ModelRequest) -> None:
        self._gateway = gateway
        self._principal = principal
        self._request = request

    async def keep(self, reply: bytes) -> None:
        """`reply` is a whole response, perhaps as an upstream wrote it."""
        try:
            response_id = msgspec.json.decode(reply, type=_Identified).id
            said = stored.stored(self._request.members, reply)
        except msgspec.DecodeError as error:
            _log.warning("a response can't be continued, since it is not understood: %s", error)
            return
        await self._gateway.replies.keep(response_id, self._principal, said)


class _Kept:
    """A stream of which one event, the last, holds the whole response: that is kept."""

    def __init__(self, stream: ByteStream, keeper: _Keeper) -> None:
        self._stream = stream
        self._keeper = keeper

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            # First kept, then sent: clients that have seen it go on without waiting for the end.
            if (whole := stored.ended(piece)) is not None:
                await self._keeper.keep(whole)
            yield piece

    async def close(self, outcome: Outcome = "client_left") -> bytes:
        return await self._stream.close(outcome)
