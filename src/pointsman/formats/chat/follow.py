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
from pointsman.types import Usage, UsageWish

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
#: What all chunks of a stream say alike.
_HEAD = ("id", "object", "created", "model", "service_tier", "system_fingerprint")
_NONE, _NULL = msgspec.Raw(b"[]"), msgspec.Raw(b"null")


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

    def __init__(self, *, prompt_tokens: int, keep_usage: UsageWish) -> None:
        """`keep_usage`: the client asked for usage, so it is told once, at the end.

        Clients add up what they see, so wherever the upstream says it, it waits for the end; where
        it does not say, the client gets our count. `throughout` leaves it where the upstream has it.
        """
        self._prompt_tokens = prompt_tokens
        self._keep_usage = keep_usage
        #: The event with the usage that is told at the end.
        self._told = b""
        self._latest = b"{}"
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
        self._latest = event.data
        if self._keep_usage == "throughout" or b'"usage"' not in event.data:
            return event.raw
        if shape.is_there(chunk.usage):
            return self._without_figures(event, chunk)
        return event.raw if self._keep_usage else _with_usage(event.data, None)

    def ending(self) -> bytes:
        """Usage where it was asked for, and the event that ends the stream."""
        if self._keep_usage and self._reported is None:
            self._told = _alone(
                self._latest, msgspec.Raw(msgspec.json.encode(usage.written(self.usage)))
            )
        return self._told + sse.DONE

    def _without_figures(self, event: sse.Event, chunk: shape.Body) -> bytes:
        """What is left of a chunk whose usage is told at the end, or not at all."""
        data = event.data or b""
        if not self._keep_usage:
            return _with_usage(data, None) if chunk.choices else b""
        if usage.stated(chunk.usage):
            self._told = event.raw if chunk.choices == [] else _alone(data, chunk.usage)
        return _with_usage(data, _NULL) if chunk.choices else b""

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


def _with_usage(data: bytes, figures: msgspec.Raw | None) -> bytes:
    """The chunk with other figures, or without the member."""
    members = _MEMBERS.decode(data)
    members.pop("usage", None)
    if figures is not None:
        members["usage"] = figures
    return sse.event(msgspec.json.encode(members))


def _alone(data: bytes, figures: msgspec.Raw) -> bytes:
    """A chunk of the same stream that has nothing but usage."""
    members = _MEMBERS.decode(data)
    head = {name: members[name] for name in _HEAD if name in members}
    return sse.event(msgspec.json.encode(head | {"choices": _NONE, "usage": figures}))
