"""`pointsman doctor` on the Redis that gateways share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from tests.support.servers import RedisServer

Command = Callable[..., tuple[int, str, str]]
Finding = dict[str, str | None]

CONFIG = """
[redis]
url = "{url}"

[cache]
store = "memory"

[models.weak]
provider = "scripted"
model = "weak-model"
tier = "simple"
"""


@pytest.fixture
def examine(command: Command, tmp_path: Path) -> Callable[[str], Finding]:
    """What the doctor finds of Redis at a URL."""

    def run(url: str) -> Finding:
        file = tmp_path / "here.toml"
        file.write_text(CONFIG.format(url=url))
        _, out, _ = command("doctor", "--config", str(file), "--json")
        return next(check for check in json.loads(out) if check["name"] == "redis")

    return run


@pytest.fixture
def server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.stop()


def test_one_that_is_not_there_is_no_failure(examine: Callable[[str], Finding]) -> None:
    found = examine("unix:///nowhere/socket")
    assert found["status"] == "warning"
    assert found["detail"] == (
        "Redis can't be asked: ConnectionError; each gateway has its share of the limits until then"
    )
    assert found["mend"] == "redis-cli -u <url> ping"


def test_a_url_that_is_none_is_one_and_is_not_shown(examine: Callable[[str], Finding]) -> None:
    found = examine("http://user:pass-word@here")
    assert (found["status"], found["detail"]) == ("failed", "the Redis URL can't be read")


@pytest.mark.full
def test_one_that_may_grow_full_is_named(
    server: RedisServer, examine: Callable[[str], Finding]
) -> None:
    assert examine(server.url)["status"] == "ok"
    with Redis.from_url(server.url) as client:
        client.config_set("maxmemory", "100mb")
    found = examine(server.url)
    assert (found["status"], found["detail"]) == (
        "warning",
        "maxmemory-policy is noeviction: it may grow full",
    )
    with Redis.from_url(server.url) as client:
        client.config_set("maxmemory-policy", "volatile-lfu")
    assert examine(server.url)["status"] == "ok"
