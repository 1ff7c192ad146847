"""Several processes that serve one port: a parent that starts them, and starts again what dies."""

from __future__ import annotations

import asyncio
import logging
import os
import selectors
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn, Protocol

import typer

from pointsman.config import Settings
from pointsman.errors import ConfigError, PointsmanError
from pointsman.storage.owner import Claim

#: Seconds for which a worker has to live, or its end counts as one more in a row.
STEADY_S = 10.0
#: Seconds until a worker that ended twice in a row is started again; doubled with each time more.
PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
#: Names the folder where prometheus-client keeps what each worker counts.
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

#: What a parent tells its workers, and a worker its parent.
_END, _END_NOW, _RELOAD, _READY = b"e", b"n", b"r", b"."
_SIGNALS: Final = [
    each for each in signal.Signals if each.name in {"SIGTERM", "SIGINT", "SIGHUP", "SIGCHLD"}
]
_log = logging.getLogger("pointsman")


class Ends(Protocol):
    """A server that can be told to end."""

    def end(self, *, at_once: bool = False) -> None:
        """In order, or at once. Idempotent."""


@dataclass(frozen=True)
class Worker:
    """What a worker's process knows of itself."""

    #: From 1 on.
    number: int
    #: It is the first of its number, not one that took the place of another.
    is_first: bool
    _parent: socket.socket

    @property
    def speaks(self) -> bool:
        """Whether it is the one that says where they are."""
        return self.number == 1 and self.is_first

    def settings(self, read: Settings) -> Settings:
        """Its own: what was read, and which worker it is."""
        server, live_port = read.server, read.server.live_port
        if live_port:  # each has a port of its own, the next ones
            server = server.model_copy(update={"live_port": live_port + self.number - 1})
        return read.model_copy(update={"worker": self.number, "server": server})

    def obey(self, server: Ends) -> None:
        """Say that it is ready, and do what the parent says; where that is gone, end.

        To be called in a running event loop.
        """
        loop = asyncio.get_running_loop()
        with suppress(OSError):  # the parent is gone, which is heard soon
            self._parent.send(_READY)

        def hear() -> None:
            said = _received(self._parent)
            if not said:
                loop.remove_reader(self._parent)
            if _RELOAD in said:
                signal.raise_signal(signal.SIGHUP)
            if not said or _END in said:
                server.end()
            if _END_NOW in said:
                server.end(at_once=True)

        loop.add_reader(self._parent, hear)


@dataclass
class _Running:
    """A worker, as its parent knows it."""

    pid: int
    channel: socket.socket
    started: float = field(default_factory=time.monotonic)
    hung_up: bool = False


def check_workers(settings: Settings) -> None:
    """Raises ConfigError where several processes can't serve these settings."""
    if not hasattr(os, "fork"):
        raise ConfigError("--workers needs an operating system that can fork a process")
    if settings.ledger.url is None:
        raise ConfigError(
            "--workers needs books that processes can share: set [ledger] url to a PostgreSQL "
            "database"
        )
    if settings.redis.url is None:
        _log.warning(
            "--workers without [redis] url: each worker counts limits, keeps its cache and knows "
            "who signed in by itself, and only SIGHUP has all of them read the configuration again"
        )
    for name, model in settings.models.items():
        if model.provider == "embedded":
            raise ConfigError(
                f"[models.{name}]: each worker would load an embedded model of its own; serve it "
                "with Ollama or llama.cpp, or with one worker"
            )


def supervise(
    count: int,
    work: Callable[[Worker], None],
    database: Path,
    address: str,
    ending: Callable[[], None],
) -> None:
    """Have so many workers work until they are told to end, or can't begin.

    The claim on `database` is theirs together, with the address where they are found. `ending` is
    for the `Supervisor`. Raises ConfigError, and typer.Exit where they ended otherwise than in order.
    """
    claim = Claim(database, address=address)
    try:
        if code := Supervisor(count, work, ending).run():
            raise typer.Exit(code)
    finally:
        claim.release()


class Supervisor:
    """Starts workers by forking: they have in common what was loaded before.

    The first has to be ready before there are others: where it can't be, none can. From then on,
    one that ends is started again. SIGTERM and SIGINT end all in order, the second of them at
    once, and SIGHUP is passed on.
    """

    def __init__(
        self, count: int, work: Callable[[Worker], None], ending: Callable[[], None]
    ) -> None:
        """`work` is what a worker does, in a process of its own.

        `ending` lets go in the parent of what the workers hold for themselves; it is idempotent.
        """
        self._count = count
        self._work = work
        self._ending = ending
        self._running: dict[int, _Running] = {}
        #: When those that are to be started are, by number, in seconds of `time.monotonic`.
        self._due: dict[int, float] = {1: 0.0}
        #: Ends in a row, by number.
        self._ends: dict[int, int] = {}
        self._looking = selectors.DefaultSelector()
        #: One was ready once.
        self._is_up = False
        self._is_ending = False
        self._code = 0

    def run(self) -> int:
        """Until all have ended; the exit code."""
        with _metrics_folder(), _signals() as signals, self._looking:
            self._looking.register(signals, selectors.EVENT_READ)
            while self._running or self._due:
                self._start_due(signals)
                for key, _ in self._looking.select(self._pause()):
                    if key.fileobj is signals:
                        self._obey(signals.recv(64))
                    else:
                        self._hear(key.data, self._running[key.data])
                self._reap()
        return self._code

    def _pause(self) -> float | None:
        """Seconds until another is due."""
        if not self._due:
            return None
        return max(0.0, min(self._due.values()) - time.monotonic())

    def _obey(self, signals: bytes) -> None:
        for number in signals:
            heard = signal.Signals(number).name
            if heard == "SIGHUP":
                self._tell(_RELOAD)
            elif heard != "SIGCHLD":
                self._tell(_END_NOW if self._is_ending else _END)
                self._end()

    def _end(self) -> None:
        self._is_ending = True
        self._due.clear()
        self._ending()

    def _tell(self, what: bytes) -> None:
        for each in self._running.values():
            with suppress(OSError):  # it has just ended
                each.channel.send(what)

    def _hear(self, number: int, worker: _Running) -> None:
        """It is ready, or hangs up, and is reaped soon."""
        if _received(worker.channel):
            if number in self._ends:
                _log.warning("worker %d serves again", number)
            if not (self._is_up or self._is_ending):
                self._due |= dict.fromkeys(range(2, self._count + 1), 0.0)
            self._is_up = True
        else:
            self._looking.unregister(worker.channel)
            worker.hung_up = True

    def _reap(self) -> None:
        for number, each in tuple(self._running.items()):
            pid, status = os.waitpid(each.pid, os.WNOHANG)
            if not pid:
                continue
            del self._running[number]
            if not each.hung_up:
                self._looking.unregister(each.channel)
            each.channel.close()
            _forget_metrics(pid)
            self._ended(number, each, os.waitstatus_to_exitcode(status))

    def _ended(self, number: int, ended: _Running, code: int) -> None:
        if self._is_ending or not self._is_up:
            self._code = self._code or abs(code)
            self._end()
            return
        lived = time.monotonic() - ended.started
        in_a_row = self._ends[number] = 1 if lived >= STEADY_S else self._ends.get(number, 0) + 1
        pause = 0.0 if in_a_row == 1 else min(PAUSE_S * 2 ** (in_a_row - 2), LONGEST_PAUSE_S)
        self._due[number] = time.monotonic() + pause
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        _log.warning("worker %d ended %s; another starts in %g s", number, how, pause)

    def _start_due(self, signals: socket.socket) -> None:
        now = time.monotonic()
        for number in [number for number, at in self._due.items() if at <= now]:
            try:
                started = self._running[number] = self._start(number, signals)
            except OSError as error:  # no memory, or no place for a process
                _log.warning("worker %d can't be started: %s", number, error.strerror)
                self._due[number] = now + LONGEST_PAUSE_S
                continue
            del self._due[number]
            self._looking.register(started.channel, selectors.EVENT_READ, number)

    def _start(self, number: int, signals: socket.socket) -> _Running:
        ours, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = os.fork()
        except OSError:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            ours.close()
            theirs.close()
            raise
        if not pid:
            _hear_signals_as_usual()
            for inherited in (ours, signals, *(each.channel for each in self._running.values())):
                inherited.close()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if not pid:
            self._live(Worker(number, number not in self._ends, theirs))
        theirs.close()
        return _Running(pid, ours)

    def _live(self, worker: Worker) -> NoReturn:
        """The worker's process, to its end; nothing of the parent's is unwound in it."""
        code = 1
        try:
            self._work(worker)
            code = 0
        except PointsmanError as error:
            typer.echo(f"pointsman: {error}", err=True)
        except KeyboardInterrupt:
            code = 128 + signal.SIGINT
        except BaseException:  # noqa: BLE001 - the last boundary of a process
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _received(channel: socket.socket) -> bytes:
    """What is there to be read; nothing where whoever was there has gone."""
    try:
        return channel.recv(64)
    except ConnectionError:
        return b""


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Where the numbers of signals can be read, which do nothing else meanwhile."""
    heard, told = socket.socketpair()
    told.setblocking(False)
    before = {each: signal.signal(each, lambda *_: None) for each in _SIGNALS}
    signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    try:
        yield heard
    finally:
        signal.set_wakeup_fd(-1)
        for each, handler in before.items():
            signal.signal(each, handler)
        heard.close()
        told.close()


def _hear_signals_as_usual() -> None:
    signal.set_wakeup_fd(-1)
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, lambda *_: None)  # heeded as soon as it serves


@contextmanager
def _metrics_folder() -> Iterator[None]:
    """One for this run, where none is named."""
    if METRICS_FOLDER in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="pointsman-metrics-") as folder:
        os.environ[METRICS_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[METRICS_FOLDER]


def _forget_metrics(pid: int) -> None:
    """What a worker measured of the moment; what it counted stays."""
    for file in Path(os.environ[METRICS_FOLDER]).glob(f"gauge_live*_{pid}.db"):
        file.unlink(missing_ok=True)
