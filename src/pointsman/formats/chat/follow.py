"""OpenAI's chat reply: read for the books and passed on as it came, or read for translation."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pointsman.conversation import Began, Delta
from pointsman.errors import UpstreamBroken
from pointsman.formats import sse
from pointsman.formats.chat import error as chat_error
from pointsman.formats.chat import shape, usage
from pointsman.formats.chat.deltas import ChoiceReader
from pointsman.formats.counting import counted
from pointsman.formats.wire import Fault, Seen
from pointsman.types import Usage

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def look(body: bytes, prompt_tokens: int) -> Seen:
    """Usage of a whole reply, counted where it does not say.

    Raises UpstreamBroken where it is not a chat reply: a success status is no proof of one.
    """
    reply = shape.decode(body)
    if reply.failed or reply.choices is None:
        raise UpstreamBroken("a reply without choices")
    produced = sum(shape.size(choice) for choice in reply.choices)
    used = usage.stated(reply.usage, reply.service_tier) or counted(prompt_tokens, produced)
    return Seen(used, reply.model if isinstance(reply.model, str) else None)


def reply_text(body: bytes) -> str:
    """The first choice's text. Raises UpstreamBroken where it is not a chat reply."""
    choices = shape.decode(body).choices
    message = choices[0].message if choices else None
    return shape.text_of(message.content) if message else ""


class StreamReader:
    """Follows a streamed reply event by event; see `wire.StreamReader`."""

    def __init__(self, *, prompt_tokens: int, keep_usage: bool) -> None:
        """`keep_usage`: the client asked for usage, so it is not taken out."""
        self._prompt_tokens = prompt_tokens
        self._keep_usage = keep_usage
        self._reported: Usage | None = None
        self._service: object = None
        self.produced = 0
        self._choices: dict[int, ChoiceReader] = {}
        self.begun = False
        self.done = False
        self.finished = False
        self.error: Fault | None = None
        self.model: str | None = None

    @property
    def usage(self) -> Usage:
        """What was used so far: the upstream's figures, or our count."""
        return self._reported or counted(self._prompt_tokens, self.produced)

    def follow(self, event: sse.Event) -> bytes:
        """Take note of an event; returns the client's bytes. `[DONE]` is held back.

        Raises UpstreamBroken where the data is not a chat chunk.
        """
        if event.data is None:
            return event.raw
        chunk = self._note(event.data)
        if chunk is None:
            return b""
        if self._keep_usage or b'"usage"' not in event.data:
            return event.raw
        if not chunk.choices and shape.is_there(chunk.usage):
            return b""
        return _without_usage(event.data)

    def ending(self) -> bytes:
        """The event that ends the stream."""
        return sse.DONE

    def read(self, event: sse.Event) -> Sequence[Delta]:
        """Take note of an event; returns what it says.

        Raises UpstreamBroken where the data is not a chat chunk.
        """
        had_begun = self.begun
        chunk = self._note(event.data) if event.data is not None else None
        if chunk is None or not chunk.choices:
            return ()
        deltas: list[Delta] = [] if had_begun else [Began(self.model)]
        for position, choice in enumerate(chunk.choices):
            index = shape.index_of(choice, position)
            if index not in self._choices:
                salt = chunk.id if isinstance(chunk.id, str) else str(self._prompt_tokens)
                self._choices[index] = ChoiceReader(index, salt)
            deltas += self._choices[index].read(choice)
        return deltas

    def _note(self, data: bytes) -> shape.Body | None:
        """The chunk; None for what is none: the end, an error, an event without data."""
        if data == b"[DONE]":
            self.done = True
            return None
        if not data:
            return None
        chunk = shape.decode(data)
        if chunk.failed:
            self.error = chat_error.fault(data)
            return None
        if isinstance(chunk.model, str):
            self.model = chunk.model
        for choice in chunk.choices or ():
            self.begun = True
            self.produced += shape.size(choice)
            self.finished |= bool(choice.finish_reason)
        self._service = chunk.service_tier or self._service
        if shape.is_there(chunk.usage):
            self._reported = usage.stated(chunk.usage, self._service) or self._reported
        return chunk


def _without_usage(data: bytes) -> bytes:
    members = _MEMBERS.decode(data)
    members.pop("usage", None)
    return sse.event(msgspec.json.encode(members))
