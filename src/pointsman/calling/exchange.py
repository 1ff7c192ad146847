"""One attempt: send a request, and see whether what comes back is an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from msgspec.structs import replace

from pointsman.calling import faults
from pointsman.calling.arrival import Arrival, type_of
from pointsman.calling.line import Line
from pointsman.calling.stream import HIDDEN, EventRelay, RawRelay
from pointsman.errors import RequestRefused, UpstreamBroken, UpstreamError, UpstreamRefused
from pointsman.formats.wire import Head
from pointsman.journey import trace_headers
from pointsman.types import ModelRequest, Outbound, ProviderReply, Usage

#: Bytes of a whole reply; more is an upstream gone wrong.
MAX_REPLY_BYTES = 64 * 1024 * 1024
#: Bytes of an error body that are read.
_MAX_ERROR_BYTES = 64 * 1024
_REDIRECTS = range(300, 400)
_FIRST_ERROR_STATUS = 400
_JSON = "application/json"


async def _is_free(deployment: str, beside: str) -> None:
    """Any number of attempts may be made."""
    del deployment, beside


class Errand(msgspec.Struct, frozen=True):
    """What is to be got, from whichever deployment gives it."""

    request: ModelRequest
    #: What translated replies begin with; the model is filled in by whoever answers.
    head: Head
    #: The organisation that asks: where slots are few, organisations take turns.
    who: str = ""
    #: Nobody waits for it: people go first.
    background: bool = False
    #: It stays local, wherever its plan leads by then.
    confined: bool = False
    #: Somebody looks at the answer before it is given out.
    looked_at: bool = False
    #: Worth one attempt and no waiting.
    once: bool = False
    #: The deployment whose answer is there already, and may yet be given out.
    beside: str = ""
    #: Awaited with the deployment that is to be called, and `beside`, where something was called
    #: before: BudgetExceeded says that this call is not paid for.
    go_on: Callable[[str, str], Awaitable[None]] = _is_free


class Whole(msgspec.Struct, frozen=True):
    """A reply that is there in full: a success, or the upstream's word that the request is bad."""

    status: int
    body: bytes
    content_type: str = _JSON
    usage: Usage | None = None
    #: What the upstream says it served.
    model: str | None = None
    refused: RequestRefused | None = None
    #: It ended for a reason that the client's format has no word for.
    unclear: bool = False
    #: The upstream's own words, in its format.
    source: bytes = b""


async def exchange(
    line: Line, sent: Outbound, errand: Errand, arrival: Arrival
) -> Whole | EventRelay | RawRelay:
    """Send it. Raises UpstreamError where another deployment should be tried.

    The `arrival` has what came by then, whatever is raised.
    """
    request = errand.request
    head = replace(errand.head, model=line.deployment.model)
    if traced := trace_headers(line.deployment.id):
        sent = replace(sent, headers={**sent.headers, **traced})
    reply = await line.provider.open(sent)
    handed_on = False
    try:
        arrival.begins(reply)
        if reply.status in _REDIRECTS:
            raise UpstreamBroken(f"a redirect ({reply.status}), which is not followed")
        if reply.status >= _FIRST_ERROR_STATUS:
            return await _refused(line, reply, request)
        if sent.format == "raw" and type_of(reply) != _JSON:
            handed_on = True
            return RawRelay(reply)
        if sent.stream:
            listener = line.speech.listener(request) if errand.looked_at else None
            relay = EventRelay(reply, line.speech.transcript(request, head), listener, line.key)
            arrival.relay = relay
            await relay.prime()
            handed_on = True
            return relay
        return await _whole(line, reply, request, head, arrival)
    finally:
        if not handed_on:
            await reply.chunks.aclose()


async def _whole(
    line: Line, reply: ProviderReply, request: ModelRequest, head: Head, arrival: Arrival
) -> Whole:
    """A reply that is not streamed. Raises UpstreamBroken where it is none."""
    body = await _read(reply, MAX_REPLY_BYTES, arrival.pieces)
    try:
        whole = line.speech.whole(body, request, head)
    except UpstreamBroken:
        fault = line.speech.fault(request, body)
        arrival.refused |= bool(fault.message or fault.code)
        raise
    return Whole(
        reply.status,
        whole.body,
        usage=whole.usage,
        model=whole.model,
        unclear=whole.unclear,
        source=body,
    )


async def _refused(line: Line, reply: ProviderReply, request: ModelRequest) -> Whole:
    """An error status: the client's fault, whose answer it is then, or else raised.

    Status and headers count, also where the body stops short: they may say when to come back.
    """
    try:
        body = await _read(reply, _MAX_ERROR_BYTES, [], cut=True)
    except UpstreamError:
        body = b""
    if line.key:
        body = body.replace(line.key.encode(), HIDDEN.encode())
    fault = line.speech.fault(request, body)
    wait = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
    refused = UpstreamRefused(
        reply.status,
        {**wait, **reply.headers},
        message=fault.message,
        kind=fault.type,
        code=fault.code,
        param=fault.param,
    )
    if not faults.is_clients(refused):
        raise refused
    return Whole(reply.status, b"", refused=RequestRefused(refused))


async def _read(
    reply: ProviderReply, limit: int, pieces: list[bytes], *, cut: bool = False
) -> bytes:
    size = 0
    async for chunk in reply.chunks:
        pieces.append(chunk)
        size += len(chunk)
        if size > limit:
            if cut:
                break
            raise UpstreamBroken(f"a reply of over {limit} bytes")
    return b"".join(pieces)[:limit]
