"""`pointsman serve`: the gateway."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from typing import Annotated, Literal

import typer
import uvicorn

from pointsman import discovery
from pointsman.app import App, missing_weights, version
from pointsman.cli.options import ConfigOption
from pointsman.cli.upgrading import upgrade_books
from pointsman.config import Settings, is_loopback, load
from pointsman.errors import ConfigError
from pointsman.server.protocol import BoundedProtocol, EndingServer
from pointsman.telemetry.decisions import DecisionLog, SilentObserver

_BACKLOG = 2048
_log = logging.getLogger("pointsman")


def serve(
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    log: Annotated[
        Literal["text", "json", "off"] | None, typer.Option(help="How to print each decision.")
    ] = None,
) -> None:
    """Serve the APIs of OpenAI, Anthropic and Ollama: point any client at it."""
    settings = _with_found(load(config))
    decisions = log or settings.log.decisions
    host, port = host or settings.server.host, settings.server.port if port is None else port
    if missing := missing_weights(settings):
        raise ConfigError(missing)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    listening = listen(host, port)
    upgrade_books(settings)
    observer = SilentObserver() if decisions == "off" else DecisionLog(sys.stdout, decisions)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(App(settings, observer=observer), settings, listening, host))
    finally:
        listening.close()
        if isinstance(observer, DecisionLog):
            observer.close()


def _with_found(settings: Settings) -> Settings:
    """What is there where the configuration names no models."""
    if not discovery.may_look(settings):
        return settings
    return discovery.with_found(
        settings, asyncio.run(discovery.servers(discovery.addresses(os.environ))), os.environ
    )


async def _serve(app: App, settings: Settings, listening: socket.socket, host: str) -> None:
    address = address_of(listening)
    try:
        await app.start(address=address, local=is_loopback(host))
        keys = app.bookkeeping.keys
        if not (keys.has_keys or keys.lets_anybody_in):
            raise ConfigError(
                f"refusing to listen on {host} without a key: anybody who reaches it could spend "
                "your money. Make the first: pointsman keys create --admin"
            )
        _greet(settings, address, keyless=keys.lets_anybody_in)
        server = EndingServer(server_config(app, settings), app.live.close)
        for ending in (signal.SIGINT, signal.SIGTERM):
            # uvicorn raises it again when all replies are out; the books are closed after that.
            signal.signal(ending, lambda *_: None)
        await server.serve(sockets=[listening])
    finally:
        await app.close()


def server_config(app: App, settings: Settings) -> uvicorn.Config:
    """How a started app is served."""
    return uvicorn.Config(
        app.asgi(),
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
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
    typer.echo(f"Pointsman {version()} on {address}")
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
    sys.stdout.flush()
    if keyless:
        _log.warning(
            "there is no API key yet: anybody on this machine is let in as an admin; "
            "`pointsman keys create --admin` makes the first"
        )


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    if os.name == "nt":
        return None
    import uvloop  # noqa: PLC0415 - not on every platform

    return uvloop.Loop
