"""`docs/how-to/from-one-laptop-to-a-team.md`, walked on real servers: what stands there is done."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.docs.pages import ROOT, blocks, commands
from tests.support import servers
from tests.support.balancers import HAProxy
from tests.support.gateway import PATIENCE_S, Gateway, eventually
from tests.support.postgres_books import new_database
from tests.support.replicas import Replicas

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]

PAGE = ROOT / "docs" / "how-to" / "from-one-laptop-to-a-team.md"
#: What the page takes for granted: somebody has models.
MODELS = """
[models.brisk]
provider = "scripted"
model = "brisk"
price = { input = "1", output = "2" }
"""
#: The page's commands in its order, as whoever walks it has to know them.
SERVE, MAKE_ADMIN, MAKE_ANN, BOOKS, REDIS, MOVE, SERVE_ALL, MAKE_BOB = range(8)


def pointsman(line: str, home: Path, variables: dict[str, str]) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(
        ["bash", "-c", line.replace("pointsman", f"{sys.executable} -m pointsman", 1)],
        cwd=home,
        env={**os.environ, **variables, "POINTSMAN_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, (line, done.stdout, done.stderr)
    return done.stdout


def key_in(printed: str) -> str:
    """The key that a command has made."""
    return max((word for word in printed.split() if word.startswith("pm_")), key=len)


def chat(address: str, key: str) -> int:
    """The status of a request."""
    parts = urlsplit(address)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_S)
    asked = {"model": "auto", "messages": [{"role": "user", "content": "All aboard?"}]}
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(asked), bearer(key))
        return connection.getresponse().status
    finally:
        connection.close()


class Team:
    """Asks on and on with one key, and counts the answers."""

    def __init__(self, address: str, key: str) -> None:
        self.answers: Counter[int] = Counter()
        self._ends = threading.Event()
        self._asking = threading.Thread(target=self._ask_on, args=(address, key))
        self._asking.start()

    def _ask_on(self, address: str, key: str) -> None:
        while not self._ends.is_set():
            self.answers[chat(address, key)] += 1

    def stop(self) -> None:
        """When the open one is answered."""
        self._ends.set()
        self._asking.join()


def test_the_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [each.line for block in blocks(PAGE, "console") for each in commands(block)]
    assert len(lines) == 8, lines
    laptop = tmp_path / "laptop"

    # On the laptop.
    assert lines[SERVE] == "pointsman serve"
    with Gateway(laptop, MODELS) as gateway:
        pointsman(lines[MAKE_ADMIN], laptop, {})
        ann = key_in(pointsman(lines[MAKE_ANN], laptop, {}))
        assert chat(gateway.address, ann) == 200

    # The books move; both servers are real.
    assert lines[BOOKS].startswith("export BOOKS=postgresql://")
    assert lines[REDIS].startswith("export REDIS_URL=redis://")
    there = {
        "BOOKS": asyncio.run(new_database(servers.postgres())),
        "REDIS_URL": servers.redis().url,
    }
    for name, value in there.items():
        monkeypatch.setenv(name, value)
    assert "What was read back is what was sent" in pointsman(lines[MOVE], laptop, there)

    # Two servers, two processes each, one balancer.
    (tables,) = blocks(PAGE, "toml")
    assert lines[SERVE_ALL].startswith("pointsman serve")
    assert "--workers 2" in lines[SERVE_ALL]
    config = f"{MODELS}{tables.text}"
    with Replicas(tmp_path / "servers", config, count=2, api_key="", workers=2) as replicas:
        balancer = HAProxy(replicas.ports)
        balancer.start()
        try:
            walk_on(lines, replicas, balancer, ann, there)
        finally:
            balancer.stop()
        assert replicas.errors() == []


def walk_on(
    lines: list[str], replicas: Replicas, balancer: HAProxy, ann: str, there: dict[str, str]
) -> None:
    """From where clients are pointed at the balancer."""
    first, other = replicas.gateways
    shell = "".join(block.text for block in blocks(PAGE, "sh"))
    (asked,) = [line for line in shell.splitlines() if line.startswith("curl ")]
    asked, _, answer = asked.replace("8080", str(balancer.port)).partition("#")
    ready = subprocess.run(["bash", "-c", asked], capture_output=True, check=True, text=True)
    assert ready.stdout == answer.strip()
    assert [chat(balancer.url, ann) for _ in range(4)] == [200] * 4

    bob = key_in(pointsman(lines[MAKE_BOB], first.home, there))
    for gateway in replicas.gateways:
        eventually(partial(lets_in, gateway, bob), "the key is known")
    answers = Counter(chat(balancer.url, bob) for _ in range(20))
    assert set(answers) == {200, 429}
    # Five, and on a machine so busy that Redis answers late one of each process; not five of each.
    assert 5 <= answers[200] <= 5 + 4

    report_by_key = "pointsman report --by key"
    assert f"- `{report_by_key}`" in PAGE.read_text(encoding="utf-8")
    report = pointsman(report_by_key, other.home, there)
    assert "ann" in report or ann[:11] in report
    assert other.send("GET", "/v1/report", more=bearer(ann)).json()["total"]["requests"] >= 5

    pointsman(f"pointsman keys delete {ann[:11]}", first.home, there)
    for gateway in replicas.gateways:
        eventually(partial(refuses, gateway, ann), "it is refused")

    carol = key_in(pointsman("pointsman keys create --name carol", other.home, there))
    for gateway in replicas.gateways:
        eventually(partial(lets_in, gateway, carol), "the key is known")
    team = Team(balancer.url, carol)
    try:
        for gateway in replicas.gateways:
            assert gateway.stop() == 0
            gateway.start()
    finally:
        team.stop()
    assert set(team.answers) == {200}


def lets_in(gateway: Gateway, key: str) -> bool:
    """Whether a gateway knows a key."""
    return gateway.send("GET", "/v1/models", more=bearer(key)).status == 200


def refuses(gateway: Gateway, key: str) -> bool:
    """Whether a gateway knows that a key is none."""
    return not lets_in(gateway, key)


def bearer(key: str) -> dict[str, str]:
    """How a key is sent."""
    return {"authorization": f"Bearer {key}"}
