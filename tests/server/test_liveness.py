"""Liveness is told by a thread, whatever the event loop does."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pointsman.errors import ConfigError
from pointsman.server.liveness import STUCK_S, Liveness, telling


class Loop:
    """An event loop that last turned so many seconds ago."""

    silent_s = 0.0


@contextmanager
def told(loop: Loop) -> Iterator[int]:
    """The port on which it is told."""
    listening = socket.create_server(("127.0.0.1", 0))
    liveness = Liveness(listening, lambda: loop.silent_s)
    try:
        yield liveness.port
    finally:
        liveness.close()
        liveness.close()


def ask(port: int, path: str = "/health/live", method: str = "GET") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path)
    with connection.getresponse() as reply:
        found = reply.status, reply.read()
    connection.close()
    return found


@pytest.mark.parametrize(
    ("silent_s", "status"), [(0.0, 200), (STUCK_S - 1, 200), (STUCK_S + 1, 503)]
)
def test_it_is_alive_as_long_as_its_loop_turns(silent_s: float, status: int) -> None:
    loop = Loop()
    with told(loop) as port:
        loop.silent_s = silent_s
        assert ask(port)[0] == status


def test_nothing_else_is_told() -> None:
    with told(Loop()) as port:
        assert ask(port, "/v1/models")[0] == 404
        assert ask(port, method="POST")[0] == 404
        assert ask(port, method="HEAD") == (200, b"")


def test_who_says_nothing_keeps_nobody_from_asking() -> None:
    with told(Loop()) as port, socket.create_connection(("127.0.0.1", port)):
        assert ask(port)[0] == 200


def test_a_client_that_is_gone_is_nothing_to_it() -> None:
    with told(Loop()) as port:
        for _ in range(3):
            socket.create_connection(("127.0.0.1", port)).close()
        assert ask(port)[0] == 200


def test_it_is_told_on_the_port_that_is_configured_and_nowhere_without_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
        with (
            pytest.raises(ConfigError, match="live_port"),
            telling("127.0.0.1", port, lambda: 0.0),
        ):
            pass
    with telling("127.0.0.1", port, lambda: 0.0):
        assert ask(port)[0] == 200
        with (
            pytest.raises(ConfigError, match="live_port"),  # another gateway of this machine
            telling("127.0.0.1", port, lambda: 0.0),
        ):
            pass
    with telling("127.0.0.1", None, lambda: 0.0), pytest.raises(ConnectionRefusedError):
        ask(port)
