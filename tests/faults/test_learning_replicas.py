"""Two gateways over one PostgreSQL learn the same from the union of what their users say."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests.support import servers
from tests.support.gateway import Gateway, eventually
from tests.support.postgres_books import ask, new_database
from tests.support.raters import CONFIG, Life, in_force, learning, version_used

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]

RATINGS = 240

#: They learn when they are told to, and from ratings alone.
TOLD = CONFIG.replace("every_s = 0.05", "every_s = 3600")
SHARED = """
[learning.signals]
enabled = false

[ledger]
url = "{url}"
"""


def told(gateway: Gateway, path: str, **members: object) -> dict[str, object]:
    """The answer to what is asked for."""
    answer = gateway.send("POST", path, json.dumps(members).encode())
    assert answer.status == 200, answer.body
    return answer.json()


def promoted(gateway: Gateway) -> str:
    """The version that it promotes when it is told to learn."""
    changes = told(gateway, "/v1/retrain")["changes"]
    versions = [each["version"] for each in changes if each["kind"] == "promoted"]
    assert len(versions) == 1, [each["text"] for each in changes]
    return versions[0]


async def test_they_learn_the_same(tmp_path_factory: pytest.TempPathFactory):
    url = await new_database(servers.postgres())
    homes: list[Path] = [tmp_path_factory.mktemp(name) for name in ("one", "other")]
    one, other = (Gateway(home, TOLD + SHARED.format(url=url)) for home in homes)
    async with one, other:
        for gateway in (one, other):
            await asyncio.to_thread(learning, gateway)
        lives = [Life(gateway, number, None) for number, gateway in enumerate((one, other))]
        await asyncio.gather(*(life.run(RATINGS) for life in lives))

        version = await asyncio.to_thread(promoted, one)
        await asyncio.to_thread(
            eventually, lambda: version_used(other) == version, "the other one uses it"
        )
        made_by_one = await ask(url, "DELETE FROM versions RETURNING *")
        await asyncio.to_thread(told, other, "/v1/learning/revert", version="shipped")
        assert await asyncio.to_thread(in_force, one) == "shipped"
        again = await asyncio.to_thread(promoted, other)
        made_by_other = await ask(url, "SELECT * FROM versions")

    assert again == version
    [(first, second)] = zip(made_by_one, made_by_other, strict=True)
    assert {**first, "time": None} == {**second, "time": None}
    assert first["outcomes"] == sum(life.count for life in lives) == 2 * RATINGS
    for gateway in (one, other):
        assert "Traceback" not in gateway.log
