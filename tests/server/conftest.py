"""A gateway whose time is moved by hand."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from tests.gateway import Gateway, two_tiers

from pointsman.app import App
from pointsman.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def timed(clock: ManualClock) -> AsyncIterator[Gateway]:
    """A weak and a strong deployment, and time as `clock` has it."""
    app = App(two_tiers(), environment={}, clock=clock)
    await app.start(in_memory=True)
    transport = httpx2.ASGITransport(app=app.asgi())
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield Gateway(app, client)
    await app.close()
