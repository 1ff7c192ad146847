"""The gateway as its users have it: a process of its own, behind a port of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import quote, urlsplit

import psutil

#: Seconds after which what was awaited counts as not coming; generous, for busy machines.
PATIENCE_S = 60.0
_PAGE = 1000

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """A whole reply."""

    status: int
    #: Names in lower case.
    headers: dict[str, str]
    body: bytes

    def json(self):
        """The body as a value."""
        return json.loads(self.body)


def eventually(look: Callable[[], T], what: str, *, within_s: float = PATIENCE_S) -> T:
    """Look until there is something to see, and return it."""
    deadline = time.monotonic() + within_s
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s:g} s: {what}")
        time.sleep(0.02)
    return seen


class Gateway:
    """`pointsman serve` on a configuration; started by `with` or `start`, gone at the end.

    `home` holds its books, and outlives it: start it again, and it goes on with them.
    """

    def __init__(
        self,
        home: Path,
        config: str,
        *,
        api_key: str | None = None,
        cache: bool = False,
        log: str = "off",
        port: int = 0,
        workers: int = 1,
    ) -> None:
        """`config` is the text of a pointsman.toml; `api_key` is asked of every caller.

        Without `cache`, what is asked again is answered anew. `log` is how decisions are printed;
        port 0 is another one in each life.
        """
        self._options = f"--port {port} --workers {workers} --log {log}"
        self._cache = cache
        self.home = home
        self.api_key = api_key
        self.address = ""
        self._config = config
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    async def __aenter__(self) -> Self:
        """For tests whose own event loop serves the upstream, which is looked at from the start."""
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.kill)

    def start(self) -> None:
        """Start it and wait until the first request would be served."""
        self.home.mkdir(parents=True, exist_ok=True)
        config = self.home / "pointsman.toml"
        config.write_text(self._config, encoding="utf-8")
        with self._stderr.open("a") as stderr, self._stdout.open("w") as stdout:
            command = f"-m pointsman serve --config {config.name} {self._options}"
            self._process = subprocess.Popen(
                [sys.executable, *command.split()],
                cwd=self.home,
                env=self._environment(),
                stdout=stdout,
                stderr=stderr,
                text=True,
            )
        eventually(self._has_greeted, "the gateway says where it is")
        self.address = re.findall(r"http://[^\s\"]+", self.printed.partition("\n")[0])[-1]
        eventually(lambda: self.get("/health/ready").status == 200, "the gateway is ready")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._running().pid

    @property
    def base_url(self) -> str:
        """What an OpenAI client is pointed at."""
        return f"{self.address}/v1"

    @property
    def log(self) -> str:
        """What it complained of, over all its lives."""
        return self._stderr.read_text(encoding="utf-8")

    @property
    def printed(self) -> str:
        """What it printed in this life."""
        return self._stdout.read_text(encoding="utf-8")

    def kill(self) -> None:
        """End it at once, as a power cut does. Idempotent."""
        if self._process is not None:
            self._process.kill()
        self._collect()

    def stop(self, ending: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit code when it has."""
        self._running().send_signal(ending)
        return self._collect()

    def children(self) -> list[psutil.Process]:
        """Its child processes."""
        return psutil.Process(self.pid).children(recursive=True)

    def get(self, path: str) -> Answer:
        """The answer to a GET."""
        return self.send("GET", path)

    def chat(self, members: Mapping[str, object]) -> Answer:
        """The answer to a chat request."""
        return self.send("POST", "/v1/chat/completions", json.dumps(members).encode())

    def send(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to a request, on a connection of its own; `more` are headers."""
        parts = urlsplit(self.address)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_S)
        headers = {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        try:
            connection.request(method, path, body, {**headers, **(more or {})})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def record(self, request_id: str) -> dict[str, object]:
        """The decision record of a reply."""
        answer = self.get(f"/v1/decisions/{quote(request_id)}")
        assert answer.status == 200, answer.body
        return answer.json()

    def records(self) -> list[dict[str, object]]:
        """Every decision record, the newest first."""
        found: list[dict[str, object]] = []
        page = "/v1/decisions?limit=1000"
        while len(data := self.get(page).json()["data"]) == _PAGE:
            found += data
            page = f"/v1/decisions?limit={_PAGE}&before={quote(data[-1]['time'])}"
        return found + data

    @property
    def _stderr(self) -> Path:
        return self.home / "stderr.log"

    @property
    def _stdout(self) -> Path:
        return self.home / "stdout.log"

    def _has_greeted(self) -> bool:
        assert self._running().poll() is None, f"it did not start: {self.log}"
        greeting, line_end, _ = self.printed.partition("\n")
        return bool(line_end) and " on http://" in greeting

    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "the gateway is not started"
        return self._process

    def _collect(self) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        return process.wait(PATIENCE_S)

    def _environment(self) -> dict[str, str]:
        """This process's, without what would configure a gateway."""
        ours = {k: v for k, v in os.environ.items() if not k.startswith("POINTSMAN_")}
        key = {"POINTSMAN_API_KEY": self.api_key} if self.api_key else {}
        fresh = {} if self._cache else {"POINTSMAN_CACHE__EXACT": "false"}
        return {**ours, **key, **fresh, "POINTSMAN_HOME": str(self.home)}
