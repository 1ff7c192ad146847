"""Log probabilities of tokens: Ollama's list, and OpenAI's `logprobs` object made of the same."""

from __future__ import annotations

import msgspec

from pointsman.errors import UpstreamBroken
from pointsman.types import Json


class _Token(msgspec.Struct, omit_defaults=True):
    token: str
    logprob: float
    bytes: list[int] | None = None


class _Chosen(_Token, omit_defaults=True):
    top_logprobs: list[_Token] = []


class _Stated(msgspec.Struct):
    content: list[_Chosen] | None = None


_LIST = msgspec.json.Decoder(list[_Chosen] | None)


def read(stated: msgspec.Raw) -> Json:
    """OpenAI's object for Ollama's list; None where there is none. Raises UpstreamBroken."""
    if not bytes(stated):
        return None
    try:
        chosen = _LIST.decode(stated)
    except msgspec.DecodeError as error:
        raise UpstreamBroken(f"not an Ollama reply: {error}") from error
    if not chosen:
        return None
    content: list[Json] = [
        {**_openai(each), "top_logprobs": [_openai(other) for other in each.top_logprobs]}
        for each in chosen
    ]
    return {"content": content, "refusal": None}


def write(stated: Json) -> dict[str, object]:
    """The `logprobs` member for OpenAI's object; empty where there is none. Raises UpstreamBroken."""
    if stated is None:
        return {}
    try:
        chosen = msgspec.convert(stated, _Stated).content
    except msgspec.ValidationError as error:
        raise UpstreamBroken(f"not OpenAI's log probabilities: {error}") from error
    return {"logprobs": chosen} if chosen else {}


def _openai(token: _Token) -> dict[str, Json]:
    spelt: list[Json] | None = None if token.bytes is None else list(token.bytes)
    return {"token": token.token, "logprob": token.logprob, "bytes": spelt}
