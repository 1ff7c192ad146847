"""What all tests share: a gateway in this process, over scripted deployments."""

import os
from collections.abc import AsyncIterator

import httpx2
import pytest
from hypothesis import settings
from tests.gateway import Gateway, StartGateway, two_tiers

from pointsman.app import App
from pointsman.config import Settings
from pointsman.ports import Embedder

settings.register_profile("fast", max_examples=60, deadline=None)
settings.register_profile("deep", max_examples=5000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the variables of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("POINTSMAN_")]:
        if not name.startswith("POINTSMAN_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture
async def start() -> AsyncIterator[StartGateway]:
    """Starts gateways; they end with the test."""
    running: list[Gateway] = []

    async def start_one(
        settings: Settings | None = None, *, embedder: Embedder | None = None, **more: object
    ) -> Gateway:
        app = App(settings or two_tiers(**more), environment={}, embedder=embedder)
        await app.start(in_memory=True)
        transport = httpx2.ASGITransport(app=app.asgi())
        gateway = Gateway(app, httpx2.AsyncClient(transport=transport, base_url="http://localhost"))
        running.append(gateway)
        return gateway

    yield start_one
    for gateway in running:
        await gateway.client.aclose()
        await gateway.app.close()


@pytest.fixture
async def gateway(start: StartGateway) -> Gateway:
    """A gateway with a weak and a strong deployment."""
    return await start()
