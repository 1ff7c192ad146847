"""The client leaves, and then the gateway stops: the entry is closed before the request is over."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from starlette.types import Message
from tests.support.house import furnish

from pointsman.providers.scripted import Script, ScriptedProvider


@pytest.mark.parametrize("turns", range(6))
async def test_the_books_are_closed_whoever_ends_it_once_more(tmp_path: Path, turns: int) -> None:
    """`turns` of the event loop lie between the two."""
    house = await furnish(tmp_path)
    for provider in house.gateway.providers().values():
        if isinstance(provider, ScriptedProvider):
            provider.tell(Script(chunk_delay_s=60))
    body = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    coming: list[Message] = [{"type": "http.request", "body": json.dumps(body).encode()}]
    leaving, heard = asyncio.Event(), list[Message]()

    async def receive() -> Message:
        if not coming:
            await leaving.wait()
            return {"type": "http.disconnect"}
        return coming.pop()

    async def take(message: Message) -> None:
        heard.append(message)
        if message.get("body") and not leaving.is_set():
            leaving.set()
            await asyncio.Event().wait()

    headers = [(b"host", b"localhost"), (b"x-api-key", house.keys["user"].encode())]
    path = "/v1/chat/completions"
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
    }
    request = asyncio.create_task(house.app(scope, receive, take))
    await leaving.wait()
    for _ in range(turns):
        await asyncio.sleep(0)

    request.cancel("the gateway stops")
    await asyncio.wait([request])

    newest, _ = await house.gateway.bookkeeping.store.list(limit=9)
    assert newest.settlement
    assert newest.settlement.outcome in {"client_left", "interrupted"}
    assert [each for each in asyncio.all_tasks() if "_answer" in repr(each)] == []
    await house.gateway.close()
