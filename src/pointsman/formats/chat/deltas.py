"""What a choice's messages say, as deltas: a chunk is a small message, a whole reply a large one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from pointsman.conversation import (
    Delta,
    Finish,
    Finished,
    RefusalDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.formats.calls import made_id
from pointsman.formats.chat import calls, shape
from pointsman.formats.chat.thinking import thoughts
from pointsman.types import Json

_FINISHES: Mapping[str, Finish] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
#: The key of a legacy `function_call` among a choice's calls.
_FUNCTION_CALL = "function_call"


@dataclass(slots=True)
class _Call:
    number: int
    id: str | None
    began: bool = False


class ChoiceReader:
    """Reads one choice, message by message."""

    def __init__(self, index: int, salt: str) -> None:
        """`salt` tells this reply from others: ids that an upstream leaves out are made of it."""
        self._index = index
        self._salt = salt
        self._calls: dict[object, _Call] = {}
        self._count = 0
        self._refused = False
        self._finished = False

    def read(self, choice: shape.Choice) -> Iterator[Delta]:
        """Everything that this chunk, or this whole reply, says of the choice."""
        message = choice.delta or choice.message
        logprobs: Json = None
        if shape.is_there(choice.logprobs):
            logprobs = msgspec.json.decode(choice.logprobs)
        text = shape.text_of(choice.text)
        if message is not None:
            yield from self._thinking(message)
            text = shape.text_of(message.content)
        if text or logprobs is not None:
            yield TextDelta(text, self._index, logprobs)
        if message is not None:
            yield from self._refusal(message)
            yield from self._tool_calls(message, whole=choice.message is not None)
        if choice.finish_reason and not self._finished:
            self._finished = True
            yield self._end(choice.finish_reason, choice.stop_reason)

    def _thinking(self, message: shape.Message) -> Iterator[Delta]:
        inside = [part.get("thinking") for part in shape.parts_of(message.content)]
        spoken = "".join(shape.text_of(thought) for thought in inside)  # Mistral's place for it
        plain = message.reasoning_content or message.reasoning or spoken
        for thought in thoughts(message.reasoning_details, plain):
            yield ThinkingDelta(thought.text, thought.signature, thought.redacted, self._index)

    def _refusal(self, message: shape.Message) -> Iterator[Delta]:
        refusal = message.refusal
        if isinstance(refusal, str) and refusal:
            self._refused = True
            yield RefusalDelta(refusal, self._index)

    def _tool_calls(self, message: shape.Message, *, whole: bool) -> Iterator[Delta]:
        for position, piece in enumerate(message.tool_calls or ()):
            yield from self._piece(piece, position if whole else piece.index)
        if message.function_call is not None:
            yield from self._piece(shape.ToolCall(function=message.function_call), _FUNCTION_CALL)

    def _piece(self, piece: shape.ToolCall, key: object) -> Iterator[Delta]:
        function = piece.function or shape.Function()
        name = function.name if isinstance(function.name, str) else ""
        call = self._call(key, piece.id if isinstance(piece.id, str) else None, name)
        arguments = calls.arguments(function.arguments)
        if not call.began and (name or arguments):
            call.began = True
            call.id = call.id or made_id(call.number, self._salt, str(self._index), name)
            signature = calls.proof(piece.extra_content)
            yield ToolCallBegan(call.number, call.id, name, self._index, signature)
        if arguments:
            yield ToolCallDelta(call.number, arguments, self._index)

    def _call(self, key: object, stated_id: str | None, name: str) -> _Call:
        """The call that a piece belongs to.

        Some servers give all calls the index 0, or none: then an id and a name begin a new one.
        """
        call = self._calls.get(key)
        other = stated_id != call.id if call and stated_id else key is None
        if call is None or (name and call.began and other):
            call = self._calls[key] = _Call(self._count, stated_id)
            self._count += 1
        call.id = call.id or stated_id
        return call

    def _end(self, reason: str, met: object) -> Finished:
        """OpenAI says `stop` of refusals, and of calls that it was told to make."""
        finish = _FINISHES.get(reason, "other")
        if finish in {"stop", "other"} and self._calls:
            finish = "tool_calls"
        elif finish == "stop" and self._refused:
            finish = "refusal"
        sequence = met if finish == "stop" and isinstance(met, str) and met else None
        return Finished(finish, self._index, sequence)
