"""A conversation's messages, written: one system prompt, then user and assistant in turn."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import TypeAlias

from pointsman.conversation import (
    Audio,
    File,
    Image,
    Message,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from pointsman.formats.calls import arguments_of
from pointsman.formats.losses import Losses
from pointsman.formats.messages.models import Takes
from pointsman.formats.proofs import is_marked

Block: TypeAlias = dict[str, object]

_PICTURES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_CONTENT = "messages[].content"
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")


def write(
    messages: Sequence[Message], takes: Takes, losses: Losses
) -> tuple[list[Block], list[dict[str, object]]]:
    """The system prompt's blocks, and `messages`. Raises Inexpressible.

    What the system or developer says later is a system message where the model takes one there
    (after a user's, before an assistant's or last), else words of the user's in a `<system>` tag.
    Messages of one role in a row become one, with the tools' results first in it.

    Anthropic refuses empty text. What the user says must therefore be more than that; an empty
    message of anybody else's is left out by name, and so are empty texts beside something.
    """
    first = next((i for i, each in enumerate(messages) if not _is_system(each)), len(messages))
    writer = _Writer(losses)
    system = writer.blocks(messages[:first])
    merged: list[tuple[str, list[Block]]] = []
    for message in messages[first:]:
        _add(merged, _role(message), writer.blocks([message]))
    said = _placed(merged, takes)
    if not said:  # nothing but instructions: somebody must say something
        system, said = [], [("user", system)] if system else []
    if said and said[-1][0] == "assistant" and not takes.prefill:
        losses.refuse("prefill", "a last message of the assistant's, to be gone on with,")
        said.pop()
    if not said:
        losses.refuse(_CONTENT, "a conversation in which nobody says anything")
    return system, [{"role": role, "content": blocks} for role, blocks in said]


def _is_system(message: Message) -> bool:
    return message.role in {"system", "developer"}


def _role(message: Message) -> str:
    if _is_system(message):
        return "system"
    return "assistant" if message.role == "assistant" else "user"


def _add(to: list[tuple[str, list[Block]]], role: str, blocks: list[Block]) -> None:
    if not blocks:
        return
    if to and to[-1][0] == role:
        blocks = to.pop()[1] + blocks
    to.append((role, sorted(blocks, key=lambda block: block["type"] != "tool_result")))


def _placed(merged: list[tuple[str, list[Block]]], takes: Takes) -> list[tuple[str, list[Block]]]:
    placed: list[tuple[str, list[Block]]] = []
    for i, (role, blocks) in enumerate(merged):
        after_user = bool(placed) and placed[-1][0] == "user"
        before_assistant = i + 1 == len(merged) or merged[i + 1][0] == "assistant"
        if role != "system" or (takes.system_turns and after_user and before_assistant):
            _add(placed, role, blocks)
        else:
            tagged = [
                {**block, "text": f"<system>\n{block['text']}\n</system>"} for block in blocks
            ]
            _add(placed, "user", tagged)
    return placed


class _Writer:
    """Writes parts as content blocks."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses

    def blocks(self, messages: Sequence[Message]) -> list[Block]:
        """The blocks of messages, without those that would be empty."""
        found = []
        for message in messages:
            if message.name is not None:
                self._losses.leave_out("name")
            if all(isinstance(part, Text | Refusal) and _is_blank(part) for part in message.parts):
                self._nothing(message)
            for part in message.parts:
                if _is_system(message) and not isinstance(part, Text):
                    self._losses.refuse(_CONTENT, "anything but text in a system message")
                    continue
                block = self._block(part)
                if block is not None:
                    found.append(block)
        return found

    def _nothing(self, message: Message) -> None:
        if message.role == "user":
            self._losses.refuse(_CONTENT, "an empty message")
        else:
            self._losses.leave_out(_CONTENT)

    def _block(self, part: Part) -> Block | None:
        block: Block | None = None
        match part:
            case Text() | Refusal():
                block = _text(part)
            case Image():
                block = self._image(part)
            case File():
                block = self._file(part)
            case Thinking():
                block = self._thinking(part)
            case ToolCall():
                block = self._call(part)
            case ToolResult():
                block = self._result(part)
            case Audio():
                self._losses.refuse("audio", "audio input")
            case Opaque():
                self._losses.refuse_opaque(part)
        return block

    def _image(self, image: Image) -> Block | None:
        if image.detail is not None:
            self._losses.leave_out("detail")
        if image.url is not None:
            return {"type": "image", "source": {"type": "url", "url": image.url}}
        if image.data is None or image.media_type not in _PICTURES:
            self._losses.refuse("image_url", f"an image of type {image.media_type}")
            return None
        return {
            "type": "image",
            "source": {"type": "base64", "media_type": image.media_type, "data": image.data},
        }

    def _file(self, file: File) -> Block | None:
        source = _source(file)
        if source is None and file.file_id is not None:
            self._losses.refuse("file_id", "a file by its provider's id")
            return None
        if source is None:
            self._losses.refuse("file", f"a file of type {file.media_type}")
            return None
        title = {} if file.name is None else {"title": file.name}
        return {"type": "document", "source": source, **title}

    def _thinking(self, thinking: Thinking) -> Block | None:
        signature = thinking.signature
        if signature is None or is_marked(signature):
            self._losses.leave_out("thinking")
            return None
        if thinking.redacted:
            return {"type": "redacted_thinking", "data": signature}
        return {"type": "thinking", "thinking": thinking.text, "signature": signature}

    def _call(self, call: ToolCall) -> Block | None:
        if call.signature is not None:
            self._losses.leave_out("thought_signature")
        arguments = arguments_of(call.arguments)
        if arguments is None:
            self._losses.refuse_arguments(call)
        return {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": arguments or {}}

    def _result(self, result: ToolResult) -> Block:
        block: Block = {"type": "tool_result", "tool_use_id": _id(result.call_id)}
        match result.parts:
            case ():
                pass
            case (Text(text, None),):
                block["content"] = text
            case parts:
                block["content"] = [each for each in map(self._block, parts) if each is not None]
        if result.is_error:
            block["is_error"] = True
        return block


def _text(part: Text | Refusal) -> Block | None:
    if _is_blank(part):
        return None
    block: Block = {"type": "text", "text": part.text}
    if isinstance(part, Text) and part.cache_control is not None:
        block["cache_control"] = part.cache_control
    return block


def _is_blank(part: Text | Refusal) -> bool:
    return not part.text.strip()


def _source(file: File) -> Block | None:
    if file.url is not None:
        return {"type": "url", "url": file.url}
    if file.data is None:
        return None
    if file.media_type is None or file.media_type == "application/pdf":
        return {"type": "base64", "media_type": "application/pdf", "data": file.data}
    if not file.media_type.startswith("text/"):
        return None
    try:
        text = base64.b64decode(file.data).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return {"type": "text", "media_type": "text/plain", "data": text}


def _id(call_id: str) -> str:
    """The id in the letters that Anthropic takes; the same one for a call and its result."""
    return _NOT_IN_IDS.sub("_", call_id)
