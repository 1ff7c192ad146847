"""The clients of the truth test: they ask case by case, and note what they got."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import aiohttp
from tests.support.gateway import PATIENCE_S, Gateway
from tests.support.truth_cases import Case, case

#: At a time: those who leave mostly wait, the others ask as fast as they are answered.
LEAVING, STAYING = 160, 12
_EVENT = b"data: "
_DONE = b"data: [DONE]"


@dataclass
class Got:
    """What a client has of one reply."""

    case: Case
    status: int = 0
    #: The gateway's id.
    request_id: str = ""
    #: All of it is here: a whole body, or a stream up to `[DONE]`.
    whole: bool = False


async def ask_all(gateway: Gateway, numbers: Iterable[int]) -> list[Got]:
    """Ask for every case."""
    got: list[Got] = []
    limits = aiohttp.ClientTimeout(total=PATIENCE_S)
    connector = aiohttp.TCPConnector(limit=0)
    cases = [case(number) for number in numbers]
    leaving = iter([each for each in cases if each.way == "leaves"])
    staying = iter([each for each in cases if each.way != "leaves"])
    async with aiohttp.ClientSession(connector=connector, timeout=limits) as session:
        url = f"{gateway.base_url}/chat/completions"
        await asyncio.gather(
            *(_ask_on(session, url, leaving, got) for _ in range(LEAVING)),
            *(_ask_on(session, url, staying, got) for _ in range(STAYING)),
        )
    return got


def name_of(number: int) -> str:
    """The client's own id of a request; the books keep it."""
    return f"case-{number}"


async def _ask_on(
    session: aiohttp.ClientSession, url: str, left: Iterator[Case], got: list[Got]
) -> None:
    for each in left:
        mine = Got(each)
        got.append(mine)
        await _ask(session, url, mine)


async def _ask(session: aiohttp.ClientSession, url: str, got: Got) -> None:
    asked = {
        "model": got.case.asked,
        "messages": [{"role": "user", "content": got.case.prompt}],
        "stream": got.case.stream,
    }
    headers = {"x-request-id": name_of(got.case.number)}
    async with session.post(url, json=asked, headers=headers) as reply:
        got.status, got.request_id = reply.status, reply.headers["x-request-id"]
        if reply.status != 200 or not got.case.stream:
            await reply.read()
            got.whole = reply.status == 200
            return
        events, tail = 0, b""
        async for piece in reply.content.iter_any():
            events += piece.count(_EVENT)
            if got.case.way == "leaves" and events > got.case.leaves_after:
                reply.close()
                return
            tail = (tail + piece)[-len(_DONE) - 2 :]
        got.whole = _DONE in tail
