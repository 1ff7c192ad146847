"""A gateway in this process, over scripted deployments."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2

from pointsman.app import App
from pointsman.config import CacheSettings, ModelSettings, Settings
from pointsman.providers.scripted import Script, ScriptedProvider

#: Most tests ask the same again and want it answered anew.
FRESH = CacheSettings(exact=False)


class Gateway:
    """A started app with an HTTP client on it and its scripted deployments at hand."""

    def __init__(self, app: App, client: httpx2.AsyncClient) -> None:
        self.app = app
        self.client = client

    def tell(self, deployment: str, *scripts: Script) -> ScriptedProvider:
        provider = self._scripted(deployment)
        provider.tell(*scripts)
        return provider

    def _scripted(self, deployment: str) -> ScriptedProvider:
        provider = self.app.providers()[deployment]
        assert isinstance(provider, ScriptedProvider)
        return provider

    async def sent(self, deployment: str, count: int = 1) -> None:
        """Wait until so many requests have reached a deployment."""
        while len(self._scripted(deployment).log) < count:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.002)

    async def chat(self, text: str = "What is Python?", **more: object) -> httpx2.Response:
        headers = more.pop("headers", {})
        body = {"model": "auto", "messages": [{"role": "user", "content": text}], **more}
        return await self.client.post("/v1/chat/completions", json=body, headers=headers)

    async def record(self, reply: httpx2.Response) -> dict[str, object]:
        found = await self.client.get(f"/v1/decisions/{reply.headers['x-request-id']}")
        assert found.status_code == 200
        return found.json()


def two_tiers(**more: object) -> Settings:
    """A local deployment of the lowest tier and a priced one of the highest."""
    models = {
        "weak": ModelSettings(provider="scripted", model="weak-model", tier="simple"),
        "strong": ModelSettings(
            provider="scripted",
            model="strong-model",
            tier="complex",
            location="cloud",
            priced_as="anthropic/claude-opus-5-5",
        ),
    }
    return Settings(**{"home": Path("nowhere"), "models": models, "cache": FRESH, **more})


StartGateway = Callable[..., Awaitable[Gateway]]
