"""What the gateway calls: llama.cpp servers, scripted ones, and one that keeps what it was sent."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import platformdirs
import pytest
from tests.support.gateway import PATIENCE_S, eventually
from tests.support.serving import serving

from pointsman.providers.scripted import ScriptedProvider, ScriptedUpstream
from pointsman.weights import WeightsStore

MODEL = "smollm2-135m-instruct"
_SCRIPT = Path(__file__).with_name("llama_server.py")


def model_weights() -> Path:
    """The small model's weights; skips the test where they are not on this machine."""
    home = os.environ.get("POINTSMAN_TEST_HOME") or platformdirs.user_data_dir("pointsman")
    found = WeightsStore(Path(home)).find(MODEL)
    if found is None:
        pytest.skip("needs weights: pointsman models pull smollm2 (`make test-full` does it)")
    return found


class LlamaServer:
    """A llama.cpp server over the small model; on the CPU, at a port that it keeps."""

    def __init__(self, name: str, log: Path) -> None:
        """`name` is the model's name on the wire; the server's own words go to `log`.

        Skips the test where the weights are not on this machine.
        """
        self.name = name
        self._weights = model_weights()
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def base_url(self) -> str:
        """Its OpenAI API."""
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        """Start it and wait until the weights are loaded."""
        command = [sys.executable, _SCRIPT, self._weights, self.name, str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(self._is_ready, f"the llama.cpp server {self.name} is ready")

    def kill(self) -> None:
        """End it at once (SIGKILL). Idempotent."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(PATIENCE_S)

    def _is_ready(self) -> bool:
        assert self._process is not None
        status = self._process.poll()
        assert status is None, self._log.read_text(errors="replace")[-2000:]
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except ConnectionError:
            return False
        finally:
            connection.close()


@asynccontextmanager
async def scripted_upstream(*providers: ScriptedProvider) -> AsyncIterator[str]:
    """Serve providers from this event loop; the base URL of their OpenAI API."""
    async with serving(ScriptedUpstream(*providers)) as address:
        yield f"{address}/v1"


@dataclass(frozen=True)
class Sent:
    """A request as it came over the wire."""

    #: With its query, nothing decoded.
    path: str
    #: Names in lower case.
    headers: dict[str, str]
    body: bytes


class Recorder:
    """An upstream that keeps every request it was sent, and answers bytes that it was given."""

    def __init__(self) -> None:
        """It answers an empty object until told otherwise."""
        self.sent: list[Sent] = []
        self.status = 200
        self.reply = b"{}"
        self.content_type = "application/json"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def bodies(self) -> list[bytes]:
        """What was sent, the oldest first."""
        return [sent.body for sent in self.sent]

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def base_url(self) -> str:
        """Its OpenAI API."""
        return f"{self.address}/v1"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                recorder.sent.append(Sent(self.path, headers, body))
                self.send_response(recorder.status)
                self.send_header("content-type", recorder.content_type)
                self.send_header("content-length", str(len(recorder.reply)))
                self.end_headers()
                self.wfile.write(recorder.reply)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        return Handler
