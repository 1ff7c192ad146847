"""Requests for an upstream: the client's own members, or a conversation written out."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pointsman.conversation import (
    Addressee,
    Audio,
    Conversation,
    Encoded,
    File,
    Image,
    Message,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    Refusal,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from pointsman.formats import data_urls, members
from pointsman.formats.losses import Losses, dropped
from pointsman.formats.reasoning import effort_wanted
from pointsman.formats.responses import seals
from pointsman.formats.responses.reader import SEAL
from pointsman.formats.responses.request import ENCRYPTED, LOGPROBS
from pointsman.types import Json, ModelRequest

#: The names that all formats have for some members of this one.
_NAMES = {"max_output_tokens": "max_tokens", "reasoning": "reasoning_effort"}
_MARK = seals.MARK.encode()


class _Kept(msgspec.Struct):
    encrypted_content: object = None


_KEPT = msgspec.json.Decoder(_Kept)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


def pass_through(request: ModelRequest, to: Addressee) -> Encoded:
    """The client's own members, but for the model's name and what configuration changes.

    Thinking of other providers, which an earlier reply carried sealed, is left out: the upstream
    would refuse what it did not encrypt itself.
    """
    drop = dropped(to.drop)
    left_out = [name for name in request.members if name in drop]
    raw = {name: value for name, value in request.members.items() if name not in drop}
    told = raw.get("input", b"")
    if _MARK in told:
        items = _LIST.decode(told)
        own = [item for item in items if not _is_sealed(item)]
        raw["input"] = msgspec.json.encode(own)
        left_out += ["thinking"] if len(own) < len(items) else []
    raw["model"] = msgspec.json.encode(to.model)
    raw |= {name: msgspec.json.encode(value) for name, value in to.extra.items()}
    return Encoded(members.joined(raw), tuple(left_out))


def encode(conversation: Conversation, to: Addressee) -> Encoded:
    """A conversation in this format. Raises Inexpressible for what it can't say."""
    losses = Losses.of(conversation, to, "OpenAI responses")
    return _Encoder(losses).encoded(conversation, to)


def _is_sealed(item: msgspec.Raw) -> bool:
    if _MARK not in bytes(item):
        return False
    content = _KEPT.decode(item).encrypted_content
    return isinstance(content, str) and seals.opened(content) is not None


class _Encoder:
    """Writes one request and remembers what it leaves out."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses

    def encoded(self, told: Conversation, to: Addressee) -> Encoded:
        body: dict[str, Json] = {
            "model": to.model,
            "input": [item for message in told.messages for item in self._items(message)],
            "store": False,
        }
        body |= {
            name: value
            for name, value in self._settings(told)
            if value is not None and self._losses.keeps(_NAMES.get(name, name))
        }
        body |= self._text(told)
        body |= to.extra
        return Encoded(msgspec.json.encode(body), self._losses.left_out)

    def _settings(self, told: Conversation) -> Iterator[tuple[str, Json]]:
        tools: list[Json] = [each for tool in told.tools for each in self._tool(tool)]
        if tools and self._losses.keeps("tools"):
            yield "tools", tools
            yield "tool_choice", _choice(told.tool_choice)
            yield "parallel_tool_calls", told.parallel_tool_calls
        yield "reasoning", self._reasoning(told.reasoning)
        yield from self._sampling(told.sampling)
        likely = told.sampling.logprobs and self._losses.keeps("logprobs")
        include: list[Json] = [ENCRYPTED, *([LOGPROBS] if likely else [])]
        yield "include", include
        yield "top_logprobs", told.sampling.top_logprobs if likely else None
        yield "user", told.user
        yield "stream", told.stream or None

    def _sampling(self, wish: Sampling) -> Iterator[tuple[str, Json]]:
        yield "max_output_tokens", wish.max_tokens
        yield "temperature", wish.temperature
        yield "top_p", wish.top_p
        unsaid = {
            "top_k": wish.top_k,
            "min_p": wish.min_p,
            "stop": wish.stop or None,
            "n": wish.n if wish.n != 1 else None,
            "seed": wish.seed,
            "frequency_penalty": wish.frequency_penalty or None,
            "presence_penalty": wish.presence_penalty or None,
            "logit_bias": wish.logit_bias or None,
        }
        for name, value in unsaid.items():
            if value is not None:
                self._losses.refuse(name)

    def _text(self, told: Conversation) -> dict[str, Json]:
        said: dict[str, Json] = {}
        if told.output is not None and self._losses.keeps("response_format"):
            said["format"] = _format(told.output)
        if told.verbosity is not None and self._losses.keeps("verbosity"):
            said["verbosity"] = told.verbosity
        return {"text": said} if said else {}

    def _reasoning(self, wish: Reasoning | None) -> Json:
        if wish is None:
            return None
        if wish.adaptive:
            self._losses.leave_out("adaptive_thinking")
        effort = effort_wanted(wish)
        said: dict[str, Json] = {"effort": effort} if effort else {}
        return said | {"summary": "auto"} if wish.visible else said or None

    def _tool(self, tool: Tool | Opaque) -> Iterator[Json]:
        if isinstance(tool, Opaque):
            self._losses.refuse_opaque(tool)
            return
        if tool.cache_control is not None:
            self._losses.leave_out("cache_control")
        yield {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.schema,
            "strict": tool.strict,
        }

    def _items(self, message: Message) -> Iterator[Json]:
        if message.name is not None:
            self._losses.leave_out("name")
        said: list[Json] = []
        for part in message.parts:
            item = self._item(part)
            if item is None:
                said += self._content(part, message.role)
                continue
            if said:
                yield {"type": "message", "role": message.role, "content": said}
                said = []
            yield from item
        if said or not message.parts:
            yield {"type": "message", "role": message.role, "content": said}

    def _item(self, part: Part) -> list[Json] | None:
        """The items for a part; None where it stands in a message."""
        match part:
            case ToolCall():
                if part.signature is not None:
                    self._losses.leave_out("thought_signature")
                return [
                    {
                        "type": "function_call",
                        "call_id": part.id,
                        "name": part.name,
                        "arguments": part.arguments,
                    }
                ]
            case ToolResult():
                return [self._result(part)]
            case Thinking():
                return self._thinking(part)
            case Opaque():
                self._losses.refuse_opaque(part)
                return []
        return None

    def _thinking(self, part: Thinking) -> list[Json]:
        if part.signature is None or not part.signature.startswith(SEAL):
            self._losses.leave_out("thinking")
            return []
        return [
            {
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": part.text}] if part.text else [],
                "encrypted_content": part.signature.removeprefix(SEAL),
            }
        ]

    def _result(self, result: ToolResult) -> Json:
        if result.is_error:
            self._losses.leave_out("is_error")
        output: Json = [said for part in result.parts for said in self._content(part, "tool")]
        match result.parts:
            case ():
                output = ""
            case (Text(text=text),):
                output = text
        return {"type": "function_call_output", "call_id": result.call_id, "output": output}

    def _content(self, part: Part, role: str) -> Iterator[Json]:
        match part:
            case Text():
                if part.cache_control is not None:
                    self._losses.leave_out("cache_control")
                kind = "output_text" if role == "assistant" else "input_text"
                yield {"type": kind, "text": part.text}
            case Refusal():
                yield {"type": "refusal", "refusal": part.text}
            case Image():
                url = part.url or data_urls.write(part.media_type or "image/png", part.data or "")
                yield {"type": "input_image", "image_url": url, "detail": part.detail or "auto"}
            case File(file_id=None):
                yield _file(part)
            case File():
                self._losses.refuse("file_id", "a file by its provider's id")
            case Audio():
                self._losses.refuse("audio", "audio input")
            case Opaque():
                self._losses.refuse_opaque(part)


def _file(part: File) -> Json:
    said = {
        "filename": part.name,
        "file_data": part.data and data_urls.write(part.media_type, part.data),
        "file_url": part.url,
    }
    return {"type": "input_file", **{name: value for name, value in said.items() if value}}


def _choice(choice: ToolChoice | None) -> Json:
    if choice is None:
        return None
    if choice.mode == "none" or not choice.names:
        return choice.mode
    named: list[Json] = [{"type": "function", "name": name} for name in choice.names]
    if choice.mode == "required" and len(named) == 1:
        return named[0]
    return {"type": "allowed_tools", "mode": choice.mode, "tools": named}


def _format(wish: OutputFormat) -> Json:
    if wish.kind == "json_object":
        return {"type": "json_object"}
    said: dict[str, Json] = {"type": wish.kind, "name": wish.name, "schema": wish.schema}
    if wish.strict is not None:
        said["strict"] = wish.strict
    if wish.description is not None:
        said["description"] = wish.description
    return said
