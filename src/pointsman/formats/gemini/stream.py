"""Google's stream, read chunk by chunk: each is a small reply. A whole reply is one large chunk.

It has no last event: the body ends after a chunk with a finish reason, or after one more with
nothing but usage. `done` therefore stays false, and `finished` says that all was said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pointsman.conversation import (
    Began,
    Delta,
    Finish,
    Finished,
    TextDelta,
    ThinkingDelta,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.formats.calls import made_id
from pointsman.formats.gemini import error
from pointsman.formats.gemini.chunk import Candidate, Chunk, FunctionCall, Part, decode, usage_of
from pointsman.formats.gemini.contents import MARK
from pointsman.formats.sse import Event
from pointsman.formats.wire import Fault
from pointsman.types import Json, Usage


class GeminiReader:
    """Follows a reply."""

    def __init__(self, prompt_tokens: int) -> None:
        """`prompt_tokens` is our own count, for where the upstream gives none."""
        self._prompt_tokens = prompt_tokens
        self._metadata = b""
        self._said = 0
        self._thought = 0
        self._response_id: str | None = None
        self._calls: dict[int, int] = {}
        self._finishes: dict[int, Finish] = {}
        self.begun = False
        self.done = False
        self.error: Fault | None = None
        self.model: str | None = None

    @property
    def finished(self) -> bool:
        """A candidate has its finish reason, or the prompt was blocked."""
        return bool(self._finishes)

    @property
    def produced(self) -> int:
        """See `wire.StreamReader`."""
        return self._said + self._thought

    @property
    def usage(self) -> Usage:
        """What was used so far: the upstream's figures, or our count."""
        return usage_of(self._metadata, self._prompt_tokens, self._said, self._thought)

    def follow(self, event: Event) -> bytes:
        """Take note of an event; a client of the same format would get it as it came."""
        self.read(event)
        return b"" if self.error else event.raw

    def ending(self) -> bytes:
        """Nothing: the stream just ends."""
        return b""

    def read(self, event: Event) -> Sequence[Delta]:
        """Take note of an event; returns what it says. Raises UpstreamBroken.

        An error in the midst of a stream comes as bare JSON, no event around it.
        """
        if event.data is not None:
            return self.take(event.data)
        if event.raw.lstrip().startswith((b"{", b"[")):
            self.error = error.fault(event.raw)
        return ()

    def take(self, data: bytes) -> list[Delta]:
        """What a chunk says. Raises UpstreamBroken where it is none, or where the model failed."""
        chunk = decode(data)
        if chunk.failed:
            self.error = error.fault(data)
            return []
        self.model = chunk.model_version or self.model
        self._response_id = chunk.response_id or self._response_id
        self._metadata = bytes(chunk.usage_metadata) or self._metadata
        deltas = [delta for each in chunk.candidates or () for delta in self._candidate(each)]
        deltas += self._blocked(chunk)
        if not deltas or self.begun:
            return deltas
        self.begun = True
        return [Began(self.model), *deltas]

    def _candidate(self, candidate: Candidate) -> Iterator[Delta]:
        choice = candidate.index
        logprobs: Json = None
        if candidate.logprobs_result is not None:
            logprobs = {"content": candidate.logprobs_result.openai(), "refusal": None}
        for part in candidate.parts:
            part.check()
            if part.function_call is not None:
                yield from self._call(part.function_call, part.thought_signature, choice)
                continue
            if part.text and not part.thought:
                self._said += len(part.text.encode())
                yield TextDelta(part.text, choice, logprobs)
                logprobs = None
            yield from self._thinking(part, choice)
        if logprobs is not None:
            yield TextDelta("", choice, logprobs)
        finish = candidate.finish(called=choice in self._calls)
        if finish is not None and finish != self._finishes.get(choice):
            self._finishes[choice] = finish
            yield Finished(finish, choice)

    def _thinking(self, part: Part, choice: int) -> Iterator[Delta]:
        """A thought, or the signature of a text: it has no other place in the canonical form."""
        text = part.text or "" if part.thought else ""
        signature = part.thought_signature
        if text or signature:
            self._thought += len(text.encode())
            yield ThinkingDelta(text, MARK + signature if signature else None, choice=choice)

    def _call(self, call: FunctionCall, signature: str | None, choice: int) -> Iterator[Delta]:
        number = self._calls.get(choice, 0)
        self._calls[choice] = number + 1
        arguments = call.arguments
        self._said += len(call.name.encode()) + len(arguments.encode())
        reply = self._response_id or str(self._prompt_tokens)
        call_id = call.id or made_id(number, reply, str(choice), call.name, arguments)
        yield ToolCallBegan(number, call_id, call.name, choice, signature)
        yield ToolCallDelta(number, arguments, choice)

    def _blocked(self, chunk: Chunk) -> list[Delta]:
        if not chunk.blocked or chunk.candidates or self._finishes:
            return []
        self._finishes[0] = "content_filter"
        return [Finished("content_filter")]
