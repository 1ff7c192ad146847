"""Replies of an upstream: whole ones, and streams, followed or read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pointsman.conversation import (
    Began,
    Choice,
    Delta,
    Finished,
    ModelReply,
    Part,
    Refusal,
    RefusalDelta,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.formats.counting import counted
from pointsman.formats.responses import shape
from pointsman.formats.responses.shape import Item, StreamEvent, word
from pointsman.formats.sse import Event
from pointsman.formats.wire import Fault, Seen
from pointsman.types import Json, Usage

#: Marks what a responses upstream encrypted, for the way to a client of another format and back.
SEAL = "responses:"
#: Between the texts of two items, and of two parts of a summary.
_BREAK = "\n\n"
_HEADS = frozenset({"response.created", "response.in_progress", "response.queued"})
_LAST = frozenset({"response.completed", "response.incomplete"})


def look(body: bytes, prompt_tokens: int) -> Seen:
    """Usage and model of a whole reply. Raises UpstreamBroken where it is none."""
    read = shape.response(body)
    usage = shape.usage_of(read) or counted(prompt_tokens, shape.size(read))
    return Seen(usage, word(read.model) or None)


def read(body: bytes, prompt_tokens: int) -> ModelReply:
    """A whole reply. Raises UpstreamBroken where it is none."""
    told = shape.response(body)
    parts: list[Part] = []
    logprobs: list[Json] = []
    for item in told.output or ():
        between = _BREAK
        for part in _parts(item, logprobs):
            joined = _joined(parts[-1], part, between) if parts else None
            if joined is None:
                parts.append(part)
            else:
                parts[-1] = joined
            between = ""
    choice = Choice(
        tuple(parts),
        shape.finish_of(told),
        logprobs={"content": logprobs, "refusal": None} if logprobs else None,
    )
    seen = look(body, prompt_tokens)
    return ModelReply(seen.model or "", (choice,), seen.usage)


def _joined(before: Part, part: Part, between: str) -> Part | None:
    """Both as one, as a stream would tell them; None where they are two."""
    match before, part:
        case Text(), Text():
            return Text(before.text + between + part.text)
        case Refusal(), Refusal():
            return Refusal(before.text + part.text)
        case Thinking(signature=None), Thinking():
            text = between.join(filter(None, (before.text, part.text)))
            return Thinking(text, part.signature)
    return None


def _parts(item: Item, logprobs: list[Json]) -> Iterator[Part]:
    if item.type == "message":
        for piece in item.pieces:
            if text := word(piece.text):
                logprobs += _list(piece.logprobs)
                yield Text(text)
            elif refusal := word(piece.refusal):
                yield Refusal(refusal)
    elif item.type == "reasoning":
        text = _BREAK.join(filter(None, (word(piece.text) for piece in item.pieces)))
        if text or item.encrypted_content:
            yield Thinking(text, _sealed(item))
    elif item.type == "function_call":
        yield ToolCall(word(item.call_id), word(item.name), word(item.arguments))


def _sealed(item: Item) -> str | None:
    return SEAL + item.encrypted_content if isinstance(item.encrypted_content, str) else None


def _list(said: object) -> list[Json]:
    return said if isinstance(said, list) else []


class StreamReader:
    """Follows a streamed reply event by event."""

    def __init__(self, prompt_tokens: int) -> None:
        """`prompt_tokens` are those of the request, for where the upstream does not count."""
        self._prompt_tokens = prompt_tokens
        self._reported: Usage | None = None
        self.produced = 0
        self._last = b""
        self._calls: dict[int, int] = {}
        self._argued: set[int] = set()
        #: What was said last, and where: a kind, an item's index and what tells its parts apart.
        self._place: tuple[str | int, ...] = ("nothing",)
        #: Something of the reply itself was seen: the response object before it is an empty head.
        self.begun = False
        #: The terminal event was seen, or `[DONE]`, which some servers send after it.
        self.done = False
        #: The response is completed, or incomplete for a reason of the model's.
        self.finished = False
        #: The upstream's own error, where it sent one in the stream.
        self.error: Fault | None = None
        #: What the upstream says it serves.
        self.model: str | None = None

    @property
    def usage(self) -> Usage:
        """What was used so far: the upstream's figures, or our count."""
        return self._reported or counted(self._prompt_tokens, self.produced)

    def follow(self, event: Event) -> bytes:
        """Take note of an event; returns it as it came, but for errors and the last one.

        Raises UpstreamBroken where the data is no event of a response.
        """
        if event.data is None:
            return event.raw
        if self._note(event.data) is None or self.error is not None:
            return b""
        if self.finished:
            self._last = event.raw
            return b""
        return event.raw

    def ending(self) -> bytes:
        """The terminal event as it came; nothing where none did, for nothing can stand in for it."""
        return self._last

    def read(self, event: Event) -> Sequence[Delta]:
        """Take note of an event; returns what it says. Raises UpstreamBroken."""
        told = None if event.data is None else self._note(event.data)
        return () if told is None or self.error is not None else tuple(self._deltas(told))

    def _note(self, data: bytes) -> StreamEvent | None:
        """The event, noted; None where it says nothing any more."""
        if data == b"[DONE]":
            self.done = True
        if self.done:
            return None
        told = shape.event(data)
        if told.type == "error" or (not told.type and shape.is_there(told.error)):
            nested = shape.is_there(told.error)
            self.error = shape.fault_in(told.error) if nested else shape.fault_of(told)
        elif told.type not in _HEADS and told.type != "response.failed":
            self.begun = True
        if isinstance(told.delta, str):
            self.produced += len(told.delta.encode())
        if told.response is not None:
            self._note_response(told.type, told.response)
        return told

    def _note_response(self, kind: str, response: shape.Response) -> None:
        self.model = word(response.model) or self.model
        self._reported = shape.usage_of(response) or self._reported
        if kind == "response.failed":
            self.error = self.error or shape.fault_in(response.error)
        if kind in _LAST:
            self.done = self.finished = True

    def _deltas(self, told: StreamEvent) -> Iterator[Delta]:
        delta, index = word(told.delta), told.output_index
        match told.type:
            case "response.output_text.delta" if delta:
                between = self._moved("text", index)
                yield TextDelta(between + delta, logprobs=_tokens(told.logprobs))
            case "response.refusal.delta" if delta:
                self._moved("refusal")
                yield RefusalDelta(delta)
            case "response.reasoning_summary_text.delta" if delta:
                between = self._moved("thinking", index, "summary", told.summary_index)
                yield ThinkingDelta(between + delta)
            case "response.reasoning_text.delta" if delta:
                between = self._moved("thinking", index, "content", told.content_index)
                yield ThinkingDelta(between + delta)
            case "response.function_call_arguments.delta" if delta and index in self._calls:
                self._argued.add(index)
                yield ToolCallDelta(self._calls[index], delta)
            case "response.output_item.added" | "response.output_item.done" if told.item:
                yield from self._item(told.item, index, done=told.type.endswith("done"))
            case "response.created":
                yield Began(self.model)
            case "response.completed" | "response.incomplete" if told.response:
                yield Finished(shape.finish_of(told.response))

    def _item(self, item: Item, index: int, *, done: bool) -> Iterator[Delta]:
        if item.type == "function_call":
            if index not in self._calls:
                self._moved("call")
                self._calls[index] = len(self._calls)
                yield ToolCallBegan(self._calls[index], word(item.call_id), word(item.name))
            if done and index not in self._argued and word(item.arguments):
                yield ToolCallDelta(self._calls[index], word(item.arguments))
        elif item.type == "reasoning" and done and item.encrypted_content:
            self._moved("signature")
            yield ThinkingDelta(signature=_sealed(item))

    def _moved(self, *place: str | int) -> str:
        """What stands between what is said here and what was said before."""
        before, self._place = self._place, place
        return _BREAK if before[0] == place[0] and before != place else ""


def _tokens(logprobs: object) -> Json:
    tokens = _list(logprobs)
    return {"content": tokens, "refusal": None} if tokens else None
