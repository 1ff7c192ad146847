"""The shape of replies, whole and in lines, as far as it is looked at.

`/api/chat` says what was said in `message`, `/api/generate` in `response` and beside it.
"""

from __future__ import annotations

import msgspec

from pointsman.conversation import Finish, Text, Thinking, ToolCall
from pointsman.errors import UpstreamBroken
from pointsman.formats.calls import made_id
from pointsman.formats.counting import MOST_TOKENS, tokens_in
from pointsman.formats.wire import Fault
from pointsman.types import Usage

NOTHING = msgspec.Raw()


class Function(msgspec.Struct):
    """A call's name and arguments."""

    name: str = ""
    arguments: msgspec.Raw = NOTHING


class Call(msgspec.Struct):
    """A tool call, always whole; older servers give no ids."""

    function: Function
    id: str | None = None


class Message(msgspec.Struct):
    """A message, or what a line adds to it."""

    content: str | None = None
    thinking: str | None = None
    tool_calls: list[Call] | None = None


class Body(msgspec.Struct):
    """A reply or a line of one."""

    model: object = None
    created_at: object = None
    message: Message | None = None
    response: str | None = None
    thinking: str | None = None
    tool_calls: list[Call] | None = None
    done: bool | None = None
    done_reason: str | None = None
    logprobs: msgspec.Raw = NOTHING
    prompt_eval_count: object = None
    eval_count: object = None
    error: object = None

    @property
    def said(self) -> Message:
        """What it says, wherever it says it."""
        return self.message or Message(self.response, self.thinking, self.tool_calls)


_BODY = msgspec.json.Decoder(Body)


def decode(data: bytes) -> Body:
    """A reply or a line. Raises UpstreamBroken where it is none."""
    try:
        body = _BODY.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamBroken(f"not an Ollama reply: {error}") from error
    if body.error is None and body.message is None and body.response is None and not body.done:
        raise UpstreamBroken("not an Ollama reply: it says nothing")
    return body


def fault(error: object) -> Fault:
    """What an `error` member says: words in Ollama, an object in servers that imitate it."""
    if isinstance(error, dict):
        message, kind = error.get("message"), error.get("type")
        return Fault(
            message if isinstance(message, str) else "", kind if isinstance(kind, str) else None
        )
    return Fault(error if isinstance(error, str) else "")


def parts(body: Body, first: int) -> list[Thinking | Text | ToolCall]:
    """What a line or a reply says, in order; `first` numbers its first tool call."""
    message = body.said
    found: list[Thinking | Text | ToolCall] = []
    if message.thinking:
        found.append(Thinking(message.thinking))
    if message.content:
        found.append(Text(message.content))
    for number, call in enumerate(message.tool_calls or (), first):
        name, arguments = call.function.name, _arguments(call.function.arguments)
        call_id = call.id or made_id(number, str(body.created_at), name, arguments)
        found.append(ToolCall(call_id, name, arguments))
    return found


def finish(body: Body, calls: int) -> Finish:
    """Ollama says `stop` of tool calls, too."""
    if body.done_reason == "length":
        return "length"
    if calls:
        return "tool_calls"
    return "stop" if body.done_reason in {None, "", "stop", "load"} else "other"


def size(message: Message) -> int:
    """Bytes that the model wrote."""
    texts = len((message.content or "").encode()) + len((message.thinking or "").encode())
    functions = (call.function for call in message.tool_calls or ())
    return texts + sum(len(each.name.encode()) + len(bytes(each.arguments)) for each in functions)


def usage(last: Body | None, prompt_tokens: int, produced_bytes: int) -> Usage:
    """The upstream's counts where its last line has them, else ours; thoughts are output."""
    read = _count(last.prompt_eval_count) if last else None
    written = _count(last.eval_count) if last else None
    return Usage(
        prompt_tokens if read is None else read,
        tokens_in(produced_bytes) if written is None else written,
        estimated=read is None or written is None,
    )


def _count(stated: object) -> int | None:
    if isinstance(stated, bool) or not isinstance(stated, int):
        return None
    return stated if 0 <= stated <= MOST_TOKENS else None


def _arguments(stated: msgspec.Raw) -> str:
    """JSON as the model wrote it; some servers send it as a string."""
    written = bytes(stated)
    if written in {b"", b"null"}:
        return "{}"
    if written.startswith(b'"'):
        return msgspec.json.decode(written, type=str)
    return written.decode()
