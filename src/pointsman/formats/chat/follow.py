"""OpenAI's chat reply, streamed or whole: read for the books, passed on as it came."""

from __future__ import annotations

import msgspec

from pointsman.errors import UpstreamBroken
from pointsman.formats import sse
from pointsman.tokens import BYTES_PER_TOKEN
from pointsman.types import Usage

_NOTHING = msgspec.Raw()


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None


class _Function(msgspec.Struct):
    name: object = None
    arguments: object = None


class _ToolCall(msgspec.Struct):
    function: _Function | None = None


class _Message(msgspec.Struct):
    content: object = None
    reasoning_content: object = None
    refusal: object = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    delta: _Message | None = None
    message: _Message | None = None
    finish_reason: str | None = None


class _Body(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: object = None
    error: msgspec.Raw = _NOTHING

    @property
    def failed(self) -> bool:
        """Whether it is an error in a reply's place."""
        return bytes(self.error) not in {b"", b"null"}


_BODY = msgspec.json.Decoder(_Body)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_reply(body: bytes, prompt_tokens: int) -> Usage:
    """Usage of a whole reply; counted where it does not say.

    Raises UpstreamBroken where it is not a chat reply: a success status is no proof of one.
    """
    reply = _decode(body)
    if reply.failed or reply.choices is None:
        raise UpstreamBroken("a reply without choices")
    produced = sum(_size(choice.message) for choice in reply.choices)
    return _usage(reply.usage) or _counted(prompt_tokens, produced)


def reply_text(body: bytes) -> str:
    """The first choice's text. Raises UpstreamBroken where it is not a chat reply."""
    choices = _decode(body).choices
    message = choices[0].message if choices else None
    content = message.content if message else None
    if isinstance(content, list):  # some servers answer in parts, as requests are written
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


class StreamReader:
    """Follows a streamed reply event by event."""

    def __init__(self, *, prompt_tokens: int, keep_usage: bool) -> None:
        """`keep_usage`: the client asked for usage, so it is not taken out."""
        self._prompt_tokens = prompt_tokens
        self._keep_usage = keep_usage
        self._reported: Usage | None = None
        self._produced = 0
        #: The first chunk was seen: comments before it are no answer.
        self.begun = False
        #: `[DONE]` was seen.
        self.done = False
        #: A choice has its finish reason: the model said all it had to say.
        self.finished = False
        #: The upstream's own error, where it sent one in the stream.
        self.error: bytes | None = None

    @property
    def usage(self) -> Usage:
        """What was used so far: the upstream's figures, or our count."""
        return self._reported or _counted(self._prompt_tokens, self._produced)

    def read(self, event: sse.Event) -> bytes | None:
        """Take note of an event; returns the bytes for the client, None where there are none.

        `[DONE]` is held back: it is sent when the books are written.
        Raises UpstreamBroken where the data is not a chat chunk.
        """
        if event.data is None:
            return event.raw
        if event.data == b"[DONE]":
            self.done = True
            return None
        chunk = _decode(event.data)
        if chunk.failed:
            self.error = bytes(chunk.error)
            return None
        self.begun = True
        self._produced += sum(_size(choice.delta) for choice in chunk.choices or ())
        self.finished |= any(choice.finish_reason for choice in chunk.choices or ())
        if chunk.usage is not None:
            self._reported = _usage(chunk.usage)
        if self._keep_usage or b'"usage"' not in event.data:
            return event.raw
        return _without_usage(event.data) if chunk.choices else None


def _decode(data: bytes) -> _Body:
    try:
        return _BODY.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamBroken(f"not a chat reply: {error}") from error


def _without_usage(data: bytes) -> bytes:
    members = _MEMBERS.decode(data)
    members.pop("usage", None)
    return sse.event(msgspec.json.encode(members))


def _usage(stated: object) -> Usage | None:
    try:
        usage = msgspec.convert(stated, _Usage, strict=False)
    except msgspec.ValidationError:
        return None
    if min(usage.prompt_tokens, usage.completion_tokens) < 0:
        return None
    prompt = usage.prompt_tokens_details
    completion = usage.completion_tokens_details
    return Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cached_tokens=(prompt.cached_tokens if prompt else 0) or 0,
        reasoning_tokens=(completion.reasoning_tokens if completion else 0) or 0,
    )


def _counted(prompt_tokens: int, produced: int) -> Usage:
    return Usage(
        input_tokens=prompt_tokens,
        output_tokens=-(-produced // BYTES_PER_TOKEN),
        estimated=True,
    )


def _size(message: _Message | None) -> int:
    """Bytes that the model wrote."""
    if message is None:
        return 0
    texts = [message.content, message.reasoning_content, message.refusal]
    for call in message.tool_calls or ():
        if call.function:
            texts += [call.function.name, call.function.arguments]
    return sum(
        len(text.encode() if isinstance(text, str) else msgspec.json.encode(text))
        for text in texts
        if text
    )
