"""Handing a reply out as its script says, and keeping the truth of what was given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import msgspec

from pointsman.errors import UpstreamBroken
from pointsman.providers.scripted.frames import Frame
from pointsman.providers.scripted.script import Script
from pointsman.tokens import estimate_tokens

Ending: TypeAlias = Literal["open", "completed", "closed", "cut", "stalled", "unreachable"]
Sleep: TypeAlias = Callable[[float], Awaitable[object]]


class Served(msgspec.Struct, frozen=True):
    """What a scripted upstream did for one request: the truth that books are held against."""

    #: The request's body.
    request: bytes
    model: str
    #: None where no connection was taken, or none was answered yet.
    status: int | None
    #: One choice after the other: reasoning and content; of tool calls, names and arguments.
    text: str
    #: What it would bill: the reply's usage once it is complete, till then an estimate over `text`.
    tokens: int
    #: Pieces of the body handed out; the last may have been cut short.
    chunks: int
    #: `closed`: the reader left early. `stalled` stays, whoever ended it.
    outcome: Ending
    #: What was sent along, besides what every request has.
    headers: Mapping[str, str]


@dataclass(slots=True)
class Record:
    """A `Served` in the making."""

    request: bytes
    model: str
    status: int | None = None
    outcome: Ending = "open"
    chunks: int = 0
    #: Output tokens that the reply claims; None where it does not say.
    billed: int | None = None
    given: list[tuple[int, str]] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)

    def give(self, frame: Frame) -> None:
        """Note that `frame` goes out now."""
        self.chunks += 1
        self.given += frame.given

    def served(self) -> Served:
        """How things stand."""
        texts: dict[int, str] = {}
        for choice, text in self.given:
            texts[choice] = texts.get(choice, "") + text
        counted = sum(map(estimate_tokens, texts.values()))
        return Served(
            request=self.request,
            model=self.model,
            status=self.status,
            text="".join(texts.values()),
            tokens=counted if self.billed is None or self.outcome != "completed" else self.billed,
            chunks=self.chunks,
            outcome=self.outcome,
            headers=self.headers,
        )


async def deliver(
    frames: Sequence[Frame], script: Script, record: Record, sleep: Sleep
) -> AsyncGenerator[bytes, None]:
    """The body, with the script's delays, stall and cut; raises UpstreamBroken at the cut.

    It has been started already, so that a reader who leaves before the first chunk is noticed.
    """
    body = _deliver(frames, script, record, sleep)
    await anext(body)
    return body


async def _deliver(
    frames: Sequence[Frame], script: Script, record: Record, sleep: Sleep
) -> AsyncGenerator[bytes, None]:
    cut = script.cut_at_byte is not None and script.cut_at_byte <= sum(len(f.data) for f in frames)
    left = _cut(frames, script.cut_at_byte or 0) if cut else frames
    try:
        yield b""  # taken by `deliver`
        for place, frame in enumerate(left):
            if place == script.stall_after_chunks:
                await _stall(record)
            if place and script.chunk_delay_s:
                await sleep(script.chunk_delay_s)
            record.give(frame)
            yield frame.data
        if len(left) == script.stall_after_chunks:
            await _stall(record)
        if cut:
            record.outcome = "cut"
            raise UpstreamBroken(f"the body broke off after {script.cut_at_byte} bytes")
    finally:
        if record.outcome == "open":
            whole = record.chunks == len(left) and not cut
            record.outcome = "completed" if whole else "closed"


def _cut(frames: Sequence[Frame], size: int) -> list[Frame]:
    """The frames up to `size` bytes; the text of one that is cut short is not given."""
    kept: list[Frame] = []
    for frame in frames:
        if size < len(frame.data):
            return [*kept, Frame(frame.data[:size])] if size else kept
        kept.append(frame)
        size -= len(frame.data)
    return kept


async def _stall(record: Record) -> None:
    record.outcome = "stalled"
    await asyncio.get_running_loop().create_future()
