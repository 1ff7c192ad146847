"""The upstream of the benches of load: it does next to nothing, and takes its time for it.

``python -m bench.load_upstream PORT [--service S] [--gap S]`` answers chat on that port of the
loopback, whatever the path. A whole reply comes after `--service` seconds, give or take a half; a
stream has as many events as `max_tokens` says, the first at once, each further one `--gap` seconds later. The model
`broken` gets a 500.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random

import msgspec
import uvloop

_END = b"\r\n\r\n"
_EVENT = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
_USAGE = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}


class Asked(msgspec.Struct):
    """What counts of a request."""

    model: str = ""
    stream: bool = False
    max_tokens: int = 1


_ASKED = msgspec.json.Decoder(Asked)


def _whole(status: bytes, value: object) -> bytes:
    body = json.dumps(value).encode()
    return b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(delta: object, finish: str | None = None, **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({**_EVENT, "choices": [choice], **more}).encode() + b"\n\n"


REPLY = _whole(
    b"200 OK",
    {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "The queue is empty then. " * 8},
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
    },
)
BROKEN = _whole(b"500 Internal Server Error", {"error": {"message": "broken", "type": "server"}})
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
TOKEN = _chunk(_event({"content": "token "}))
LAST = _chunk(_event({}, "stop", usage=_USAGE) + b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Upstream(asyncio.Protocol):
    """One connection: a request at a time."""

    def __init__(self, service_s: float, gap_s: float) -> None:
        """Seconds of a whole reply, and between two events."""
        self._service_s = service_s
        self._gap_s = gap_s
        self._loop = asyncio.get_running_loop()
        self._data = b""
        self._next: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is here."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """They have gone, perhaps in the middle of a reply."""
        del exc
        if self._next is not None:
            self._next.cancel()

    def data_received(self, data: bytes) -> None:
        """A piece of a request."""
        self._data += data
        head, end, body = self._data.partition(_END)
        if not end:
            return
        fields = head.lower().split(b"\r\n")
        lengths = [int(each[15:]) for each in fields if each.startswith(b"content-length:")]
        if len(body) >= sum(lengths):
            self._data = b""
            self._answer(_ASKED.decode(body) if body else Asked())

    def _answer(self, asked: Asked) -> None:
        if asked.model == "broken":
            self._transport.write(BROKEN)
        elif asked.stream:
            self._transport.write(HEAD)
            self._stream(asked.max_tokens)
        else:
            service_s = self._service_s * (0.5 + random.random())  # noqa: S311 - no secret
            self._next = self._loop.call_later(service_s, self._transport.write, REPLY)

    def _stream(self, left: int) -> None:
        if left > 0:
            self._transport.write(TOKEN)
            self._next = self._loop.call_later(self._gap_s, self._stream, left - 1)
        else:
            self._transport.write(LAST)


async def _serve(port: int, service_s: float, gap_s: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Upstream(service_s, gap_s), "127.0.0.1", port, backlog=4096
    )
    await server.serve_forever()


def main() -> None:
    """Serve until the process ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--service", type=float, default=0.0)
    parser.add_argument("--gap", type=float, default=1.0)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(options.port, options.service, options.gap))


if __name__ == "__main__":
    main()
