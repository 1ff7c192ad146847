"""OpenAI's legacy completions: a text that goes on, whole or streamed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, zip_longest
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from pointsman.errors import BadRequest
from pointsman.providers.scripted import prompts, prose
from pointsman.providers.scripted.asked import Choices, Count, StreamOptions
from pointsman.providers.scripted.exchange import STREAM_TYPE, Answer, Question
from pointsman.providers.scripted.frames import DONE, FINGERPRINT, Frame, event, likely, spent
from pointsman.providers.scripted.pieces import Stop, said, words
from pointsman.providers.scripted.reading import refusals
from pointsman.tokens import estimate_tokens
from pointsman.types import Json, Usage

MAX_LOGPROBS = 5  # OpenAI's limit of `logprobs`
MAX_TEXTS = 2048  # choices of all prompts together; our own limit


class Asked(Struct):
    """The members that change the reply; others, such as `best_of`, are let through unread."""

    model: str
    prompt: prompts.Prompts | None = None
    suffix: str | None = None
    echo: bool | None = None
    n: Choices | None = None
    stop: Stop = None
    max_tokens: Count | None = None
    logprobs: Annotated[int, Meta(ge=0, le=MAX_LOGPROBS)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None


class Choice(msgspec.Struct, frozen=True):
    """One choice: the prompt where it is to be said again, then what goes on from it."""

    index: int
    prompt: str
    echoed: tuple[str, ...]
    pieces: tuple[str, ...]
    finish_reason: str

    @property
    def content(self) -> str:
        """What goes on, without the prompt."""
        return "".join(self.pieces)


class Reply(msgspec.Struct, frozen=True):
    """The whole reply to one request."""

    #: What every chunk has.
    head: dict[str, Json]
    choices: Sequence[Choice]
    usage: Usage | None
    logprobs: int | None


def answer(question: Question) -> Answer:
    """Answer a completion request. Raises BadRequest, which names the member at fault."""
    with refusals():
        asked = _DECODER.decode(question.body)
    reply = _reply(asked, question)
    billed = reply.usage.output_tokens if reply.usage else None
    if not asked.stream:
        return Answer([_completion(reply)], billed=billed)
    include_usage = bool(asked.stream_options and asked.stream_options.include_usage)
    events = _stream(reply, include_usage=include_usage, done=not question.script.no_done)
    return Answer([*events], STREAM_TYPE, billed)


def _reply(asked: Asked, question: Question) -> Reply:
    script = question.script
    given = prompts.each("" if asked.prompt is None else asked.prompt, "prompt")
    count = asked.n or 1
    if len(given) * count > MAX_TEXTS:
        raise BadRequest(f"'n' asks for more than {MAX_TEXTS} texts in all.", param="n")
    choices = [
        _choice(asked, question, place * count + index, prompt.text)
        for place, prompt in enumerate(given)
        for index in range(count)
    ]
    usage = script.usage or Usage(
        input_tokens=sum(each.tokens for each in given) + estimate_tokens(asked.suffix or ""),
        output_tokens=sum(estimate_tokens(choice.content) for choice in choices),
    )
    head: dict[str, Json] = {
        "id": f"cmpl-{question.key[:29]}",
        "object": "text_completion",
        "created": question.created,
        "model": question.model,
        "system_fingerprint": FINGERPRINT,
    }
    return Reply(head, choices, None if script.no_usage else usage, asked.logprobs)


def _choice(asked: Asked, question: Question, index: int, prompt: str) -> Choice:
    script = question.script
    text = script.reply
    if text is None:
        text = prose.answer(prompt, choice=index % (asked.n or 1))
        text = prose.of_length(text, script.chunks) if script.chunks else text
    pieces, finish_reason = said(text, asked.stop, asked.max_tokens, script.chunks)
    return Choice(index, prompt, words(prompt) if asked.echo else (), pieces, finish_reason)


def _completion(reply: Reply) -> Frame:
    choices: list[Json] = []
    for choice in reply.choices:
        pieces = choice.echoed + choice.pieces
        start = 0 if choice.echoed else len(choice.prompt)
        logprobs = _logprobs(pieces, start, reply.logprobs)
        choices.append(_body(choice, "".join(pieces), logprobs, choice.finish_reason))
    body: dict[str, Json] = {**reply.head, "choices": choices}
    if reply.usage:
        body["usage"] = spent(reply.usage)
    given = tuple((choice.index, choice.content) for choice in reply.choices)
    return Frame(msgspec.json.encode(body), given)


def _stream(reply: Reply, *, include_usage: bool, done: bool) -> Iterator[Frame]:
    head = reply.head | {"usage": None} if include_usage else reply.head
    for turn in zip_longest(*(_chunks(reply, choice, head) for choice in reply.choices)):
        yield from (frame for frame in turn if frame)
    for choice in reply.choices:
        yield event({**head, "choices": [_body(choice, "", None, choice.finish_reason)]})
    if include_usage and reply.usage:
        yield event({**head, "choices": [], "usage": spent(reply.usage)})
    if done:
        yield Frame(DONE)


def _chunks(reply: Reply, choice: Choice, head: dict[str, Json]) -> Iterator[Frame]:
    start = 0 if choice.echoed else len(choice.prompt)
    for place, piece in enumerate(choice.echoed + choice.pieces):
        body = _body(choice, piece, _logprobs([piece], start, reply.logprobs), None)
        given = piece if place >= len(choice.echoed) else ""
        yield event({**head, "choices": [body]}, choice.index, given)
        start += len(piece)


def _body(choice: Choice, text: str, logprobs: Json, finish_reason: str | None) -> Json:
    return {
        "text": text,
        "index": choice.index,
        "logprobs": logprobs,
        "finish_reason": finish_reason,
    }


def _logprobs(pieces: Sequence[str], start: int, others: int | None) -> Json:
    """Likely ones, in the old shape; null where they were not asked for."""
    if others is None:
        return None
    ranked = [likely(piece, others) for piece in pieces]
    lengths = [len(piece) for piece in pieces]
    return {
        "tokens": [*pieces],
        "token_logprobs": [each[0][1] for each in ranked],
        "top_logprobs": [{**dict(each)} for each in ranked] if others else None,
        "text_offset": [*accumulate(lengths[:-1], initial=start)] if pieces else [],
    }


_DECODER = msgspec.json.Decoder(Asked)
