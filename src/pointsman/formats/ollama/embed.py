"""Embeddings: Ollama's `/api/embed` and `/api/embeddings`, and OpenAI's `/v1/embeddings`.

Each can be the client's with the other the upstream's.
"""

from __future__ import annotations

import base64
import struct
from typing import TypeAlias

import msgspec

from pointsman.conversation import Addressee, Encoded
from pointsman.errors import BadRequest, Inexpressible, UpstreamBroken
from pointsman.formats import members, strict_json
from pointsman.formats.ollama.notes import Leftovers, Losses
from pointsman.formats.ollama.request import configured
from pointsman.types import Json

_Vector: TypeAlias = list[float]

#: How the server keeps the model and cuts texts that are too long for it.
_ADVISORY = frozenset({"keep_alive", "truncate", "options"})


class _Embedding(msgspec.Struct):
    embedding: _Vector | str
    index: int | None = None


class _Counts(msgspec.Struct):
    prompt_tokens: int = 0


class _OpenAi(msgspec.Struct):
    data: list[_Embedding]
    model: str = ""
    usage: _Counts | None = None


class _Ollama(msgspec.Struct):
    embeddings: list[_Vector]
    model: str = ""
    prompt_eval_count: int = 0


def embed_request(body: bytes, drop: frozenset[str] = frozenset()) -> Encoded:
    """A client's `/api/embed` or `/api/embeddings` request as OpenAI's; the model's name stays.

    Raises BadRequest, and Inexpressible for members that OpenAI's has no words for.
    """
    value = strict_json.decode(body)
    if not isinstance(value, dict):
        raise BadRequest("the body must be a JSON object with a `model` and an `input`")
    name = "input" if value.get("input") is not None else "prompt"
    texts = value.get(name)
    several = isinstance(texts, list) and all(isinstance(text, str) for text in texts)
    if not texts or not (isinstance(texts, str) or several):
        raise BadRequest("`input` must be a string or an array of strings", param="input")
    notes = Leftovers()
    notes.sort(value, frozenset({"model", "dimensions", name}), _ADVISORY)
    losses = Losses(drop, notes.advisory)
    for each in notes.foreign:
        losses.matter(f"`{each}`", each)
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


def upstream_embed_request(body: bytes, to: Addressee) -> Encoded:
    """A client's `/v1/embeddings` request as Ollama's `/api/embed`.

    A text that is too long is an error, as it is at OpenAI: Ollama would cut it off. Raises
    BadRequest, and Inexpressible for prompts in tokens.
    """
    value = strict_json.decode(body)
    if not isinstance(value, dict) or not value.get("input"):
        raise BadRequest("`input` must be a string or an array of strings", param="input")
    texts = value["input"]
    if not all(isinstance(each, str) for each in (texts if isinstance(texts, list) else [texts])):
        raise Inexpressible("`input` in tokens", "Ollama", param="input")
    losses = Losses(to.drop, ())
    notes = Leftovers()
    notes.sort(value, frozenset({"model", "input", "encoding_format", "dimensions"}), {"user"})
    for name in notes.foreign:
        losses.matter(f"`{name}`", name)
    for name in notes.advisory:
        losses.hint(name)
    written: dict[str, Json] = {"model": to.model, "input": texts, "truncate": False}
    dimensions = members.whole(value, "dimensions", least=1)
    if dimensions is not None and losses.keeps("dimensions"):
        written["dimensions"] = dimensions
    extra, options = configured(to)
    written |= {"options": options} if options else {}
    return Encoded(msgspec.json.encode(written | extra), losses.left_out)


def upstream_embed_reply(ollama_reply: bytes, *, as_base64: bool) -> bytes:
    """Ollama's reply as OpenAI's. Raises UpstreamBroken.

    `as_base64`: the client asked for that `encoding_format`, as OpenAI's own libraries do.
    """
    try:
        reply = msgspec.json.decode(ollama_reply, type=_Ollama)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamBroken(f"not an embeddings reply: {error}") from error
    return msgspec.json.encode(
        {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": i,
                    "embedding": _base64(vector) if as_base64 else vector,
                }
                for i, vector in enumerate(reply.embeddings)
            ],
            "model": reply.model,
            "usage": {
                "prompt_tokens": reply.prompt_eval_count,
                "total_tokens": reply.prompt_eval_count,
            },
        }
    )


def _base64(vector: _Vector) -> str:
    """32-bit floats, least significant byte first, as OpenAI packs them."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _floats(embedding: _Vector | str) -> _Vector:
    if not isinstance(embedding, str):
        return embedding
    packed = base64.b64decode(embedding, validate=True)
    return list(struct.unpack(f"<{len(packed) // 4}f", packed))
