"""`pointsman serve`: the gateway."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal

import typer
import uvicorn

from pointsman.app import App, version
from pointsman.assembly import discovery
from pointsman.assembly.wiring import missing_weights
from pointsman.cli.checkup import whole
from pointsman.cli.options import ConfigOption
from pointsman.cli.upgrading import upgrade_books
from pointsman.cli.workers import Worker, check_workers, supervise
from pointsman.config import Settings, is_loopback, load
from pointsman.config.hidden import secrets_of
from pointsman.errors import ConfigError
from pointsman.garbage import look_seldom, pass_over_what_is_here
from pointsman.server import liveness
from pointsman.server.descriptors import raise_limit
from pointsman.server.ending import EndingServer
from pointsman.server.protocol import BoundedProtocol
from pointsman.telemetry import logs
from pointsman.telemetry.decisions import DecisionLog, SilentObserver
from pointsman.threads import share_memory

_BACKLOG = 2048
_log = logging.getLogger("pointsman")


def serve(
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    log: Annotated[
        Literal["text", "json", "off"] | None, typer.Option(help="How to print each decision.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that serve the port; several share [ledger] url.")
    ] = 1,
) -> None:
    """Serve the APIs of OpenAI, Anthropic and Ollama: point any client at it."""

    def read(worker: Worker | None = None) -> Settings:
        found = _with_found(load(config))
        return found if worker is None else worker.settings(found)

    if hasattr(signal, "SIGHUP"):  # before there is anything to renew, it ends nobody
        signal.signal(signal.SIGHUP, lambda *_: None)
    if os.getpid() == 1:  # in a container: until it serves, the kernel would end nobody for it
        signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    settings = read()
    decisions = log or settings.log.of_decisions
    host, port = host or settings.server.host, settings.server.port if port is None else port
    if missing := missing_weights(settings):
        raise ConfigError(missing)
    logs.start(sys.stderr, settings.log.format)
    raise_limit()
    listening = listen(host, port)
    try:
        if workers == 1:
            upgrade_books(settings)
            _work(settings, read, listening, host=host, decisions=decisions)
        else:
            check_workers(settings)
            supervise(
                workers,
                lambda worker: _work(
                    read(worker),
                    partial(read, worker),
                    listening,
                    host=host,
                    decisions=decisions,
                    worker=worker,
                ),
                settings.database,
                address_of(listening),
                listening.close,
            )
    finally:
        listening.close()


def _work(
    settings: Settings,
    source: Callable[[], Settings],
    listening: socket.socket,
    *,
    host: str,
    decisions: Literal["text", "json", "off"],
    worker: Worker | None = None,
) -> None:
    """Serve in this process, until it is told to end."""
    share_memory()
    look_seldom()
    observer = SilentObserver() if decisions == "off" else DecisionLog(sys.stdout, decisions)
    try:
        with (
            logs.printed(sys.stderr, settings.log.format) as log,
            asyncio.Runner(loop_factory=_loop_factory()) as runner,
        ):
            log.hide(secrets_of(settings, os.environ))
            app = App(settings, observer=observer)
            app.source, app.hide = source, log.hide
            app.watching.drops["log lines"] = lambda: log.dropped
            if isinstance(observer, DecisionLog):
                app.watching.drops["decision lines"] = lambda: observer.printer.dropped
            runner.run(_serve(app, listening, host, worker))
    finally:
        if isinstance(observer, DecisionLog):
            observer.close()


def _with_found(settings: Settings) -> Settings:
    """What is there where the configuration names no models."""
    if not discovery.may_look(settings):
        return settings
    return discovery.with_found(
        settings, asyncio.run(discovery.servers(discovery.addresses(os.environ))), os.environ
    )


async def _serve(app: App, listening: socket.socket, host: str, worker: Worker | None) -> None:
    settings, address = app.settings, address_of(listening)
    loading: asyncio.Task[None] | None = None
    try:
        await app.start(address=address, local=is_loopback(host))
        loading = asyncio.create_task(_loaded(app))
        keys = app.bookkeeping.keys
        if not (keys.has_keys or keys.lets_anybody_in):
            raise ConfigError(
                f"refusing to listen on {host} without a key: anybody who reaches it could spend "
                "your money. Make the first: pointsman keys create --admin"
            )
        if worker is None or worker.speaks:
            _greet(settings, address, keyless=keys.lets_anybody_in)
        server = EndingServer(
            server_config(app, settings),
            app.end,
            draining=app.draining,
            drain_s=settings.server.drain_s,
            hurries=worker is None,
        )
        for ending in (signal.SIGINT, signal.SIGTERM):
            # uvicorn raises it again when all replies are out; the books are closed after that.
            signal.signal(ending, lambda *_: None)
        _reload_when_told(app)
        if worker is not None:
            worker.obey(server)
        silent_s = app.entering.pulse.silence
        with liveness.telling(listening.getsockname()[0], settings.server.live_port, silent_s):
            await server.serve(sockets=[listening])
    finally:
        if loading is not None:
            loading.cancel()
        await app.close()


async def _loaded(app: App) -> None:
    """Once, with the start: what a reload replaces is garbage like any other."""
    if app.settings.learning.enabled:
        await app.learning.loaded()
    pass_over_what_is_here()


def _reload_when_told(app: App) -> None:
    """SIGHUP has the configuration read again, as everywhere."""
    if not hasattr(signal, "SIGHUP"):
        return
    tasks: set[asyncio.Task[None]] = set()

    def begin() -> None:
        task = asyncio.ensure_future(_reload(app))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, begin)


async def _reload(app: App) -> None:
    try:
        renewed = await app.reload()
    except ConfigError as error:
        _log.error("the configuration stays as it was: %s", error)
        return
    in_force = ", ".join(renewed.changed) or "nothing"
    later = f"; with the next start: {', '.join(renewed.waiting)}" if renewed.waiting else ""
    _log.warning("the configuration was read again; changed: %s%s", in_force, later)


def server_config(app: App, settings: Settings) -> uvicorn.Config:
    """How a started app is served."""
    return uvicorn.Config(
        app.asgi(),
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,  # who asks from where is read where it counts
        server_header=False,
        date_header=False,
        timeout_keep_alive=settings.server.keep_alive_s,
        timeout_graceful_shutdown=settings.server.shutdown_grace_s,
    )


def address_of(listening: socket.socket) -> str:
    """Where a bound socket is reached."""
    bound, port = listening.getsockname()[:2]
    return f"http://{f'[{bound}]' if ':' in bound else bound}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """A bound socket: found out now, not when a client comes. Raises ConfigError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(
            f"can't listen on {host}:{port}: {reason}; another port: `pointsman serve --port N`"
        ) from error
    return listening


def _greet(settings: Settings, address: str, *, keyless: bool) -> None:
    greeting = f"Pointsman {version()} on {address}"
    if settings.log.format == "json":
        said = {"level": "info", "logger": "pointsman", "message": greeting}
        typer.echo(json.dumps(said))
    else:
        typer.echo(greeting)
        _say_how(settings, address, keyless=keyless)
    sys.stdout.flush()
    for doubt in whole.doubts(settings, os.environ, datetime.now(UTC)):
        _log.warning("%s", doubt)
    if keyless:
        _log.warning(
            "there is no API key yet: anybody on this machine is let in as an admin; "
            "`pointsman keys create --admin` makes the first"
        )


def _say_how(settings: Settings, address: str, *, keyless: bool) -> None:
    """What there is, and how it is asked."""
    for name, model in settings.models.items():
        typer.echo(
            f"  {name}: {model.model} ({model.provider}, {model.where}, {settings.tier_of(model)})"
        )
    typer.echo("Try it:")
    typer.echo(f"  curl {address}/v1/chat/completions -H 'content-type: application/json' \\")
    typer.echo(
        '    -d \'{"model": "auto", "messages": [{"role": "user", "content": "What is Python?"}]}\''
    )
    typer.echo(f"See where it went, and why: {address}/dashboard")
    key = "any key" if keyless else "your key"
    typer.echo(f"Clients: base URL {address}/v1, {key}. Paths: {address}/docs. Ctrl-C stops.")


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    if os.name == "nt":
        return None
    import uvloop  # noqa: PLC0415 - not on every platform

    return uvloop.Loop
