"""Tells whoever starts this process anew that there is no need to: in a thread with its own socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pointsman.errors import ConfigError

#: Seconds without a beat of the event loop after which it is stuck, and not only busy.
STUCK_S = 30.0
#: Seconds that a client gets to say what it wants.
_PATIENCE_S = 1.0
_MOST_BYTES = 4096
_PATHS = (b"GET /health/live ", b"HEAD /health/live ", b"GET /health/live?")


@contextmanager
def telling(host: str, port: int | None, silent_s: Callable[[], float]) -> Iterator[None]:
    """Tell of it on a port meanwhile; None tells nobody.

    Raises ConfigError where the port can't be had.
    """
    if port is None:
        yield
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(f"[server] live_port: can't listen on {host}:{port}: {error}") from error
    liveness = Liveness(listening, silent_s)
    try:
        yield
    finally:
        liveness.close()


class Liveness:
    """Answers `GET /health/live`, however busy the event loop is, and however many files are open.

    200 as long as the loop has turned within the last `STUCK_S` seconds, else 503.
    """

    def __init__(self, listening: socket.socket, silent_s: Callable[[], float]) -> None:
        """Takes over the bound socket. `silent_s` says how long ago the loop turned; any thread asks."""
        self._listening = listening
        self._silent_s = silent_s
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="liveness", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    def close(self) -> None:
        """Answer no more. Idempotent."""
        if not self._closing.is_set():
            self._closing.set()
            with socket.socket(self._listening.family) as wakes:
                wakes.settimeout(_PATIENCE_S)
                wakes.connect_ex(self._listening.getsockname())
            self._thread.join()
            self._listening.close()

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listening.accept()
            except OSError:  # no file is left: there will be one
                self._closing.wait(0.1)
                continue
            with client:
                self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        client.settimeout(_PATIENCE_S)
        try:
            asked = client.recv(_MOST_BYTES)
            client.sendall(self._reply(asked))
        except OSError:
            return  # whoever asked has gone, or says nothing

    def _reply(self, asked: bytes) -> bytes:
        if not asked.startswith(_PATHS):
            return _response(b"404 Not Found", b'{"status":"unknown"}', asked)
        silent_s = self._silent_s()
        stuck = silent_s > STUCK_S
        body = b'{"status":"%b","loop_silent_s":%.1f}' % (b"stuck" if stuck else b"ok", silent_s)
        return _response(b"503 Service Unavailable" if stuck else b"200 OK", body, asked)


def _response(status: bytes, body: bytes, asked: bytes) -> bytes:
    shown = b"" if asked.startswith(b"HEAD ") else body
    return (
        b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
        b"connection: close\r\n\r\n%b" % (status, len(body), shown)
    )
