"""A bus over Redis where the server does not let it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from tests.support import servers
from tests.support.gateways import Told, until

from pointsman.storage.bus_redis import RedisBus

pytestmark = pytest.mark.full
USER = "mute"


@pytest.fixture
async def admin() -> AsyncIterator[Redis]:
    client = Redis.from_url(servers.redis().url)
    await client.execute_command(
        "ACL", "SETUSER", USER, "on", "nopass", "~*", "+@all", "resetchannels"
    )
    yield client
    await client.execute_command("ACL", "DELUSER", USER)
    await client.aclose()


async def test_a_user_who_may_not_listen_is_told_so_once(
    admin: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pointsman.storage")
    bus = RedisBus(f"{servers.redis().url}?username={USER}&password=any", Told(), gateway="g1")
    bus.subscribe("keys", lambda _: None)

    async def refused() -> int:
        log = await admin.execute_command("ACL", "LOG")
        return sum(
            int(each[b"count"]) for each in map(_members, log) if each[b"username"] == USER.encode()
        )

    await bus.start()
    try:
        while await refused() < 3:
            pass  # it is asked each time
        assert not bus.is_connected
        [said] = [each.getMessage() for each in caplog.records]
        assert "don't hear each other" in said

        await admin.execute_command("ACL", "SETUSER", USER, "allchannels")
        await until(lambda: bus.is_connected)
        assert caplog.records[-1].getMessage() == "gateways hear each other by Redis"
    finally:
        await bus.close()


def _members(entry: list[object] | dict[object, object]) -> dict[object, object]:
    """RESP2 lists names and values in turn."""
    return entry if isinstance(entry, dict) else dict(zip(entry[::2], entry[1::2], strict=True))
