"""Embeddings for Ollama's clients: `/api/embed` and `/api/embeddings`, answered in OpenAI's words."""

from __future__ import annotations

import base64
import struct
from typing import TypeAlias

import msgspec

from pointsman.conversation import Encoded
from pointsman.errors import BadRequest, UpstreamBroken
from pointsman.formats import members, strict_json
from pointsman.formats.losses import Losses, Notes
from pointsman.formats.ollama.options import is_set
from pointsman.types import Json

_Vector: TypeAlias = list[float]


class _Embedding(msgspec.Struct):
    embedding: _Vector | str
    index: int | None = None


class _Counts(msgspec.Struct):
    prompt_tokens: int = 0


class _OpenAi(msgspec.Struct):
    data: list[_Embedding]
    model: str = ""
    usage: _Counts | None = None


def embed_request(body: bytes) -> Encoded:
    """A client's `/api/embed` or `/api/embeddings` request as OpenAI's; the model's name stays.

    What OpenAI's has no words for is left out by name. Raises BadRequest.
    """
    value = strict_json.decode(body)
    if not isinstance(value, dict):
        raise BadRequest("the body must be a JSON object with a `model` and an `input`")
    name = "input" if value.get("input") is not None else "prompt"
    texts = value.get(name)
    several = isinstance(texts, list) and all(isinstance(text, str) for text in texts)
    if not texts or not (isinstance(texts, str) or several):
        raise BadRequest("`input` must be a string or an array of strings", param="input")
    notes = Notes(is_set)
    notes.strangers(value, {"model", "dimensions", name})
    losses = Losses("OpenAI embeddings", advisory=notes.advisory, foreign=notes.foreign)
    written: dict[str, Json] = {"model": members.text(value, "model"), "input": texts}
    dimensions = members.whole(value, "dimensions", least=0)
    written |= {"dimensions": dimensions} if dimensions else {}
    return Encoded(msgspec.json.encode(written | {"encoding_format": "float"}), losses.left_out)


def embed_reply(openai_reply: bytes, *, model: str | None = None, single: bool = False) -> bytes:
    """OpenAI's reply as Ollama's; `single` as `/api/embeddings` gives it. Raises UpstreamBroken.

    `model` is the name that the client knows, where that is not the reply's.
    """
    try:
        reply = msgspec.json.decode(openai_reply, type=_OpenAi)
        ordered = sorted(reply.data, key=lambda each: each.index or 0)
        vectors = [_floats(each.embedding) for each in ordered]
    except (msgspec.DecodeError, ValueError, struct.error) as error:
        raise UpstreamBroken(f"not an embeddings reply: {error}") from error
    if single:
        if not vectors:
            raise UpstreamBroken("an embeddings reply without embeddings")
        return msgspec.json.encode({"embedding": vectors[0]})
    return msgspec.json.encode(
        {
            "model": model or reply.model,
            "embeddings": vectors,
            "total_duration": 0,
            "load_duration": 0,
            "prompt_eval_count": reply.usage.prompt_tokens if reply.usage else 0,
        }
    )


def _floats(embedding: _Vector | str) -> _Vector:
    if not isinstance(embedding, str):
        return embedding
    packed = base64.b64decode(embedding, validate=True)
    return list(struct.unpack(f"<{len(packed) // 4}f", packed))
