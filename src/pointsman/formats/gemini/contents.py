"""Messages as `systemInstruction` and `contents`.

System messages that come first are the instruction. Gemini has no other place for one, so a later
one is a user's turn between `<system_instruction>` tags. Consecutive messages of a kind become one
content: the results of parallel calls must stand in one, right after the calls.

Pictures, sound and documents are sent inline. An address becomes `fileData`: Google reads its own
Files API, `gs://` objects and YouTube, and since Gemini 2.5 public or signed https addresses
("File input methods" in its documentation); nothing is fetched here. Any other address is refused.

A thought's or a call's signature must come back with its part, or Gemini 3 and later answer 400,
as they do for a signature that is not theirs. Signatures of thinking therefore carry a mark while
a client holds them (`MARK`): thinking without it, signed by another provider, is left out. A step
whose first call has no signature, because another model made it or the client's format has no
place for one, gets the word that Google documents for that case.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import dropwhile
from typing import Final, Literal, TypeAlias

from pointsman.conversation import (
    Audio,
    File,
    Image,
    Message,
    Part,
    Refusal,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from pointsman.formats.calls import arguments_of
from pointsman.formats.gemini.generation import fetches_urls, is_older
from pointsman.formats.losses import Losses
from pointsman.types import Json

#: What a Gemini signature of thinking begins with outside of Gemini's own format.
MARK: Final = "gemini:"
#: Stands for a signature that there is none of ("Thought signatures", Google's documentation).
NO_SIGNATURE: Final = "skip_thought_signature_validator"

_CONTENT: Final = "messages[].content"

_Kind: TypeAlias = Literal["user", "model", "tool"]
_Part: TypeAlias = dict[str, Json]
_KINDS: Final[dict[Role, _Kind]] = {
    "system": "user",
    "developer": "user",
    "user": "user",
    "assistant": "model",
    "tool": "tool",
}
_OWN_ADDRESSES: Final = (
    "gs://",
    "https://generativelanguage.googleapis.com/",
    "https://www.youtube.com/",
    "https://youtu.be/",
)
#: Media types by the endings of names and addresses, for where nothing else says them.
_MEDIA_TYPES: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "mp4": "video/mp4",
    "mp3": "audio/mp3",
    "wav": "audio/wav",
}


class ContentsWriter:
    """Writes one conversation's messages."""

    def __init__(self, model: str, losses: Losses) -> None:
        """`model` decides what may be said: older ones take less."""
        self._model = model
        self._older = is_older(model)
        self._losses = losses
        #: Names of the tools called so far, by the calls' ids.
        self._called: dict[str, str] = {}

    def written(self, messages: Sequence[Message]) -> tuple[list[Json], list[Json]]:
        """The instruction's parts, and the contents. Raises Inexpressible."""
        spoken = list(dropwhile(_is_system, messages))
        leading = messages[: len(messages) - len(spoken)]
        if not spoken:  # contents may not be empty
            leading, spoken = (), list(messages)
        instruction = [part for message in leading for part in self._parts(message)]
        if any("text" not in part for part in instruction):
            self._losses.refuse(_CONTENT, "anything but text in a system message")
            instruction = [part for part in instruction if "text" in part]
        turns: list[tuple[_Kind, list[_Part]]] = []
        for message in spoken:
            kind = _KINDS[message.role]
            parts = self._parts(message)
            if _is_system(message):
                parts = [_tagged(part) for part in parts]
            if turns and turns[-1][0] == kind:
                turns[-1][1].extend(parts)
            elif parts:
                turns.append((kind, parts))
        contents: list[Json] = [self._content(kind, parts) for kind, parts in turns]
        return list(instruction), contents or [{"role": "user", "parts": [{"text": ""}]}]

    def _content(self, kind: _Kind, parts: list[_Part]) -> Json:
        if kind == "model" and not self._older:
            _sign(parts)
        return {"role": "model" if kind == "model" else "user", "parts": list(parts)}

    def _parts(self, message: Message) -> list[_Part]:
        if message.name is not None:
            self._losses.leave_out("name")
        if all(part == Text("") for part in message.parts):
            self._losses.leave_out(_CONTENT)
        written = (self._part(part) for part in message.parts)
        return [part for part in written if part is not None]

    def _part(self, part: Part) -> _Part | None:
        """The part; None for what says nothing or was left out by name."""
        match part:
            case Text() | Refusal():
                return self._text(part)
            case Thinking():
                return self._thinking(part)
            case ToolCall():
                return self._call(part)
            case ToolResult():
                return self._result(part)
            case Image() | Audio() | File():
                return self._media(part)
            case _:
                self._losses.refuse_opaque(part)
                return None

    def _text(self, part: Text | Refusal) -> _Part | None:
        if isinstance(part, Text) and part.cache_control is not None:
            self._losses.leave_out("cache_control")
        return {"text": part.text} if part.text else None

    def _thinking(self, thought: Thinking) -> _Part | None:
        signature = thought.signature
        if thought.redacted or (signature is not None and not signature.startswith(MARK)):
            self._losses.leave_out("thinking")
            return None
        said: _Part = {"text": thought.text}
        if thought.text:
            said["thought"] = True
        if signature is not None:
            said["thoughtSignature"] = signature.removeprefix(MARK)
        return said if thought.text or signature is not None else None

    def _call(self, call: ToolCall) -> _Part:
        self._called[call.id] = call.name
        said: _Part = {
            "functionCall": {
                "id": call.id,
                "name": call.name,
                "args": self._arguments(call),
            }
        }
        if call.signature is not None:
            said["thoughtSignature"] = call.signature
        return said

    def _arguments(self, call: ToolCall) -> Json:
        arguments = arguments_of(call.arguments)
        if arguments is None:
            self._losses.refuse_arguments(call)
        return arguments or {}

    def _result(self, result: ToolResult) -> _Part | None:
        """Its text under `output` or `error`, as Google's documentation wants; media beside it."""
        name = result.name or self._called.get(result.call_id)
        if name is None:
            self._losses.refuse("tool_call_id", "a tool result without its call")
            return None
        parts = [written for part in result.parts if (written := self._returned(part)) is not None]
        texts: list[Json] = [part["text"] for part in parts if "text" in part]
        media: list[Json] = [part for part in parts if "text" not in part]
        output: Json = texts if len(texts) > 1 else next(iter(texts), "")
        said: _Part = {
            "id": result.call_id,
            "name": name,
            "response": {"error" if result.is_error else "output": output},
        }
        if media:
            said["parts"] = media
        return {"functionResponse": said}

    def _returned(self, part: Part) -> _Part | None:
        if self._older and isinstance(part, Image | Audio | File):
            self._losses.refuse(_name(part), "media in a tool result")
            return None
        return self._part(part)

    def _media(self, part: Image | Audio | File) -> _Part | None:
        if isinstance(part, Audio):
            return _inline(f"audio/{part.format}", part.data)
        if isinstance(part, Image) and part.detail not in {None, "auto"}:
            self._losses.leave_out("detail")
        if isinstance(part, File) and part.name is not None:
            self._losses.leave_out("filename")
        name = part.name if isinstance(part, File) else None
        media_type = part.media_type or _type_of(part.url or name or "")
        if part.data is not None:
            if media_type is None:
                self._losses.refuse(_name(part), "data without a media type")
                return None
            return _inline(media_type, part.data)
        if part.url is None:
            self._losses.refuse("file_id", "a file by its provider's id")
            return None
        return self._remote(part, part.url, media_type)

    def _remote(self, part: Image | File, url: str, media_type: str | None) -> _Part | None:
        public = url.startswith("https://") and fetches_urls(self._model)
        if not public and not url.startswith(_OWN_ADDRESSES):
            self._losses.refuse(_name(part), f"a file at {url[:64]!r}")
            return None
        said: _Part = {"fileUri": url}
        if media_type is not None:
            said["mimeType"] = media_type
        return {"fileData": said}


def _is_system(message: Message) -> bool:
    return message.role in {"system", "developer"}


def _name(part: Image | Audio | File) -> str:
    """What the chat format calls such a part."""
    match part:
        case Image():
            return "image_url"
        case Audio():
            return "audio"
    return "file"


def _tagged(part: _Part) -> _Part:
    if "text" not in part:
        return part
    return {"text": f"<system_instruction>\n{part['text']}\n</system_instruction>"}


def _sign(parts: Sequence[_Part]) -> None:
    """A step's first call carries a signature: a stand-in where none of its calls has one."""
    calls = [part for part in parts if "functionCall" in part]
    if calls and not any("thoughtSignature" in call for call in calls):
        calls[0]["thoughtSignature"] = NO_SIGNATURE


def _inline(media_type: str, data: str) -> _Part:
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _type_of(address: str) -> str | None:
    path = address.partition("?")[0].partition("#")[0]
    return _MEDIA_TYPES.get(path.rpartition(".")[2].lower())
