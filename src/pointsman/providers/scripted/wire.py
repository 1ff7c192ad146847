"""OpenAI's shapes: a reply as one JSON body or as a stream of events, and errors. Pure.

What comes out are `Frame`s: pieces of the body, each with the text that it gives away, so that
whoever sends them knows what was given when the reader leaves.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import zip_longest

import msgspec

from pointsman.providers.scripted.engine import Choice, Reply
from pointsman.types import Json, Usage

DONE = b"data: [DONE]\n\n"
FINGERPRINT = "fp_scripted"
_FILLERS = tuple(f" word{number}" for number in range(20))  # alternatives in `top_logprobs`

_ERRORS: Mapping[int, tuple[str, str | None]] = {  # status: type, code
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}


@dataclass(frozen=True, slots=True)
class Frame:
    """A piece of the body."""

    data: bytes
    #: The text in it, by choice; of a tool call, its name and arguments.
    given: tuple[tuple[int, str], ...] = ()


def error_body(
    status: int,
    message: str,
    *,
    type_: str | None = None,
    code: str | None = None,
    param: str | None = None,
) -> bytes:
    """An error in OpenAI's shape; type and code are the status's usual ones where not given."""
    server = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    usual = "server_error" if server else "invalid_request_error"
    usual_type, usual_code = _ERRORS.get(status, (usual, None))
    error: Json = {
        "message": message,
        "type": type_ or usual_type,
        "param": param,
        "code": code or usual_code,
    }
    return msgspec.json.encode({"error": error})


def completion(reply: Reply) -> list[Frame]:
    """The reply as one `chat.completion`."""
    body: dict[str, Json] = {
        **_head(reply, "chat.completion"),
        "choices": [
            {
                "index": choice.index,
                "message": _message(choice),
                "logprobs": _logprobs(reply, choice, choice.pieces),
                "finish_reason": choice.finish_reason,
            }
            for choice in reply.choices
        ],
    }
    if reply.usage:
        body["usage"] = _usage(reply.usage)
    given = tuple((c.index, (c.tool or "") + c.content) for c in reply.choices)
    return [Frame(msgspec.json.encode(body), given)]


def stream(reply: Reply, *, include_usage: bool, done: bool) -> Iterator[Frame]:
    """The reply as `chat.completion.chunk` events.

    The choices take turns; all end before the usage, which comes with no choices. `done` is
    whether the stream ends with `[DONE]`.
    """
    head = _head(reply, "chat.completion.chunk")
    if include_usage:
        head["usage"] = None
    for choice in reply.choices:
        opening: Json = {
            "role": "assistant",
            "content": None if choice.tool else "",
            "refusal": None,
        }
        yield _chunk(head, choice, opening)
    for turn in zip_longest(*(_deltas(reply, choice, head) for choice in reply.choices)):
        yield from (frame for frame in turn if frame)
    for choice in reply.choices:
        yield _chunk(head, choice, {}, finish_reason=choice.finish_reason)
    if include_usage and reply.usage:
        yield Frame(_event({**head, "choices": [], "usage": _usage(reply.usage)}))
    if done:
        yield Frame(DONE)


def _deltas(reply: Reply, choice: Choice, head: dict[str, Json]) -> Iterator[Frame]:
    if choice.tool:
        yield _chunk(head, choice, {"tool_calls": [_call(choice, "")]}, given=choice.tool)
    for piece in choice.pieces:
        if choice.tool:
            call: Json = {"index": 0, "function": {"arguments": piece}}
            yield _chunk(head, choice, {"tool_calls": [call]}, given=piece)
        else:
            logprobs = _logprobs(reply, choice, [piece])
            yield _chunk(head, choice, {"content": piece}, given=piece, logprobs=logprobs)


def _chunk(
    head: dict[str, Json],
    choice: Choice,
    delta: Json,
    *,
    given: str = "",
    logprobs: Json = None,
    finish_reason: str | None = None,
) -> Frame:
    body: dict[str, Json] = {
        "index": choice.index,
        "delta": delta,
        "logprobs": logprobs,
        "finish_reason": finish_reason,
    }
    return Frame(_event({**head, "choices": [body]}), ((choice.index, given),) if given else ())


def _event(body: dict[str, Json]) -> bytes:
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


def _head(reply: Reply, kind: str) -> dict[str, Json]:
    return {
        "id": reply.id,
        "object": kind,
        "created": reply.created,
        "model": reply.model,
        "system_fingerprint": FINGERPRINT,
    }


def _message(choice: Choice) -> Json:
    if choice.tool is None:
        return {"role": "assistant", "content": choice.content, "refusal": None}
    call = _call(choice, choice.content)
    call.pop("index")
    return {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}


def _call(choice: Choice, arguments: str) -> dict[str, Json]:
    function: Json = {"name": choice.tool, "arguments": arguments}
    return {"index": 0, "id": choice.call_id, "type": "function", "function": function}


def _usage(usage: Usage) -> Json:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def _logprobs(reply: Reply, choice: Choice, pieces: Sequence[str]) -> Json:
    """One entry a piece, likely ones; null where they were not asked for, and for tool calls."""
    if reply.top_logprobs is None or choice.tool:
        return None
    entries: list[Json] = []
    for piece in pieces:
        logprob = -(zlib.crc32(piece.encode()) % 500) / 1000
        others = [filler for filler in _FILLERS if filler != piece]
        ranked = [(piece, logprob), *((other, -1.0 - n) for n, other in enumerate(others))]
        top: list[Json] = [{**_token(*each)} for each in ranked[: reply.top_logprobs]]
        entries.append({**_token(piece, logprob), "top_logprobs": top})
    return {"content": entries, "refusal": None}


def _token(token: str, logprob: float) -> dict[str, Json]:
    return {"token": token, "logprob": logprob, "bytes": [*token.encode()]}
