"""Chat in OpenAI's shapes: a reply as one JSON body or as a stream of events. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import msgspec

from pointsman.providers.scripted.asked import read
from pointsman.providers.scripted.engine import Choice, Reply, ToolCall, make_reply
from pointsman.providers.scripted.exchange import STREAM_TYPE, Answer, Question
from pointsman.providers.scripted.frames import DONE, FINGERPRINT, Frame, event, likely, spent
from pointsman.types import Json


def answer(question: Question) -> Answer:
    """Answer a chat request, whole or streamed. Raises BadRequest."""
    asked = read(question.body)
    reply = make_reply(asked, question)
    billed = reply.usage.output_tokens if reply.usage else None
    if not asked.stream:
        return Answer([completion(reply)], billed=billed)
    done = not question.script.no_done
    events = stream(reply, include_usage=asked.include_usage, done=done)
    return Answer([*events], STREAM_TYPE, billed)


def completion(reply: Reply) -> Frame:
    """The reply as one `chat.completion`."""
    body: dict[str, Json] = {
        **_head(reply, "chat.completion"),
        "choices": [
            {
                "index": choice.index,
                "message": _message(choice),
                "logprobs": None if choice.calls else _logprobs(reply, choice.pieces),
                "finish_reason": choice.finish_reason,
            }
            for choice in reply.choices
        ],
    }
    if reply.usage:
        body["usage"] = spent(reply.usage)
    return Frame(msgspec.json.encode(body), tuple((c.index, c.given) for c in reply.choices))


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
            "content": None if choice.calls else "",
            "refusal": None,
        }
        yield _chunk(head, choice, opening)
    for turn in zip_longest(*(_deltas(reply, choice, head) for choice in reply.choices)):
        yield from (frame for frame in turn if frame)
    for choice in reply.choices:
        yield _chunk(head, choice, {}, finish_reason=choice.finish_reason)
    if include_usage and reply.usage:
        yield event({**head, "choices": [], "usage": spent(reply.usage)})
    if done:
        yield Frame(DONE)


def _deltas(reply: Reply, choice: Choice, head: dict[str, Json]) -> Iterator[Frame]:
    for thought in choice.thoughts:
        yield _chunk(head, choice, {"reasoning_content": thought}, given=thought)
    for piece in choice.pieces:
        logprobs = _logprobs(reply, [piece])
        yield _chunk(head, choice, {"content": piece}, given=piece, logprobs=logprobs)
    for index, call in enumerate(choice.calls):
        opening: Json = [{"index": index, **_call(call, "")}]
        yield _chunk(head, choice, {"tool_calls": opening}, given=call.name)
        for piece in call.pieces:
            more: Json = [{"index": index, "function": {"arguments": piece}}]
            yield _chunk(head, choice, {"tool_calls": more}, given=piece)


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
    return event({**head, "choices": [body]}, choice.index, given)


def _head(reply: Reply, kind: str) -> dict[str, Json]:
    return {
        "id": reply.id,
        "object": kind,
        "created": reply.created,
        "model": reply.model,
        "system_fingerprint": FINGERPRINT,
    }


def _message(choice: Choice) -> Json:
    content = None if choice.calls else choice.content
    message: dict[str, Json] = {"role": "assistant", "content": content, "refusal": None}
    if choice.thoughts:
        message["reasoning_content"] = choice.reasoning
    if choice.calls:
        message["tool_calls"] = [_call(call, call.arguments) for call in choice.calls]
    return message


def _call(call: ToolCall, arguments: str) -> dict[str, Json]:
    function: Json = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def _logprobs(reply: Reply, pieces: Sequence[str]) -> Json:
    """One entry a piece, likely ones; null where they were not asked for."""
    if reply.top_logprobs is None:
        return None
    entries: list[Json] = []
    for piece in pieces:
        ranked = likely(piece, reply.top_logprobs)
        top: list[Json] = [{**_token(*each)} for each in ranked[: reply.top_logprobs]]
        entries.append({**_token(*ranked[0]), "top_logprobs": top})
    return {"content": entries, "refusal": None}


def _token(token: str, logprob: float) -> dict[str, Json]:
    return {"token": token, "logprob": logprob, "bytes": [*token.encode()]}
