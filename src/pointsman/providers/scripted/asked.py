"""A chat request as the scripted upstream reads it: decoded, checked, typed.

What is refused is what OpenAI's API refuses; like its schema, this allows a limit of no tokens,
and `stream_options` without a stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Raw, Struct

from pointsman.errors import BadRequest
from pointsman.providers.scripted.pieces import Stop
from pointsman.providers.scripted.reading import refusals

MAX_CHOICES = 128  # OpenAI's limit of `n`
MAX_TOP_LOGPROBS = 20  # OpenAI's limit of `top_logprobs`

Count: TypeAlias = Annotated[int, Meta(ge=0)]
Choices: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_CHOICES)]


class Part(Struct):
    """One part of a message's content."""

    type: Literal["text", "image_url", "input_audio", "file", "refusal"]
    text: str = ""


class CalledFunction(Struct):
    """The function of an earlier tool call."""

    name: str


class Called(Struct):
    """An earlier tool call of the assistant."""

    id: str
    function: CalledFunction | None = None


class Message(Struct):
    """One message."""

    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    tool_calls: list[Called] | None = None
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """Its text parts, one a line."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.text)
        return self.content or ""

    @property
    def images(self) -> int:
        """How many images came with it."""
        if not isinstance(self.content, list):
            return 0
        return sum(part.type == "image_url" for part in self.content)


class Function(Struct):
    """A function that may be called; `parameters` is a JSON schema."""

    name: str
    parameters: Raw = Raw(b"{}")


class Tool(Struct):
    """A tool on offer; only functions are ever called."""

    type: str
    function: Function | None = None


class AllowedTools(Struct):
    """A subset of the tools on offer."""

    mode: Literal["auto", "required"]
    tools: list[Tool]


class ToolChoice(Struct):
    """A tool that must be called, or a subset of which one may."""

    type: Literal["function", "allowed_tools"]
    function: CalledFunction | None = None
    allowed_tools: AllowedTools | None = None


class JsonSchema(Struct):
    """The schema that the reply must be an instance of."""

    name: str
    schema: Raw = Raw(b"{}")


class ResponseFormat(Struct):
    """What the reply must look like."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchema | None = None


class StreamOptions(Struct):
    """Wishes for a stream."""

    include_usage: bool | None = None


class Asked(Struct):
    """The members of a chat request that change the reply; others are let through unread."""

    model: str
    messages: Annotated[list[Message], Meta(min_length=1)]
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    response_format: ResponseFormat | None = None
    n: Choices | None = None
    stop: Stop = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=MAX_TOP_LOGPROBS)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    @property
    def output_limit(self) -> int | None:
        """Tokens that the reply may have; the newer member wins."""
        newer = self.max_completion_tokens
        return self.max_tokens if newer is None else newer

    @property
    def include_usage(self) -> bool:
        """Whether a stream is to end with its usage."""
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def question(self) -> Message:
        """The last message of the user, or the last of all."""
        return next((m for m in reversed(self.messages) if m.role == "user"), self.messages[-1])

    @property
    def functions(self) -> Sequence[Function]:
        """The functions that may be called, a choice of some of them respected."""
        offered = [tool.function for tool in self.tools or () if tool.function]
        if (names := self._chosen()) is None:
            return offered
        return [function for function in offered if function.name in names]

    @property
    def must_call(self) -> bool:
        """Whether a tool must be called."""
        choice = self.tool_choice
        if isinstance(choice, ToolChoice):
            return choice.allowed_tools is None or choice.allowed_tools.mode == "required"
        return choice == "required"

    def _chosen(self) -> frozenset[str] | None:
        choice = self.tool_choice
        if not isinstance(choice, ToolChoice):
            return None
        if choice.allowed_tools:
            tools = choice.allowed_tools.tools
            return frozenset(tool.function.name for tool in tools if tool.function)
        return frozenset([choice.function.name] if choice.function else [])


def read(body: bytes) -> Asked:
    """Decode and check a request body. Raises BadRequest, which names the member at fault."""
    with refusals():
        asked = _DECODER.decode(body)
    for fault, param, message in _faults(asked):
        if fault:
            raise BadRequest(message, param=param)
    return asked


def _faults(asked: Asked) -> Sequence[tuple[bool, str, str]]:
    bare = [m for m in asked.messages if m.content is None and m.role != "assistant"]
    unnamed = asked.tool_choice not in (None, "none", "auto") and not asked.functions
    form = asked.response_format
    return (
        (bool(bare), "messages", "A message has no 'content'."),
        (asked.tool_choice is not None and not asked.tools, "tool_choice", _NO_TOOLS),
        (unnamed, "tool_choice", "'tool_choice' asks for a tool that is not in 'tools'."),
        (
            form is not None and form.type == "json_schema" and form.json_schema is None,
            "response_format.json_schema",
            "'response_format' of type 'json_schema' needs a 'json_schema'.",
        ),
        (
            asked.top_logprobs is not None and not asked.logprobs,
            "top_logprobs",
            "'top_logprobs' is only allowed when 'logprobs' is true.",
        ),
    )


_NO_TOOLS = "'tool_choice' is only allowed when 'tools' are given."
_DECODER = msgspec.json.Decoder(Asked)
