"""Prompts and replies, kept where somebody turned that on: redacted first, after the books, aside.

No request waits for it, and no request fails by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence

import msgspec

from pointsman.cache.background import Background
from pointsman.cache.lookup import Found
from pointsman.calling.delivery import Tap
from pointsman.calling.listening import Listening
from pointsman.conversation import ModelReply, Refusal, Text, ToolCall
from pointsman.errors import Unavailable, UpstreamError
from pointsman.formats import registry
from pointsman.formats.chat.quirks import Quirks
from pointsman.formats.collecting import choices
from pointsman.formats.translate import splitter
from pointsman.ledger.redact import Find, redact
from pointsman.ports import Observer, PromptStore
from pointsman.types import Call, ModelRequest, Outcome, StoredPrompt, Turn

#: Conversations that may wait to be kept; what comes on top is not.
MOST_WAITING = 256
#: Bytes of a reply, and characters of a prompt, beyond which it is not kept.
MOST_BYTES = 1024 * 1024
#: Characters from which on they are redacted in a thread.
_LONG = 8 * 1024
#: Of a reply that was cut off, its last characters are not kept: they may be half a secret.
UNFINISHED = 128
#: Seconds that the store may take for one.
_PATIENCE_S = 10.0


class PromptKeeping:
    """Writes what was asked and answered, for the organisations that want it."""

    def __init__(
        self,
        store: PromptStore,
        find: Find,
        observer: Observer,
        *,
        everybody: bool = False,
        organisations: Mapping[str, bool] | None = None,
    ) -> None:
        """`find` says where secrets and personal data are: `Detector("personal").places`.

        `everybody`: for organisations that say nothing of their own in `organisations`.
        """
        self._store = store
        self._find = find
        self._observer = observer
        self._everybody = everybody
        self._organisations = organisations or {}
        self._background = Background(MOST_WAITING)

    def keeps(self, organisation: str) -> bool:
        """Whether its prompts are kept."""
        return self._organisations.get(organisation, self._everybody)

    def tap(self, call: Call, tap: Tap) -> Tap:
        """Hears a reply for `tap` as well, and keeps it when it has ended and is in the books.

        Where nothing is to be kept it is `tap` itself.
        """
        if not self.keeps(call.principal.organisation):
            return tap

        def heard(body: bytes | None, outcome: Outcome) -> None:
            self.heard(call, body, finished=outcome == "completed")

        return Listening(tap, heard, MOST_BYTES)

    def hit(self, call: Call, found: Found) -> None:
        """A reply of the cache was given."""
        if self.keeps(call.principal.organisation) and found.content is not None:
            self._begin(call, self._kept(call, _words(found.content.reply)))

    def unanswered(self, call: Call) -> None:
        """There was no answer."""
        if self.keeps(call.principal.organisation):
            self._begin(call, self._kept(call, None))

    def heard(self, call: Call, body: bytes | None, *, finished: bool) -> None:
        """The bytes that the client got; None where they were too many."""
        self._begin(call, self._read(call, body, finished=finished))

    async def close(self) -> None:
        """Wait until all that was begun is kept."""
        await self._background.close()

    def _begin(self, call: Call, work: Coroutine[None, None, None]) -> None:
        if self._background.begin(work) is None:
            full = Unavailable(f"the prompt of {call.request_id} is not kept: too many wait")
            self._observer.fault("prompts", full)

    async def _read(self, call: Call, body: bytes | None, *, finished: bool) -> None:
        said, request = None, call.request
        is_talk = request.task == "chat" and request.raw is None
        try:
            if body and is_talk and (finished or request.stream):
                said = _said(body, request, finished=finished)
        except UpstreamError as error:  # its prompt is kept all the same
            self._observer.fault("prompts", error)
        await self._kept(call, said)

    async def _kept(self, call: Call, reply: str | None) -> None:
        turns = call.request.turns
        size = sum(len(turn.text) for turn in turns)
        if size > MOST_BYTES:
            return
        try:
            if size + len(reply or "") <= _LONG:
                made = _made(call, turns, reply, self._find)
            else:
                made = await asyncio.to_thread(_made, call, turns, reply, self._find)
            async with asyncio.timeout(_PATIENCE_S):
                await self._store.keep_prompt(made)
        except Exception as error:  # noqa: BLE001 - nobody waits for it
            self._observer.fault("prompts", error)


def _made(call: Call, turns: Sequence[Turn], reply: str | None, find: Find) -> StoredPrompt:
    kept = redact(turns, reply, find)
    said = [{"role": turn.role, "text": turn.text} for turn in kept.turns]
    return StoredPrompt(
        request_id=call.request_id,
        time=call.time,
        organisation=call.principal.organisation,
        key=call.principal.key,
        prompt=msgspec.json.encode(said).decode(),
        reply=kept.reply,
        redacted=kept.kinds,
    )


def _said(body: bytes, request: ModelRequest, *, finished: bool) -> str:
    """The words of a reply, as its client got it. Raises UpstreamError where it is none."""
    upstream = registry.upstreams((request.format,), Quirks())[0]
    if not request.stream:
        return _words(upstream.read(body, request.input_tokens))
    reader = upstream.reader(request.input_tokens, keep_usage=True)
    events = splitter(upstream.framing).feed(body)
    said = [delta for event in events for delta in reader.read(event)]
    words = _words(ModelReply("", choices(said), reader.usage))
    return words if finished else f"{words[:-UNFINISHED].rstrip()} [...]".strip()


def _words(reply: ModelReply) -> str:
    """What a reply says and which tools it calls, but not what it thought."""
    return "\n\n".join(
        part.text if isinstance(part, Text | Refusal) else f"{part.name}({part.arguments})"
        for choice in reply.choices
        for part in choice.parts
        if isinstance(part, Text | Refusal | ToolCall)
    )
