"""An upstream that keeps its own books: `python -m tests.support.truth_upstream <file> <pace>`.

A process of its own over the scripted provider; it prints its base URL. Its log is append-only, a
JSON object a line: one when a call comes, and one when it has ended, whoever ended it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import uvicorn
from msgspec.structs import replace
from starlette.types import Message, Receive, Scope, Send
from tests.support.truth_cases import case, number_of

from pointsman.providers.scripted import ScriptedProvider, ScriptedUpstream
from pointsman.types import Usage


class Given(msgspec.Struct, frozen=True):
    """What the upstream did for one call."""

    #: In the order in which the calls came.
    call: int
    case: int
    model: str
    status: int | None = None
    #: `completed`, or why not: `closed` where the gateway left.
    outcome: str = "open"
    #: What it bills, by its own tokens; None where it answered with an error.
    usage: Usage | None = None


class _Named(msgspec.Struct):
    model: str


class TruthUpstream:
    """Answers each call by the script of its case."""

    def __init__(self, log: Path, pace_s: float) -> None:
        """Appends to `log`."""
        self._pace_s = pace_s
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._calls = 0
        self._seen: set[int] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["method"] != "POST":
            await ScriptedUpstream()(scope, receive, send)
            return
        body = await _read(receive)
        told = case(number_of(body))
        self._calls += 1
        given = Given(self._calls, told.number, msgspec.json.decode(body, type=_Named).model)
        self._note(given)
        first = told.number not in self._seen
        script = told.script(given.model, first=first, pace_s=self._pace_s)
        self._seen.add(told.number)
        provider = ScriptedProvider(given.model, script=script)
        try:
            await ScriptedUpstream(provider)(scope, _again(body, receive), send)
        finally:
            (served,) = provider.log
            usage = told.usage
            if served.outcome not in {"completed", "cut"}:  # it had written all when it was cut
                usage = replace(usage, output_tokens=len(served.text.split()))
            self._note(
                replace(
                    given,
                    status=served.status,
                    outcome=served.outcome,
                    usage=usage if served.status == 200 else None,
                )
            )

    def _note(self, given: Given) -> None:
        os.write(self._log, msgspec.json.encode(given) + b"\n")


@contextmanager
def truth_upstream(log: Path, pace_s: float) -> Iterator[str]:
    """Its base URL; the process ends with the block. `pace_s`: see `Case.script`."""
    command = [sys.executable, "-m", "tests.support.truth_upstream", str(log), str(pace_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def read_log(log: Path) -> list[Given]:
    """What it gave, in the order of the calls. Every call must have ended."""
    begun: set[int] = set()
    ended: dict[int, Given] = {}
    for line in log.read_bytes().splitlines():
        given = msgspec.json.decode(line, type=Given)
        if given.outcome == "open":
            begun.add(given.call)
        else:
            assert given.call not in ended
            ended[given.call] = given
    assert begun == ended.keys()
    return [ended[call] for call in sorted(ended)]


async def _read(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, then whatever else comes."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again


async def _serve(log: Path, pace_s: float) -> None:
    upstream = TruthUpstream(log, pace_s)
    config = uvicorn.Config(
        upstream, lifespan="off", log_level="error", access_log=False, ws="none"
    )
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        print(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", flush=True)  # noqa: T201
        await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), float(sys.argv[2])))
