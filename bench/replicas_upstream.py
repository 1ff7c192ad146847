"""An upstream that keeps its own books, for the benches of replicas.

``python -m bench.replicas_upstream PORT LOG`` answers chat on that port of the loopback. A prompt
says who asks for what: ``r-17 asks for 5 words, 50 ms apart``; the reply has that many words, each
an event of a stream so long after the one before, or all of them after that long. Its log is
append-only, a line for a call that came and one for a call that ended: the name, when, how many
words were given, and whether that was all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop

_END = b"\r\n\r\n"
_ASKED = re.compile(rb"(r-[0-9a-z-]+) asks for (\d+) words, (\d+) ms apart")
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
#: Tokens of every prompt, as this upstream counts them.
PROMPT_TOKENS = 11


@dataclass
class Given:
    """What the upstream did for one call."""

    name: str
    #: Seconds of `time.monotonic`; the end is None while it is open.
    began: float
    ended: float | None = None
    words: int = 0
    #: Nothing of it is missing.
    whole: bool = False


def prompt(name: str, words: int, gap_s: float) -> str:
    """What is asked: `name` begins with `r-`."""
    return f"{name} asks for {words} words, {gap_s * 1000:.0f} ms apart"


def read_log(log: Path) -> dict[str, list[Given]]:
    """What was given to each name, call by call."""
    calls: dict[int, Given] = {}
    for line in log.read_bytes().splitlines():
        said = json.loads(line)
        if "name" in said:
            calls[said["call"]] = Given(said["name"], said["at"])
        else:
            given = calls[said["call"]]
            given.words, given.whole, given.ended = said["words"], said["whole"], said["at"]
    by_name: dict[str, list[Given]] = {}
    for given in calls.values():
        by_name.setdefault(given.name, []).append(given)
    return by_name


def _usage(words: int) -> dict[str, int]:
    return {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": words,
        "total_tokens": PROMPT_TOKENS + words,
    }


def _event(delta: object, finish: str | None = None, **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    event = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    data = b"data: " + json.dumps({**event, "choices": [choice], **more}).encode() + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


_WORD = _event({"content": "word "})


def _last(words: int) -> bytes:
    done = b"data: [DONE]\n\n"
    ending = _event({}, "stop", usage=_usage(words))
    return ending + b"%x\r\n%b\r\n0\r\n\r\n" % (len(done), done)


def _whole(words: int) -> bytes:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "word " * words},
        "finish_reason": "stop",
    }
    value = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    body = json.dumps({**value, "choices": [choice], "usage": _usage(words)}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


class Log:
    """Written by one process, a line at a time."""

    def __init__(self, path: Path) -> None:
        """Appends."""
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._calls = 0

    def came(self, name: str) -> int:
        """Note a call; its number."""
        self._calls += 1
        self._write({"call": self._calls, "name": name, "at": time.monotonic()})
        return self._calls

    def ended(self, call: int, words: int, *, whole: bool) -> None:
        """Note what became of it."""
        self._write({"call": call, "words": words, "whole": whole, "at": time.monotonic()})

    def _write(self, value: object) -> None:
        os.write(self._file, json.dumps(value).encode() + b"\n")


class Upstream(asyncio.Protocol):
    """One connection: a request at a time."""

    def __init__(self, log: Log) -> None:
        """It notes in `log` what it gives."""
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._data = b""
        self._next: asyncio.TimerHandle | None = None
        self._call: int | None = None
        self._words = 0
        self._gap_s = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is here."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """They have gone, perhaps in the middle of a reply."""
        del exc
        if self._next is not None:
            self._next.cancel()
        self._end(whole=False)

    def data_received(self, data: bytes) -> None:
        """A piece of a request."""
        self._data += data
        head, end, body = self._data.partition(_END)
        fields = head.lower().split(b"\r\n")
        lengths = [int(each[15:]) for each in fields if each.startswith(b"content-length:")]
        if end and len(body) >= sum(lengths):
            self._data = b""
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        asked = _ASKED.search(body)
        if asked is None:  # somebody looks whether it is there
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            return
        self._call, self._words = self._log.came(asked[1].decode()), 0
        words, self._gap_s = int(asked[2]), int(asked[3]) / 1000
        if b'"stream":true' in body.replace(b" ", b""):
            self._transport.write(_HEAD)
            self._stream(words)
        else:
            self._next = self._loop.call_later(self._gap_s, self._give, words)

    def _give(self, words: int) -> None:
        self._words = words
        self._transport.write(_whole(words))
        self._end(whole=True)

    def _stream(self, left: int) -> None:
        if left:
            self._words += 1
            self._transport.write(_WORD)
            self._next = self._loop.call_later(self._gap_s, self._stream, left - 1)
        else:
            self._transport.write(_last(self._words))
            self._end(whole=True)

    def _end(self, *, whole: bool) -> None:
        if self._call is not None:
            self._log.ended(self._call, self._words, whole=whole)
            self._call = None


async def _serve(port: int, log: Path) -> None:
    loop, written = asyncio.get_running_loop(), Log(log)
    server = await loop.create_server(lambda: Upstream(written), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


def main() -> None:
    """Serve until the process ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("log", type=Path)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(options.port, options.log))


if __name__ == "__main__":
    main()
