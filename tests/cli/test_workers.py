"""`pointsman serve --workers N`: processes that serve one port, and a parent that sees to them."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from tests.support import servers
from tests.support.gateway import PATIENCE_S, Gateway, eventually
from tests.support.listener import Heard, listening
from tests.support.postgres_books import new_database
from typer.testing import CliRunner

from pointsman.cli import app

CONFIG = """
[models.brisk]
provider = "scripted"
model = "brisk"
script = [{{ reply = "All aboard the night train", chunks = 5, chunk_delay_s = 0.5 }}]

[ledger]
url = "{url}"
"""
#: At a time; more follow until every worker has some.
STREAMS = 40


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("[models.a]\nprovider = 'scripted'\nmodel = 'a'", "set [ledger] url"),
        (
            "ledger.url = 'postgresql://nobody@127.0.0.1:1/none'\n[models.a]\n"  # noqa: ISC004
            "provider = 'embedded'\nmodel = 'smollm2-135m-instruct'",
            "[models.a]",
        ),
    ],
)
def test_what_several_processes_cant_serve(tmp_path: Path, config: str, said: str) -> None:
    file = tmp_path / "pointsman.toml"
    file.write_text(f"home = '{tmp_path}'\n{config}", encoding="utf-8")
    asked = ["serve", "--config", str(file), "--port", "0", "--workers", "2"]

    result = CliRunner().invoke(app, asked)

    assert result.exit_code == 1
    assert said in str(result.exception)


@pytest.fixture
async def config() -> str:
    return CONFIG.format(url=await new_database(servers.postgres()))


@pytest.fixture
def gateway(tmp_path: Path, config: str):
    with Gateway(tmp_path, config, workers=2) as gateway:
        eventually(lambda: len(gateway.children()) == 2, "both are there")
        yield gateway
        assert "Traceback" not in gateway.log


def has_clients(worker: psutil.Process, gateway: Gateway) -> bool:
    """Whether it has accepted a connection that is still there."""
    port = urlsplit(gateway.address).port
    return any(
        each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port
        for each in worker.net_connections("tcp")
    )


async def streams(
    gateway: Gateway,
    *,
    then: signal.Signals,
    to: psutil.Process,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[Heard]:
    """Begin some, send a signal when all have begun at all workers, and see how they end."""
    heard: list[Heard] = []
    async with listening(gateway) as listener:
        asking = []
        while not all(has_clients(each, gateway) for each in gateway.children()):
            some = [Heard(str(len(heard) + number), stream=True) for number in range(STREAMS)]
            asking += [asyncio.create_task(listener.hear(each, "brisk")) for each in some]
            heard.extend(some)
            await asyncio.to_thread(
                eventually, lambda: all(each.events for each in heard), "all have begun"
            )
        to.send_signal(then)
        await asyncio.to_thread(meanwhile)
        await asyncio.gather(*asking, return_exceptions=True)
    return heard


@pytest.mark.full
async def test_what_ends_is_started_again(gateway: Gateway) -> None:
    before = gateway.children()

    told = await streams(gateway, then=signal.SIGTERM, to=before[0])
    assert all(each.whole for each in told)
    await asyncio.to_thread(
        eventually, lambda: gateway.log.count("serves again") == 1, "it is back"
    )

    (older,) = set(before) & set(gateway.children())
    killed = await streams(gateway, then=signal.SIGKILL, to=older)
    whole = [each for each in killed if each.whole]
    assert 0 < len(whole) < len(killed)  # both had some, and only one's are cut
    await asyncio.to_thread(
        eventually, lambda: gateway.log.count("serves again") == 2, "it is back"
    )

    assert not set(before) & set(gateway.children())
    records = {record["client_request_id"] for record in gateway.records()}
    assert {each.name for each in whole} <= records


def is_refused(host: str, port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex((host, port)) == errno.ECONNREFUSED


@pytest.mark.full
async def test_all_end_in_order(gateway: Gateway) -> None:
    workers = gateway.children()

    def nobody_else_comes_in() -> None:
        place = urlsplit(gateway.address)
        eventually(lambda: is_refused(place.hostname or "", place.port or 0), "it is refused")

    heard = await streams(
        gateway,
        then=signal.SIGTERM,
        to=psutil.Process(gateway.pid),
        meanwhile=nobody_else_comes_in,
    )

    assert all(each.whole for each in heard)
    assert await asyncio.to_thread(gateway.stop) == 0
    assert not any(each.is_running() for each in workers)
    told = ("no API key", "--workers without [redis] url")
    assert [
        line for line in gateway.log.splitlines() if not any(map(line.__contains__, told))
    ] == []


@pytest.mark.full
def test_without_their_parent_they_end(gateway: Gateway) -> None:
    workers = gateway.children()

    gateway.kill()

    eventually(lambda: not any(each.is_running() for each in workers), "they end")


@pytest.mark.full
def test_the_command_line_finds_them(gateway: Gateway) -> None:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "pointsman", *arguments]
        config = {"POINTSMAN_CONFIG": str(gateway.home / "pointsman.toml")}
        variables = {**os.environ, **config, "POINTSMAN_HOME": str(gateway.home)}
        return subprocess.run(
            command, env=variables, capture_output=True, text=True, check=True, timeout=PATIENCE_S
        ).stdout

    run("keys", "create", "--name", "ann")

    listed = [json.loads(run("keys", "list", "--json")) for _ in range(4)]  # whoever answers

    assert all("ann" in json.dumps(each) for each in listed)


@pytest.mark.full
def test_where_the_first_cant_begin_none_does(tmp_path: Path) -> None:
    nowhere = CONFIG.format(url="postgresql://nobody@127.0.0.1:1/none")
    gateway = Gateway(tmp_path, nowhere, workers=3)

    with pytest.raises(AssertionError, match="did not start"):
        gateway.start()

    assert gateway.stop() == 1
    assert gateway.log.count("pointsman: ") == 1
