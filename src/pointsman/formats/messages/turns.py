"""A conversation's messages, written: one system prompt, then user and assistant in turn."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

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
from pointsman.formats.messages.gaps import Gaps
from pointsman.formats.messages.models import Takes

Block: TypeAlias = dict[str, object]

_PICTURES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")
_ARGUMENTS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def write(
    messages: Sequence[Message], takes: Takes, gaps: Gaps
) -> tuple[list[Block], list[dict[str, object]]]:
    """The system prompt's blocks, and `messages`. Raises Inexpressible.

    What the system or developer says later is a system message where the model takes one there
    (after a user's, before an assistant's or last), else words of the user's in a `<system>` tag.
    Messages of one role in a row become one, with the tools' results first in it.
    """
    first = next((i for i, each in enumerate(messages) if not _is_system(each)), len(messages))
    writer = _Writer(gaps)
    system = writer.blocks(messages[:first])
    merged: list[tuple[str, list[Block]]] = []
    for message in messages[first:]:
        _add(merged, _role(message), writer.blocks([message]))
    said = _placed(merged, takes)
    if not said:  # nothing but instructions: somebody must say something
        system, said = [], [("user", system)] if system else []
    if said and said[-1][0] == "assistant" and not takes.prefill:
        gaps.refuse("messages", "a last message of the assistant's, to be gone on with,")
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

    def __init__(self, gaps: Gaps) -> None:
        self._gaps = gaps

    def blocks(self, messages: Sequence[Message]) -> list[Block]:
        """The blocks of messages, without those that would be empty."""
        found = []
        for message in messages:
            if message.name is not None:
                self._gaps.leave_out("name")
            for part in message.parts:
                if _is_system(message) and not isinstance(part, Text):
                    self._gaps.refuse("messages", "anything but text in a system message")
                    continue
                block = self._block(part)
                if block is not None:
                    found.append(block)
        return found

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
                self._gaps.refuse("input_audio", "audio input")
            case Opaque():
                self._gaps.refuse(part.kind, f"`{part.kind}` of the {part.format} format")
        return block

    def _image(self, image: Image) -> Block | None:
        if image.detail is not None:
            self._gaps.leave_out("detail")
        if image.url is not None:
            return {"type": "image", "source": {"type": "url", "url": image.url}}
        if image.data is None or image.media_type not in _PICTURES:
            self._gaps.refuse("image_url", f"an image of type {image.media_type}")
            return None
        return {
            "type": "image",
            "source": {"type": "base64", "media_type": image.media_type, "data": image.data},
        }

    def _file(self, file: File) -> Block | None:
        source = _source(file)
        if source is None:
            what = (
                "a provider's own file id" if file.file_id else f"a file of type {file.media_type}"
            )
            self._gaps.refuse("file", what)
            return None
        title = {} if file.name is None else {"title": file.name}
        return {"type": "document", "source": source, **title}

    def _thinking(self, thinking: Thinking) -> Block | None:
        signature = thinking.signature
        if signature is None or ":" in signature:  # Claude's are base64; others' carry a mark
            self._gaps.leave_out("thinking")
            return None
        if thinking.redacted:
            return {"type": "redacted_thinking", "data": signature}
        return {"type": "thinking", "thinking": thinking.text, "signature": signature}

    def _call(self, call: ToolCall) -> Block | None:
        if call.signature is not None:
            self._gaps.leave_out("signature")
        arguments = call.arguments.strip().encode() or b"{}"
        try:
            _ARGUMENTS.decode(arguments)
        except msgspec.DecodeError:
            self._gaps.refuse("tool_calls", "arguments of a tool call that are no JSON object")
            return None
        written = msgspec.Raw(arguments)
        return {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": written}

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
    if not part.text.strip():
        return None
    block: Block = {"type": "text", "text": part.text}
    if isinstance(part, Text) and part.cache_control is not None:
        block["cache_control"] = part.cache_control
    return block


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
