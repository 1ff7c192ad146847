"""The shape of responses and their events, as far as it is looked at.

Servers differ and item types are many, so members are taken as they come and looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pointsman.conversation import Finish
from pointsman.errors import UpstreamBroken
from pointsman.formats.chat.error import code_of
from pointsman.formats.counting import MOST_TOKENS, services
from pointsman.formats.wire import Fault
from pointsman.types import Usage

NOTHING = msgspec.Raw()


class Piece(msgspec.Struct):
    """A part of an item's content or summary."""

    type: object = None
    text: object = None
    refusal: object = None
    logprobs: object = None


class Item(msgspec.Struct):
    """An output item."""

    type: object = None
    call_id: object = None
    name: object = None
    arguments: object = None
    action: object = None
    encrypted_content: object = None
    content: msgspec.Raw = NOTHING
    summary: msgspec.Raw = NOTHING

    @property
    def pieces(self) -> list[Piece]:
        """Its content, or where it is a reasoning item, its summary and content."""
        return [*_pieces(self.summary), *_pieces(self.content)]

    @property
    def is_search(self) -> bool:
        """A search in the web that is charged for; opening a page that was found is not."""
        if self.type != "web_search_call":
            return False
        return not isinstance(self.action, dict) or self.action.get("type", "search") == "search"


class _Details(msgspec.Struct):
    reason: object = None


class Response(msgspec.Struct):
    """A response object."""

    model: object = None
    status: object = None
    output: list[Item] | None = None
    usage: msgspec.Raw = NOTHING
    service_tier: object = None
    error: msgspec.Raw = NOTHING
    incomplete_details: _Details | None = None


class StreamEvent(msgspec.Struct):
    """An event of a stream."""

    type: str = ""
    delta: object = None
    arguments: object = None
    logprobs: object = None
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    item: Item | None = None
    response: Response | None = None
    message: object = None
    code: object = None
    param: object = None
    error: msgspec.Raw = NOTHING


class _Error(msgspec.Struct):
    message: object = None
    type: object = None
    param: object = None
    code: object = None


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int
    output_tokens: int
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


_RESPONSE = msgspec.json.Decoder(Response)
_EVENT = msgspec.json.Decoder(StreamEvent)
_PIECES = msgspec.json.Decoder(list[Piece])
_USAGE = msgspec.json.Decoder(_Usage, strict=False)
_ERROR = msgspec.json.Decoder(_Error | str)


def response(body: bytes) -> Response:
    """A whole reply. Raises UpstreamBroken where it is none: a success status is no proof of one."""
    try:
        read = _RESPONSE.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamBroken(f"not a response: {error}") from error
    if read.output is None or is_there(read.error):
        raise UpstreamBroken(fault_in(read.error).message or "a response without output")
    return read


def event(data: bytes) -> StreamEvent:
    """An event's data. Raises UpstreamBroken where it is none."""
    try:
        return _EVENT.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamBroken(f"not an event of a response: {error}") from error


def is_there(member: msgspec.Raw) -> bool:
    """Whether a member was sent and is not null."""
    return bytes(member) not in {b"", b"null"}


def word(said: object) -> str:
    """A string; empty where it is none."""
    return said if isinstance(said, str) else ""


def finish_of(read: Response) -> Finish:
    """Why the reply ended, by its status and what it holds."""
    if read.status == "incomplete":
        reason = read.incomplete_details.reason if read.incomplete_details else None
        return "content_filter" if reason == "content_filter" else "length"
    kinds = {item.type for item in read.output or ()}
    if "function_call" in kinds:
        return "tool_calls"
    said = (piece for item in read.output or () for piece in item.pieces)
    return "refusal" if any(word(piece.refusal) for piece in said) else "stop"


def usage_of(read: Response | None) -> Usage | None:
    """What the upstream says was used; None where it does not, or says what can't be."""
    if read is None:
        return None
    try:
        told = _USAGE.decode(read.usage)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    into = told.input_tokens_details or _InputDetails()
    out = told.output_tokens_details or _OutputDetails()
    figures = (
        told.input_tokens,
        told.output_tokens,
        into.cached_tokens or 0,
        into.cache_write_tokens or 0,
        out.reasoning_tokens or 0,
    )
    if not all(0 <= each <= MOST_TOKENS for each in figures):
        return None
    searches = sum(item.is_search for item in read.output or ())
    return Usage(*figures, searches=searches, service=services(read.service_tier))


def size(read: Response) -> int:
    """Bytes that the model wrote."""
    return sum(len(text.encode()) for item in read.output or () for text in _texts(item))


def fault_in(error: msgspec.Raw) -> Fault:
    """An `error` member, read."""
    try:
        told = _ERROR.decode(error)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Fault()
    return Fault(told) if isinstance(told, str) else fault_of(told)


def fault_of(told: _Error | StreamEvent) -> Fault:
    """An error, said by its members."""
    kind = told.type if isinstance(told.type, str) else None
    param = told.param if isinstance(told.param, str) else None
    return Fault(word(told.message), kind, param, code_of(told.code))


def _texts(item: Item) -> Iterator[str]:
    yield from (word(each) for each in (item.name, item.arguments))
    for piece in item.pieces:
        yield word(piece.text) or word(piece.refusal)


def _pieces(raw: msgspec.Raw) -> list[Piece]:
    try:
        return _PIECES.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):  # missing, or an item of another shape
        return []
