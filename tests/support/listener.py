"""A client that knows exactly what it got, and may leave before it got all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import msgspec
from tests.support.gateway import PATIENCE_S, Gateway

_PROMPT = [{"role": "user", "content": "Tell me a long story."}]


@dataclass
class Heard:
    """What a client has of one reply."""

    #: The client's own id of the request; the decision record keeps it.
    name: str
    stream: bool
    #: The gateway's id; None until the reply's headers are there.
    request_id: str | None = None
    text: str = ""
    #: Tokens that the gateway says were used: (input, output).
    usage: tuple[int, int] | None = None
    events: int = 0
    #: All of it is here: a whole body, or a stream up to `[DONE]`.
    whole: bool = False


class Listener:
    """Asks a gateway, each request on a connection of its own."""

    def __init__(self, gateway: Gateway, session: aiohttp.ClientSession) -> None:
        """Use `listening`."""
        self._url = f"{gateway.base_url}/chat/completions"
        self._session = session

    async def hear(
        self,
        heard: Heard,
        model: str,
        *,
        leave_after: int | None = None,
        notice: Callable[[], None] = lambda: None,
    ) -> None:
        """Fill `heard`; leave after so many events of a stream. `notice` is called at each.

        Raises aiohttp.ClientError where the gateway breaks off.
        """
        asked = {"model": model, "messages": _PROMPT, "stream": heard.stream}
        if heard.stream:
            asked["stream_options"] = {"include_usage": True}
        async with self._session.post(
            self._url, json=asked, headers={"x-request-id": heard.name}
        ) as reply:
            heard.request_id = reply.headers["x-request-id"]
            reply.raise_for_status()
            if not heard.stream:
                _note(heard, await reply.read())
                heard.whole = True
                notice()
                return
            async for line in reply.content:
                if not line.startswith(b"data: "):
                    continue
                heard.events += 1
                _note(heard, line.removeprefix(b"data: "))
                notice()
                if heard.events == leave_after:
                    reply.close()
                    return


@asynccontextmanager
async def listening(gateway: Gateway) -> AsyncIterator[Listener]:
    """A listener, its connections closed at the end."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    limits = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(connector=connector, timeout=limits) as session:
        yield Listener(gateway, session)


def _note(heard: Heard, data: bytes) -> None:
    if data.strip() == b"[DONE]":
        heard.whole = True
        return
    value = msgspec.json.decode(data)
    for choice in value["choices"]:
        said = choice["delta"] if heard.stream else choice["message"]
        heard.text += said.get("content") or ""
    if usage := value.get("usage"):
        heard.usage = (usage["prompt_tokens"], usage["completion_tokens"])
