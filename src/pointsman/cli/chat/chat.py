"""A conversation with a gateway: asks, shows, remembers."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from types import FrameType
from uuid import uuid4

from pointsman.cli.chat import words
from pointsman.cli.chat.client import Answer, Client, GatewayRefused, Record
from pointsman.cli.chat.screen import Screen, Writer
from pointsman.cli.chat.shelf import Shelf
from pointsman.cli.chat.talk import Content, Talk, Totals, Turn
from pointsman.errors import PointsmanError

#: What is asked again is to be answered anew.
_FRESH = {"x-pointsman-cache": "off"}


@dataclass
class Heard:
    """An answer as far as it came."""

    text: str = ""
    answer: Answer | None = None
    stopped: bool = False
    #: What went wrong on the way.
    error: PointsmanError | None = None
    #: What the books say of it; None where they do not.
    record: Record | None = None

    @property
    def request_id(self) -> str:
        """What the gateway calls the question; empty where it did not hear it."""
        if self.answer is not None:
            return self.answer.request_id
        return self.error.request_id if isinstance(self.error, GatewayRefused) else ""

    @property
    def place(self) -> str:
        """`cache`, `local`, `cloud`; empty where nobody answered."""
        location = self.answer.location if self.answer else ""
        return words.place_of(self.record, location) if self.record else location

    @property
    def status(self) -> str:
        """The line below it; empty where nobody answered."""
        if self.answer is None:
            return ""
        return words.status(
            self.record, self.answer.deployment, self.answer.location, stopped=self.stopped
        )


@dataclass
class Chat:
    """Everything that a line can change."""

    client: Client
    screen: Screen
    #: Where conversations are kept.
    shelf: Shelf
    #: What `model` may say.
    names: tuple[str, ...] = ()
    talk: Talk = field(default_factory=Talk)
    totals: Totals = field(default_factory=Totals)
    #: Tokens that a deployment takes, where that is known.
    contexts: dict[str, int | None] = field(default_factory=dict)
    #: The last answer's record,
    last: Record | None = None
    #: and the last question's, which may have none.
    asked: Record | None = None
    done: bool = False
    #: Whether anything that was asked for could not be done.
    failed: bool = False

    def fail(self, why: str) -> None:
        """Say what went wrong."""
        self.failed = True
        self.screen.complain(why)

    async def ask(self, content: Content, model: str | None = None, *, anew: bool = False) -> None:
        """Ask, and go on from the answer. `model` is for this question only.

        `anew`: not from the cache. Ctrl-C ends the answer; what came until then counts.
        """
        self.talk.asked = content
        heard = await self.show(content, model, anew=anew)
        if heard.text and heard.answer is not None:
            self.talk.turns.append(Turn(content, heard.text, heard.answer.request_id))

    async def show(
        self, content: Content, model: str | None = None, *, anew: bool = False
    ) -> Heard:
        """Ask and show the answer, with what it took; the conversation stays as it is."""
        # Who answers once by name is not whom the conversation stays with.
        session = self.talk.session if model is None else uuid4().hex
        headers = {"x-session-id": session, **(_FRESH if anew else {})}
        with self.screen.answer() as write:
            heard = await hear(self.client, self.talk.body(content, model), headers, write)
        await look_up(self.client, heard)
        self.asked = heard.record or self.asked
        if heard.answer is not None:
            self.last = heard.record or self.last
            self.totals.add(heard.record, heard.place)
        if heard.error is not None:
            hint = words.what_to_do(heard.request_id, heard.record, "/why")
            self.fail(f"error: {heard.error}{hint}")
        elif heard.stopped and heard.answer is None:
            self.screen.complain("stopped")
        if heard.status:
            self.screen.status(heard.status)
        await self._warn_of_context(heard.record)
        return heard

    async def _warn_of_context(self, record: Record | None) -> None:
        if record is None or record.deployment is None:
            return
        if self.contexts.get(record.deployment) is None:
            self.contexts |= await self.client.contexts()
        if warning := words.crowded(record, self.contexts.get(record.deployment)):
            self.screen.status(warning)


async def hear(
    client: Client, body: Mapping[str, object], headers: Mapping[str, str], write: Writer
) -> Heard:
    """Ask, and write the answer while it comes, until it ends, fails or Ctrl-C stops it."""
    heard = Heard()
    try:
        heard.stopped = not await until_stopped(_listen(client, body, headers, write, heard))
    except PointsmanError as error:
        heard.error = error
    return heard


async def look_up(client: Client, heard: Heard) -> None:
    """Add what the books say of an answer, or of why there is none."""
    if heard.request_id:
        heard.record = await client.record(heard.request_id, wait=heard.answer is not None)


async def until_stopped(work: Coroutine[None, None, None]) -> bool:
    """Do something that Ctrl-C cancels, and nothing else; whether it got to its end."""
    task = asyncio.create_task(work)
    try:
        with on_interrupt(task.cancel):
            await asyncio.wait({task})
    finally:
        task.cancel()
    if not task.cancelled():
        task.result()
    return not task.cancelled()


async def _listen(
    client: Client,
    body: Mapping[str, object],
    headers: Mapping[str, str],
    write: Writer,
    heard: Heard,
) -> None:
    heard.answer = await client.ask(body, headers)
    async with aclosing(heard.answer.pieces()) as pieces:
        async for piece in pieces:
            write(piece)
            if not piece.thought:
                heard.text += piece.text


@contextmanager
def on_interrupt(act: Callable[[], object]) -> Iterator[None]:
    """Meanwhile Ctrl-C does `act` in the event loop, and nothing else."""
    loop = asyncio.get_running_loop()

    def note(number: int, frame: FrameType | None) -> None:
        del number, frame
        loop.call_soon_threadsafe(act)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
