"""Scripts in Redis that many ask for at once: what comes together goes together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from typing import TypeAlias

import msgspec

from pointsman.errors import SharingUnavailable
from pointsman.storage.redis_link import RedisLink

#: What a script returns.
Answer: TypeAlias = bytes | int | None

#: Calls that are sent at once.
_PORTION = 32


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script, which the server knows by its digest."""

    text: str
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        digest = sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "digest", digest)


class _Call(msgspec.Struct, frozen=True):
    script: Script
    keys: Sequence[str]
    arguments: Sequence[str]
    answer: asyncio.Future[Answer]


class RedisScripts:
    """One round trip is under way at a time; who asks meanwhile is in the next.

    So a crowd costs the gateway far less than one round trip each, and who has given up is not
    asked for any more.
    """

    def __init__(self, link: RedisLink) -> None:
        """Over its connections, with its patience."""
        self._link = link
        self._waiting: deque[_Call] = deque()
        self._sending: asyncio.Task[None] | None = None

    async def run(self, script: Script, keys: Sequence[str], *arguments: str) -> Answer:
        """What the script returns. Raises SharingUnavailable."""
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(_Call(script, keys, arguments, answer))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())
        return await self._link.ask(answer)

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                count = min(_PORTION, len(self._waiting))
                portion = [self._waiting.popleft() for _ in range(count)]
                wanted = [call for call in portion if not call.answer.done()]
                try:
                    await self._send(wanted)
                except SharingUnavailable as error:
                    for call in wanted:
                        if not call.answer.done():
                            call.answer.set_exception(error)
        finally:
            self._sending = None

    async def _send(self, calls: Sequence[_Call]) -> None:
        from redis.exceptions import NoScriptError  # noqa: PLC0415

        answers = await self._answers(calls)
        unknown = [
            call
            for call, answer in zip(calls, answers, strict=True)
            if isinstance(answer, NoScriptError)
        ]
        for text in {call.script.text for call in unknown}:
            await self._link.ask(self._link.client.script_load(text))
        again = dict(zip(map(id, unknown), await self._answers(unknown), strict=True))
        for call, first in zip(calls, answers, strict=True):
            answer = again.get(id(call), first)
            if call.answer.done():
                continue
            if isinstance(answer, Exception):
                call.answer.set_exception(answer)
            else:
                call.answer.set_result(answer)

    async def _answers(self, calls: Sequence[_Call]) -> list[Answer | Exception]:
        if not calls:
            return []
        async with self._link.client.pipeline(transaction=False) as together:
            for call in calls:
                keys = call.keys
                together.evalsha(call.script.digest, len(keys), *keys, *call.arguments)
            answers: list[Answer | Exception] = await self._link.ask(
                together.execute(raise_on_error=False)
            )
        return answers
