"""Replies on their way from an upstream of one format to a client of another, whole and streamed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec
from tests.formats.matrix.features import SHORTEST

from pointsman.conversation import (
    Addressee,
    Began,
    Choice,
    Delta,
    Finished,
    ModelReply,
    Part,
    Refusal,
    RefusalDelta,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.formats.chat.quirks import Quirks
from pointsman.formats.collecting import choices
from pointsman.formats.registry import CLIENTS, upstreams
from pointsman.formats.sse import event
from pointsman.formats.translate import Speech, splitter
from pointsman.formats.wire import Head, UpstreamFormat
from pointsman.types import FormatName, Json, ModelRequest, Usage

HEAD = Head("req_1", datetime(2026, 11, 21, tzinfo=UTC), "m")
#: Formats that a reply can be written in for a client, and read again.
WRITTEN: tuple[FormatName, ...] = (
    "chat",
    "completions",
    "responses",
    "messages",
    "ollama",
    "ollama_generate",
)
#: Formats that upstreams answer in when they get a translated request.
UPSTREAM_FORMATS: tuple[FormatName, ...] = ("chat", "responses", "messages", "gemini", "ollama")
#: Our own count of the prompt, for a reply that does not say.
PROMPT_TOKENS = 1

_FINISHES = {"length": "MAX_TOKENS", "content_filter": "SAFETY"}


def upstream(name: FormatName) -> UpstreamFormat:
    """The format of that name, as an upstream's."""
    return upstreams([name], Quirks())[0]


def asked(client: FormatName) -> ModelRequest:
    """A request for a stream, with its usage."""
    more: dict[str, Json] = {"stream": True}
    if client in {"chat", "completions"}:
        more["stream_options"] = {"include_usage": True}
    return CLIENTS[client].parse(json.dumps(SHORTEST[client] | more).encode())


def speech(name: FormatName) -> Speech:
    """How an upstream of that format is spoken to."""
    return Speech(CLIENTS, [upstream(name)], Addressee("m"))


def whole(client: FormatName, name: FormatName, body: bytes) -> bytes:
    """What a client gets of an upstream's reply."""
    return speech(name).whole(body, asked(client), HEAD).body


def streamed(client: FormatName, name: FormatName, pieces: Sequence[bytes]) -> bytes:
    """What a client gets of an upstream's stream that comes in these pieces."""
    transcript = speech(name).transcript(asked(client), HEAD)
    events = splitter(transcript.framing)
    told = [transcript.take(each) for piece in pieces for each in events.feed(piece)]
    return b"".join(told) + transcript.ending()


def read_whole(name: FormatName, body: bytes) -> ModelReply:
    """A whole reply in that format, read."""
    return upstream(name).read(body, PROMPT_TOKENS)


def read_stream(name: FormatName, pieces: Sequence[bytes]) -> ModelReply:
    """A stream in that format, read."""
    reader = upstream(name).reader(PROMPT_TOKENS, keep_usage=True)
    events = splitter(upstream(name).framing)
    deltas = [d for piece in pieces for each in events.feed(piece) for d in reader.read(each)]
    return ModelReply(reader.model or "", choices(deltas), reader.usage)


def answer(name: FormatName, reply: ModelReply) -> bytes:
    """The reply as an upstream of that format gives it."""
    if name == "gemini":
        return msgspec.json.encode(_gemini(reply.choices, reply))
    return CLIENTS[name].reply(reply, asked(name), HEAD)


def stream(name: FormatName, reply: ModelReply) -> bytes:
    """The reply as an upstream of that format streams it, a few letters at a time."""
    if name == "gemini":
        return b"".join(event(msgspec.json.encode(chunk)) for chunk in _gemini_chunks(reply))
    writer = CLIENTS[name].writer(asked(name), HEAD)
    told = [writer.write(delta) for delta in deltas_of(reply)]
    return b"".join(told) + writer.ending(reply.usage)


def deltas_of(reply: ModelReply) -> Iterator[Delta]:
    """The reply as a model says it: a few letters at a time."""
    yield Began(reply.model)
    for choice in reply.choices:
        logprobs, calls = choice.logprobs, itertools.count()
        for part in choice.parts:
            for piece in _pieces(part):
                match piece:
                    case Text(text):
                        yield TextDelta(text, choice.index, logprobs)
                        logprobs = None
                    case Thinking(text, signature, redacted):
                        yield ThinkingDelta(text, signature, redacted, choice.index)
                    case Refusal(text):
                        yield RefusalDelta(text, choice.index)
                    case ToolCall():
                        yield from _called(piece, next(calls), choice.index)
        yield Finished(choice.finish, choice.index, choice.stop_sequence)


def _called(call: ToolCall, number: int, choice: int) -> Iterator[Delta]:
    yield ToolCallBegan(number, call.id, call.name, choice, call.signature)
    for piece in _cut(call.arguments):
        yield ToolCallDelta(number, piece, choice)


def _pieces(part: Part) -> Iterator[Part]:
    match part:
        case Text(text):
            yield from map(Text, _cut(text))
        case Refusal(text):
            yield from map(Refusal, _cut(text))
        case Thinking(text, signature, False):
            yield from map(Thinking, _cut(text))
            if signature is not None:
                yield Thinking("", signature)
        case _:
            yield part


def _cut(text: str) -> Iterator[str]:
    return (text[at : at + 3] for at in range(0, len(text), 3))


def _gemini_chunks(reply: ModelReply) -> Iterator[dict[str, Json]]:
    for choice in reply.choices:
        logprobs = choice.logprobs
        for piece in (piece for part in choice.parts for piece in _pieces(part)):
            said = Choice((piece,), "stop", choice.index, logprobs=logprobs)
            yield _gemini([said], reply, ended=False)
            logprobs = None
    yield _gemini([Choice((), each.finish, each.index) for each in reply.choices], reply)


def _gemini(choices: Sequence[Choice], reply: ModelReply, *, ended: bool = True) -> dict[str, Json]:
    """A generateContent reply, or a chunk of one."""
    candidates: list[Json] = []
    for choice in choices:
        candidate: dict[str, Json] = {
            "index": choice.index,
            "content": {"role": "model", "parts": [_gemini_part(part) for part in choice.parts]},
        }
        if ended:
            candidate["finishReason"] = _FINISHES.get(choice.finish, "STOP")
        match choice.logprobs:
            case {"content": [*tokens]}:
                candidate["logprobsResult"] = {
                    "chosenCandidates": [_gemini_token(t) for t in tokens]
                }
        candidates.append(candidate)
    return {
        "candidates": candidates,
        "modelVersion": reply.model,
        "responseId": "r1",
        "usageMetadata": _gemini_usage(reply.usage),
    }


def _gemini_part(part: Part) -> Json:
    match part:
        case Text(text):
            return {"text": text}
        case Thinking(text, signature):
            proof: dict[str, Json] = {"thoughtSignature": signature} if signature else {}
            return {"text": text} | ({"thought": True} if text else {}) | proof
        case ToolCall():
            call: dict[str, Json] = {"id": part.id, "name": part.name}
            said: dict[str, Json] = {
                "functionCall": call | {"args": json.loads(part.arguments or "{}")}
            }
            return said | ({"thoughtSignature": part.signature} if part.signature else {})
    raise AssertionError(part)


def _gemini_token(token: Json) -> Json:
    match token:
        case {"token": str(text), "logprob": float(likely)}:
            return {"token": text, "logProbability": likely}
    raise AssertionError(token)


def _gemini_usage(usage: Usage) -> Json:
    return {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": usage.output_tokens - usage.reasoning_tokens,
        "thoughtsTokenCount": usage.reasoning_tokens,
        "cachedContentTokenCount": usage.cached_tokens,
    }
