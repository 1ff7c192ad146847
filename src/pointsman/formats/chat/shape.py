"""The shape of chat replies, whole and in chunks, as far as it is looked at.

Servers differ, so members that a reply can do without are taken as they come (`object`).
"""

from __future__ import annotations

import msgspec

from pointsman.errors import UpstreamBroken

NOTHING = msgspec.Raw()


class Function(msgspec.Struct):
    """A call's name and arguments."""

    name: object = None
    arguments: object = None


class ToolCall(msgspec.Struct):
    """A call, or a piece of one."""

    index: object = None
    id: object = None
    function: Function | None = None
    #: Google's place for its proofs.
    extra_content: object = None


class Message(msgspec.Struct):
    """A message, or what a chunk adds to it."""

    content: object = None
    reasoning_content: object = None
    #: What OpenRouter and newer vLLM call it.
    reasoning: object = None
    reasoning_details: object = None
    refusal: object = None
    tool_calls: list[ToolCall] | None = None
    function_call: Function | None = None


class Choice(msgspec.Struct):
    """One answer: `message` in a whole reply, `delta` in a chunk, `text` in legacy completions."""

    index: object = None
    delta: Message | None = None
    message: Message | None = None
    text: object = None
    finish_reason: str | None = None
    #: vLLM: the stop sequence that was met, or a token's number.
    stop_reason: object = None
    logprobs: msgspec.Raw = NOTHING


class Body(msgspec.Struct):
    """A reply or a chunk."""

    id: object = None
    model: object = None
    kind: object = msgspec.field(default=None, name="object")
    choices: list[Choice] | None = None
    usage: msgspec.Raw = NOTHING
    service_tier: object = None
    error: msgspec.Raw = NOTHING

    @property
    def failed(self) -> bool:
        """Whether it is an error in a reply's place."""
        return is_there(self.error) or self.kind == "error"


_BODY = msgspec.json.Decoder(Body)


def decode(data: bytes) -> Body:
    """A reply or a chunk. Raises UpstreamBroken where it is none."""
    try:
        return _BODY.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamBroken(f"not a chat reply: {error}") from error


def is_there(member: msgspec.Raw) -> bool:
    """Whether a member was sent and is not null."""
    return bytes(member) not in {b"", b"null"}


def size(choice: Choice) -> int:
    """Bytes that the model wrote."""
    message = choice.delta or choice.message or Message()
    thought = message.reasoning_content or message.reasoning or message.reasoning_details
    texts = [choice.text, message.content, thought, message.refusal]
    functions = [call.function for call in message.tool_calls or ()]
    for function in (*functions, message.function_call):
        if function:
            texts += [function.name, function.arguments]
    return sum(
        len(text.encode() if isinstance(text, str) else msgspec.json.encode(text))
        for text in texts
        if text
    )


def text_of(content: object) -> str:
    """A string, or parts, which some servers answer in as requests are written."""
    if isinstance(content, str):
        return content
    texts = (part.get("text") for part in parts_of(content))
    return "".join(text for text in texts if isinstance(text, str))


def parts_of(content: object) -> list[dict[str, object]]:
    """The parts of a content that is written in parts."""
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def index_of(choice: Choice, position: int) -> int:
    """A choice's index; its position where it has none."""
    return choice.index if isinstance(choice.index, int) else position
