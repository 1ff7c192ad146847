"""The gateway that a client is pointed at: the one that runs, or one for as long as it is needed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from pointsman.assembly.offline import running_at
from pointsman.config import Settings, resolve_secret
from pointsman.errors import ConfigError

#: Seconds until a gateway that was started must listen, and then be ready.
_PATIENCE_S = 60.0
_GLANCE_S = 0.05
_TIMEOUT_S = 5.0


def address_of(settings: Settings) -> str:
    """Where the gateway runs, or would: such as `http://127.0.0.1:7070`."""
    host, port = settings.server.host, settings.server.port
    said = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    return reachable(running_at(settings) or said)


def reachable(address: str) -> str:
    """An address to call: one that listens everywhere is called at the loopback."""
    parts = urlsplit(address.rstrip("/").removesuffix("/v1"))
    loopback = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - it listens there
    host = loopback.get(parts.hostname or "")
    netloc = parts.netloc if host is None else f"{host}:{parts.port}"
    return urlunsplit((parts.scheme, netloc, parts.path, "", ""))


def key_for(settings: Settings, stated: str | None) -> str:
    """What a client sends as its key: the stated one, the configured one, or just any."""
    if stated is not None or settings.api_key is None:
        return stated or "unused"
    return resolve_secret(settings.api_key, os.environ)


@contextlib.contextmanager
def running(settings: Settings, config: Path | None) -> Iterator[str]:
    """The running gateway's address; where none runs, one is started and ended here.

    Raises ConfigError with its own words where it can't be started.
    """
    address = running_at(settings)
    if address is not None:
        yield reachable(address)
        return
    settings.home.mkdir(parents=True, exist_ok=True)
    log = settings.home / "launch.log"
    port = settings.server.port if _is_free(settings) else 0
    command = [sys.executable, "-m", "pointsman", "serve", "--log", "off", "--port", str(port)]
    command += [] if config is None else ["--config", str(config)]
    with log.open("wb") as out:
        # In a session of its own: Ctrl-C is the client's.
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield reachable(_started(process, settings, log))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def let_in(address: str, key: str) -> None:
    """Ask whether a key is let in. Raises ConfigError that says what to do."""
    status = _status(f"{address}/v1/models", key)
    if status is None:
        raise ConfigError(f"no gateway answers at {address}; `pointsman serve` starts one")
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise ConfigError(
            f"the gateway at {address} does not take that key: set POINTSMAN_KEY; "
            "`pointsman keys create` makes one"
        )


def _started(process: subprocess.Popen[bytes], settings: Settings, log: Path) -> str:
    deadline = time.monotonic() + _PATIENCE_S
    while (address := running_at(settings)) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise ConfigError(f"no gateway could be started: {_last_line(log)}")
        time.sleep(_GLANCE_S)
    while _status(f"{reachable(address)}/health/ready") != HTTPStatus.OK:
        if process.poll() is not None:
            raise ConfigError(f"the gateway ended: {_last_line(log)}")
        if time.monotonic() > deadline:
            break  # a model that loads for longer is waited for by whoever asks it
        time.sleep(_GLANCE_S)
    return address


def _is_free(settings: Settings) -> bool:
    host = settings.server.host
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, settings.server.port))
        except OSError:
            return False
    return True


def _status(url: str, key: str | None = None) -> int | None:
    """What GET answers with; None where nobody does."""
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_S) as reply:  # noqa: S310
            status: int = reply.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, HTTPException, ValueError):
        return None


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].removeprefix("pointsman: ") if lines else "it said nothing"
