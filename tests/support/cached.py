"""What the cache's dialogues have in common."""

import httpx2
from tests.gateway import Gateway


async def kept(gateway: Gateway) -> None:
    """Wait until what was answered is in the cache."""
    await gateway.app.caching.keeper.close()


def state(reply: httpx2.Response) -> str:
    return reply.headers["x-pointsman-cache"].partition(";")[0]


def said(reply: httpx2.Response) -> dict[str, object]:
    return reply.json()["choices"][0]["message"]


async def ask(gateway: Gateway, text: str, **more: object) -> httpx2.Response:
    reply = await gateway.chat(text, model="weak", **more)
    await kept(gateway)
    return reply
