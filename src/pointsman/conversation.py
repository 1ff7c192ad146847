"""The canonical form: what was asked and what was answered, whatever wire format it came in.

A leaf. Formats decode into it and encode from it; it is only made where the client's format is not
one that the upstream speaks. Where they are the same, bytes pass through and this stays unused, but
for the deltas that a stream is followed by.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from pointsman.types import Json, Usage

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]
#: Why a choice ended: `tool_calls` where it waits for results, `content_filter` where it was
#: withheld, `refusal` where the model declined, `other` for what only its own format has a word for.
Finish: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "other"]
#: How hard to think, as a wish; `none` switches it off.
Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
#: How much to say, as a wish.
Verbosity: TypeAlias = Literal["low", "medium", "high"]


class Text(msgspec.Struct, frozen=True):
    """Words."""

    text: str
    #: The caller wants the prompt cached up to here: a hint, in Anthropic's shape.
    cache_control: Json = None


class Image(msgspec.Struct, frozen=True):
    """A picture: `data` (base64, with its `media_type`) or a `url`."""

    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    detail: str | None = None


class Audio(msgspec.Struct, frozen=True):
    """Sound: base64, and its format (`wav`, `mp3`)."""

    data: str
    format: str


class File(msgspec.Struct, frozen=True):
    """A document: `data` (base64), a `url`, or an id that only its provider knows."""

    name: str | None = None
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None


class Thinking(msgspec.Struct, frozen=True):
    """What the model thought. The signature proves to its provider that it is unchanged."""

    text: str
    signature: str | None = None
    #: Its provider keeps it secret: `text` is empty and `signature` holds the opaque data.
    redacted: bool = False


class Refusal(msgspec.Struct, frozen=True):
    """The words in which a model declined."""

    text: str


class ToolCall(msgspec.Struct, frozen=True):
    """A tool that the model wants called; `arguments` is JSON, as the model wrote it."""

    id: str
    name: str
    arguments: str
    #: Opaque proof that some providers want back with the call (Gemini's thoughtSignature).
    signature: str | None = None


class ToolResult(msgspec.Struct, frozen=True):
    """What a tool gave back."""

    call_id: str
    parts: tuple[Part, ...]
    is_error: bool = False
    #: The tool's name, where the format says it; decoders fill it in from the call where they can.
    name: str | None = None


class Opaque(msgspec.Struct, frozen=True):
    """Something that only its own format can say, such as a provider's built-in tool."""

    format: str
    #: What it is, in that format's word: `web_search`, `server_tool_use`, ...
    kind: str


Part: TypeAlias = Text | Image | Audio | File | Thinking | Refusal | ToolCall | ToolResult | Opaque


class Message(msgspec.Struct, frozen=True):
    """One turn. Tool results stand in messages of role `tool`, one or more each."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None


class Tool(msgspec.Struct, frozen=True):
    """A function on offer; `schema` is the JSON schema of its arguments."""

    name: str
    description: str | None = None
    schema: Json = None
    strict: bool | None = None
    cache_control: Json = None


class ToolChoice(msgspec.Struct, frozen=True):
    """Whether and which tools may be called; `names` narrows it to some of them."""

    mode: Literal["auto", "none", "required"]
    names: tuple[str, ...] = ()


class OutputFormat(msgspec.Struct, frozen=True):
    """JSON wanted: any object, or an instance of a schema."""

    kind: Literal["json_object", "json_schema"]
    name: str = "output"
    schema: Json = None
    strict: bool | None = None
    description: str | None = None


class Reasoning(msgspec.Struct, frozen=True):
    """How much thinking is wanted, in whichever unit the client said it."""

    effort: Effort | None = None
    budget_tokens: int | None = None
    #: The model may decide for itself.
    adaptive: bool = False
    #: The client wants to see it: a summary, or the text.
    visible: bool | None = None


class Sampling(msgspec.Struct, frozen=True):
    """How the reply is drawn. None is the model's default."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    stop: tuple[str, ...] = ()
    n: int | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Mapping[str, float] | None = None
    logprobs: bool = False
    top_logprobs: int | None = None


class Conversation(msgspec.Struct, frozen=True):
    """A request in full."""

    messages: tuple[Message, ...]
    tools: tuple[Tool | Opaque, ...] = ()
    tool_choice: ToolChoice | None = None
    #: None is the model's default, which is to allow it.
    parallel_tool_calls: bool | None = None
    output: OutputFormat | None = None
    sampling: Sampling = Sampling()
    reasoning: Reasoning | None = None
    verbosity: Verbosity | None = None
    stream: bool = False
    #: Who the end user is, as the client says it.
    user: str | None = None
    #: Names of members with no effect on the answer and no place here (bookkeeping: `store`,
    #: `metadata`, ...): left out of translations, and named in the reply's header.
    advisory: tuple[str, ...] = ()
    #: Names of members that matter, or may, and have no place here: no translation can say them.
    foreign: tuple[str, ...] = ()


class Choice(msgspec.Struct, frozen=True):
    """One answer; texts, thinking, refusals and tool calls in the order they were said."""

    parts: tuple[Part, ...]
    finish: Finish
    index: int = 0
    stop_sequence: str | None = None
    #: OpenAI's `logprobs` object (`{content: [...], refusal}`).
    logprobs: Json = None


class ModelReply(msgspec.Struct, frozen=True):
    """A whole reply."""

    model: str
    choices: tuple[Choice, ...]
    usage: Usage


# A stream, delta by delta. Texts come in order; every tool call begins before its arguments.


class Began(msgspec.Struct, frozen=True):
    """The reply has begun."""

    #: What the upstream says it serves; None where it does not.
    model: str | None = None


class TextDelta(msgspec.Struct, frozen=True):
    """More text."""

    text: str
    choice: int = 0
    logprobs: Json = None


class ThinkingDelta(msgspec.Struct, frozen=True):
    """More thinking, its signature, or both. With `redacted`, a whole opaque block."""

    text: str = ""
    signature: str | None = None
    redacted: bool = False
    choice: int = 0


class RefusalDelta(msgspec.Struct, frozen=True):
    """More of a refusal."""

    text: str
    choice: int = 0


class ToolCallBegan(msgspec.Struct, frozen=True):
    """A tool call begins; `call` counts a choice's calls from 0."""

    call: int
    id: str
    name: str
    choice: int = 0
    signature: str | None = None


class ToolCallDelta(msgspec.Struct, frozen=True):
    """More of a call's arguments."""

    call: int
    arguments: str
    choice: int = 0


class Finished(msgspec.Struct, frozen=True):
    """A choice has ended."""

    finish: Finish
    choice: int = 0
    stop_sequence: str | None = None


Delta: TypeAlias = (
    Began | TextDelta | ThinkingDelta | RefusalDelta | ToolCallBegan | ToolCallDelta | Finished
)


class Encoded(msgspec.Struct, frozen=True):
    """A request in an upstream's format."""

    body: bytes
    #: Names of what was left out: bookkeeping, and what the configuration allows to be dropped.
    left_out: tuple[str, ...] = ()


class Addressee(msgspec.Struct, frozen=True):
    """For whom a request is written."""

    #: The upstream's name for the model.
    model: str
    #: Sent where the format must have a limit and the client sets none.
    max_output_tokens: int | None = None
    #: Parameters to leave out, by the client's name for them or by ours (`temperature`, ...).
    drop: frozenset[str] = msgspec.field(default_factory=frozenset)
    #: The upstream's own members to set, from configuration (Ollama's `keep_alive`, `num_ctx`, ...).
    extra: Mapping[str, Json] = msgspec.field(default_factory=dict)
