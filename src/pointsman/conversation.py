"""The canonical form: what was asked and what was answered, whatever wire format it came in.

A leaf. Formats decode into it and encode from it; it is only made where the client's format is not
one that the upstream speaks. Where they are the same, bytes pass through and this stays unused, but
for the deltas that a stream is followed by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pointsman.types import Json, Usage

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]
#: Why a choice ended: `tool_calls` where it waits for results, `content_filter` where it was
#: withheld, `refusal` where the model declined, `other` for what only its own format has a word for.
Finish: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "other"]
#: How hard to think, as a wish; `none` switches it off.
Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
#: How much to say, as a wish.
Verbosity: TypeAlias = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Text:
    """Words."""

    text: str
    #: The caller wants the prompt cached up to here: a hint, in Anthropic's shape.
    cache_control: Json = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: `data` (base64, with its `media_type`) or a `url`."""

    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Audio:
    """Sound: base64, and its format (`wav`, `mp3`)."""

    data: str
    format: str


@dataclass(frozen=True, slots=True)
class File:
    """A document: `data` (base64), a `url`, or an id that only its provider knows."""

    name: str | None = None
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None


@dataclass(frozen=True, slots=True)
class Thinking:
    """What the model thought. The signature proves to its provider that it is unchanged."""

    text: str
    signature: str | None = None
    #: Its provider keeps it secret: `text` is empty and `signature` holds the opaque data.
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """The words in which a model declined."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants called; `arguments` is JSON, as the model wrote it."""

    id: str
    name: str
    arguments: str
    #: Opaque proof that some providers want back with the call (Gemini's thoughtSignature).
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back."""

    call_id: str
    parts: tuple[Part, ...]
    is_error: bool = False
    #: The tool's name, where the format says it; decoders fill it in from the call where they can.
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Opaque:
    """Something that only its own format can say, such as a provider's built-in tool."""

    format: str
    #: What it is, in that format's word: `web_search`, `server_tool_use`, ...
    kind: str


Part: TypeAlias = Text | Image | Audio | File | Thinking | Refusal | ToolCall | ToolResult | Opaque


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. Tool results stand in messages of role `tool`, one or more each."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A function on offer; `schema` is the JSON schema of its arguments."""

    name: str
    description: str | None = None
    schema: Json = None
    strict: bool | None = None
    cache_control: Json = None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether and which tools may be called; `names` narrows it to some of them."""

    mode: Literal["auto", "none", "required"]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """JSON wanted: any object, or an instance of a schema."""

    kind: Literal["json_object", "json_schema"]
    name: str = "output"
    schema: Json = None
    strict: bool | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How much thinking is wanted, in whichever unit the client said it."""

    effort: Effort | None = None
    budget_tokens: int | None = None
    #: The model may decide for itself.
    adaptive: bool = False
    #: The client wants to see it: a summary, or the text.
    visible: bool | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
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


@dataclass(frozen=True, slots=True)
class Conversation:
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


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer; texts, thinking, refusals and tool calls in the order they were said."""

    parts: tuple[Part, ...]
    finish: Finish
    index: int = 0
    stop_sequence: str | None = None
    #: OpenAI's `logprobs` object (`{content: [...], refusal}`).
    logprobs: Json = None


@dataclass(frozen=True, slots=True)
class ModelReply:
    """A whole reply."""

    model: str
    choices: tuple[Choice, ...]
    usage: Usage


# A stream, delta by delta. Texts come in order; every tool call begins before its arguments.


@dataclass(frozen=True, slots=True)
class Began:
    """The reply has begun."""

    #: What the upstream says it serves; None where it does not.
    model: str | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text."""

    text: str
    choice: int = 0
    logprobs: Json = None


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """More thinking, its signature, or both. With `redacted`, a whole opaque block."""

    text: str = ""
    signature: str | None = None
    redacted: bool = False
    choice: int = 0


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """More of a refusal."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallBegan:
    """A tool call begins; `call` counts a choice's calls from 0."""

    call: int
    id: str
    name: str
    choice: int = 0
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of a call's arguments."""

    call: int
    arguments: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """A choice has ended."""

    finish: Finish
    choice: int = 0
    stop_sequence: str | None = None


Delta: TypeAlias = (
    Began | TextDelta | ThinkingDelta | RefusalDelta | ToolCallBegan | ToolCallDelta | Finished
)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A request in an upstream's format."""

    body: bytes
    #: Names of what was left out: bookkeeping, and what the configuration allows to be dropped.
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Addressee:
    """For whom a request is written."""

    #: The upstream's name for the model.
    model: str
    #: Sent where the format must have a limit and the client sets none.
    max_output_tokens: int | None = None
    #: Parameters to leave out, by the client's name for them or by ours (`temperature`, ...).
    drop: frozenset[str] = field(default_factory=frozenset)
    #: The upstream's own members to set, from configuration (Ollama's `keep_alive`, `num_ctx`, ...).
    extra: Mapping[str, Json] = field(default_factory=dict)
