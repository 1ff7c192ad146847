"""What a scripted upstream is told to do with one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeAlias

import msgspec

from pointsman.errors import ConfigError
from pointsman.types import Usage

#: A tool's name and its arguments: a mapping, or a string that is sent as it is.
Call: TypeAlias = tuple[str, str | dict[str, object]]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Script(msgspec.Struct, frozen=True):
    """How to answer one request. What is left out is done as if untold."""

    #: The text to give, the same in every choice; of a recording, what was said.
    reply: str | None = None
    #: What chat thinks before that, as `reasoning_content`.
    reasoning: str | None = None
    #: The tool to call in chat, offered or not; wins over `reply`.
    tool_call: Call | None = None
    #: More tools to call, all in the same message.
    tool_calls: Sequence[Call] = ()
    #: An error status comes with an error in OpenAI's shape, unless `body` says otherwise.
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 200
    error_code: str | None = None
    error_type: str | None = None
    #: `Retry-After`, verbatim.
    retry_after: str | None = None
    #: Added to the reply's own; these win.
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    #: The whole body, verbatim.
    body: bytes | None = None
    content_type: str | None = None
    #: Wait before the status line.
    first_byte_delay_s: Seconds = 0.0
    #: Wait before each further chunk; a chunk is one event of a stream, or a whole body.
    chunk_delay_s: Seconds = 0.0
    #: Hang after this many chunks, until the reader leaves; past the last chunk it never does.
    stall_after_chunks: Count | None = None
    #: Break off after this many bytes of the body; past its end it never does.
    cut_at_byte: Count | None = None
    #: End the stream without `data: [DONE]`.
    no_done: bool = False
    #: Never say what it used.
    no_usage: bool = False
    #: Take no connection.
    unreachable: bool = False
    #: Content chunks per choice (fewer where the text is shorter than that), or pieces of `body`.
    chunks: Annotated[int, msgspec.Meta(ge=1)] | None = None
    #: What it claims to have used.
    usage: Usage | None = None

    @property
    def calls(self) -> Sequence[Call]:
        """All tools to call, in order."""
        return [*([self.tool_call] if self.tool_call else []), *self.tool_calls]

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> Script:
        """Read a script from configuration: the fields by name, `body` as text.

        `tool_call` is a table `{name, arguments}`, `tool_calls` a list of such tables or of pairs
        `[name, arguments]`, `usage` a table of `types.Usage`'s fields. Raises ConfigError, which
        names the wrong key.
        """
        values = dict(mapping)
        _known(values, set(cls.__struct_fields__), "script")
        if isinstance(body := values.get("body"), str):
            values["body"] = body.encode()
        if "tool_call" in values:
            values["tool_call"] = _call(values["tool_call"], "script.tool_call")
        if isinstance(calls := values.get("tool_calls"), list):
            values["tool_calls"] = [
                _call(call, f"script.tool_calls[{place}]") for place, call in enumerate(calls)
            ]
        if isinstance(usage := values.get("usage"), Mapping):
            _known(usage, set(Usage.__struct_fields__), "script.usage")
        try:
            return msgspec.convert(values, cls, builtin_types=(bytes,))
        except msgspec.ValidationError as error:
            what, _, where = str(error).partition(" - at `$")
            raise ConfigError(f"script{where.rstrip('`')}: {what}") from error


def _call(told: object, place: str) -> object:
    if not isinstance(told, Mapping):
        return told
    _known(told, {"name", "arguments"}, place)
    return told.get("name"), told.get("arguments", {})


def _known(values: Mapping[str, object], names: set[str], place: str) -> None:
    for key in values:
        if key not in names:
            raise ConfigError(f"{place}: unknown key {key!r}; known are {', '.join(sorted(names))}")
