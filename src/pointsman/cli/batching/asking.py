"""A row asked of the gateway: its answer, or why there is none."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from pointsman.cli.batching.results import Result
from pointsman.cli.batching.rows import Row
from pointsman.errors import UpstreamBroken, UpstreamError
from pointsman.formats.chat.error import message_of
from pointsman.formats.chat.follow import reply_text
from pointsman.providers.http import HttpClient, Timeouts

#: The gateway has its own limits, which are shorter.
_PATIENCE = Timeouts(first_byte_s=7200.0, between_chunks_s=7200.0)
#: Who sits at a keyboard goes first.
_HEADERS = {"content-type": "application/json", "x-pointsman-priority": "background"}
_OK, _NO_KEY, _NO_MONEY, _TOO_MUCH, _UNAVAILABLE = 200, 401, 402, 429, 503


class Answer(msgspec.Struct, frozen=True):
    """What the gateway said."""

    status: int
    #: Names in lower case.
    headers: Mapping[str, str]
    body: bytes
    #: Until the last byte was here.
    latency_ms: float = 0.0

    @property
    def words(self) -> str:
        """Why there is no answer."""
        return message_of(self.body) or f"the gateway answered {self.status}"

    @property
    def ends_it(self) -> bool:
        """No row would fare better: there is no key, or no money."""
        return self.status in {_NO_KEY, _NO_MONEY}

    @property
    def may_change(self) -> bool:
        """The same row may be answered later."""
        return self.status == _TOO_MUCH or self.status >= 500  # noqa: PLR2004

    @property
    def rest_s(self) -> float | None:
        """Seconds for which the gateway wants no row at all; None where it does not say."""
        stated = self.headers.get("retry-after", "")
        if self.status not in {_TOO_MUCH, _UNAVAILABLE} or not stated.isdecimal():
            return None
        return float(stated)


class Gateway:
    """Where rows are asked."""

    def __init__(self, http: HttpClient, address: str, headers: Mapping[str, str]) -> None:
        """`headers` let the command line in."""
        self._http = http
        self._url = f"{address}/v1/chat/completions"
        self._headers = {**headers, **_HEADERS}

    async def ask(self, row: Row) -> Answer:
        """The answer to a row; a gateway that does not answer is unavailable."""
        began = time.monotonic()
        try:
            reply = await self._http.post(self._url, row.body, self._headers, _PATIENCE)
            try:
                body = b"".join([chunk async for chunk in reply.chunks])
            finally:
                await reply.chunks.aclose()
        except UpstreamError as error:
            said = msgspec.json.encode({"message": f"the gateway does not answer: {error}"})
            return Answer(_UNAVAILABLE, {}, said)
        return Answer(reply.status, reply.headers, body, (time.monotonic() - began) * 1000)


def result(row: Row, answer: Answer) -> Result:
    """What is written down of it."""
    known = Result(
        row=row.number,
        id=row.id,
        error=None,
        deployment=answer.headers.get("x-pointsman-model"),
        tier=answer.headers.get("x-pointsman-tier"),
        served_tier=answer.headers.get("x-pointsman-served-tier"),
        score=_number(answer.headers.get("x-pointsman-score")),
        cache=_cache(answer.headers.get("x-pointsman-cache", "")),
        cost=_amount(answer.headers.get("x-pointsman-cost")),
        saved=_amount(answer.headers.get("x-pointsman-saved")),
        latency_ms=round(answer.latency_ms, 1),
        request_id=answer.headers.get("x-request-id"),
        digest=row.digest,
    )
    if answer.status != _OK:
        return msgspec.structs.replace(known, error=answer.words)
    try:
        said = msgspec.json.decode(answer.body, type=_Body)
        text = reply_text(answer.body)
    except (msgspec.DecodeError, UpstreamBroken) as error:
        return msgspec.structs.replace(known, error=f"the reply can't be read: {error}")
    choice = said.choices[0] if said.choices else _Choice()
    return msgspec.structs.replace(
        known,
        response=text,
        finish_reason=choice.finish_reason,
        tool_calls=choice.message.tool_calls,
        input_tokens=said.usage.prompt_tokens,
        output_tokens=said.usage.completion_tokens,
    )


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Message(msgspec.Struct):
    tool_calls: list[msgspec.Raw] | None = None


class _Choice(msgspec.Struct):
    message: _Message = msgspec.field(default_factory=_Message)
    finish_reason: str | None = None


class _Body(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage = msgspec.field(default_factory=_Usage)


def _cache(state: str) -> str | None:
    word = state.partition(";")[0]
    return word if word in {"exact", "semantic"} else None


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
