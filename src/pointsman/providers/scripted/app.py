"""Scripted providers behind HTTP: an OpenAI-compatible upstream for benches and fault tests.

A plain ASGI app for uvicorn: `uvicorn --factory pointsman.providers.scripted:ScriptedUpstream`.
Where a script breaks a body off or takes no connection, the client's connection is closed in the
middle of things; ASGI has no word for that, so uvicorn's transport is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TypeAlias

import msgspec

from pointsman.errors import BadRequest, UpstreamBroken, UpstreamUnreachable
from pointsman.providers.scripted.exchange import JSON_TYPE
from pointsman.providers.scripted.frames import error_body
from pointsman.providers.scripted.paths import PATHS
from pointsman.providers.scripted.provider import CREATED, ScriptedProvider
from pointsman.providers.scripted.reading import read
from pointsman.types import Json, Outbound

Message: TypeAlias = MutableMapping[str, object]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


#: By the whole path.
_PATHS = {f"/v1{path}": path for path in PATHS}


class _Named(msgspec.Struct):
    model: str | None = None


class ScriptedUpstream:
    """OpenAI's API under `/v1` (see `paths`) and `GET /health`, over one provider per model.

    Read `ScriptedProvider.log` for what was really served; `tell` it what to do next.
    """

    def __init__(self, *providers: ScriptedProvider) -> None:
        """Without any, there is one untold provider, of model `scripted`."""
        self._providers = {each.model: each for each in providers or (ScriptedProvider(),)}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's start and stop."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        match scope["method"], scope["path"]:
            case "POST", str(path) if path in _PATHS:
                await self._answer(_PATHS[path], _content_type(scope), receive, send)
            case "GET", "/v1/models":
                await _give(send, 200, msgspec.json.encode(self._models()))
            case "GET", "/health":
                await _give(send, 200, b'{"status":"ok"}')
            case _, path if path in {*_PATHS, "/v1/models", "/health"}:
                await _give(send, 405, error_body(405, "This path has no such method."))
            case _, path:
                await _give(send, 404, error_body(404, f"There is no {path}.", code="not_found"))

    def _models(self) -> Json:
        models: list[Json] = [
            {"id": model, "object": "model", "created": CREATED, "owned_by": "pointsman"}
            for model in self._providers
        ]
        return {"object": "list", "data": models}

    async def _answer(self, path: str, content_type: str, receive: Receive, send: Send) -> None:
        if (body := await _read(receive)) is None:
            return
        model = _model(body, content_type)
        if model is not None and model not in self._providers:
            message = f"The model '{model}' does not exist."
            await _give(send, 404, error_body(404, message, param="model"))
            return
        provider = self._providers[model or next(iter(self._providers))]
        sent = Outbound("raw", provider.model, body, content_type=content_type, path=path)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(_serve(provider, sent, send))
            leaving = group.create_task(_cancel_when_left(serving, receive))
            serving.add_done_callback(lambda _: leaving.cancel())


def _content_type(scope: Message) -> str:
    headers = scope.get("headers")
    named = dict(headers) if isinstance(headers, list) else {}
    return bytes(named.get(b"content-type", JSON_TYPE.encode())).decode("latin-1")


def _model(body: bytes, content_type: str) -> str | None:
    """The model asked for; None where the body does not say, which its provider then refuses."""
    try:
        return read(body, content_type, _Named).model
    except BadRequest:
        return None


async def _serve(provider: ScriptedProvider, sent: Outbound, send: Send) -> None:
    try:
        reply = await provider.open(sent)
    except UpstreamUnreachable:
        await _hang_up(send)
        raise
    headers = [(k.encode(), v.encode("latin-1")) for k, v in reply.headers.items()]
    try:
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        async for chunk in reply.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except UpstreamBroken:
        await _hang_up(send)
        raise
    finally:
        await reply.chunks.aclose()
    await send({"type": "http.response.body", "body": b""})


async def _hang_up(send: Send) -> None:
    """Close the client's connection, then wait to be told that the client is gone.

    Returns at once where the server shows no transport; it then ends the connection its own way.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.close()  # what was written before still goes out
        await asyncio.get_running_loop().create_future()


async def _cancel_when_left(serving: asyncio.Task[None], receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    serving.cancel()


async def _read(receive: Receive) -> bytes | None:
    """The request's body; None where the client left before its end."""
    pieces: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if isinstance(piece := message.get("body", b""), bytes):
            pieces.append(piece)
        if not message.get("more_body"):
            return b"".join(pieces)


async def _give(send: Send, status: int, body: bytes) -> None:
    headers = [
        (b"content-type", JSON_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
