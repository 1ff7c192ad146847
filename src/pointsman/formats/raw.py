"""Bodies that are passed on unread but for the model's name: audio, images, rerank."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from pointsman.errors import BadRequest
from pointsman.formats import members, strict_json
from pointsman.formats.counting import figure
from pointsman.formats.words import words
from pointsman.tokens import BYTES_PER_TOKEN
from pointsman.types import ModelRequest, RawBody, Task, Turn, Usage

_JSON = "application/json"
_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^";,\s]{1,70}))', re.IGNORECASE)
_MODEL_FIELD = re.compile(
    rb'content-disposition:[^\r\n]*;\s*name=(?:"model"|model(?=[;\s]|$))', re.IGNORECASE
)
_LONGEST_NAME = 512
#: A header with a parameter `filename`: no other value or header that only speaks of one.
_FILE = re.compile(
    rb"^content-disposition:[^;\r\n]*+"
    rb'(?:;[^=;"\r\n]++=[ \t]*+(?:"(?:[^"\\\r\n]|\\.)*+"[ \t]*+|[^;"\r\n]*+))*?'
    rb";[ \t]*+filename\*?[ \t]*+=",
    re.IGNORECASE | re.MULTILINE,
)
_TEXT_FILE = re.compile(
    rb"^content-type:[ \t]*+(?:text/|application/json\b)", re.IGNORECASE | re.MULTILINE
)
#: Bytes of a file of text that are read.
_MOST_OF_A_FILE = 1_000_000


class _Tokens(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    #: Of images and, in the singular, of transcriptions.
    input_tokens_details: object = None
    input_token_details: object = None
    output_tokens_details: object = None


class _Counted(msgspec.Struct):
    usage: _Tokens | None = None


def parse(body: bytes, *, task: Task, path: str, content_type: str) -> ModelRequest:
    """A JSON object or a multipart form with one `model` in it. Raises BadRequest.

    Its words, for whoever must know whether they may leave the house, are one user turn.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        model, before, after = _form(body, content_type)
        said = "\n".join(_fields(body, _delimiter(content_type)))
    elif kind in {_JSON, ""}:
        model, before, after = _object(body)
        said = words(msgspec.json.decode(body))
        content_type = _JSON
    else:
        raise _unreadable(kind)
    return ModelRequest(
        model=model,
        turns=(Turn("user", said),),
        members={},
        input_tokens=len(body) // BYTES_PER_TOKEN if kind != "multipart/form-data" else 0,
        format="raw",
        task=task,
        raw=RawBody(path, content_type, before, after),
    )


def usage(body: bytes) -> Usage | None:
    """What a reply says it used; None where it does not."""
    try:
        said = msgspec.json.decode(body, type=_Counted).usage
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if said is None or min(msgspec.structs.astuple(said)[:4]) < 0:
        return None
    into = said.input_tokens_details or said.input_token_details
    return Usage(
        input_tokens=said.input_tokens or said.prompt_tokens,
        output_tokens=said.output_tokens or said.completion_tokens,
        audio_input_tokens=_detail(into, "audio_tokens"),
        audio_output_tokens=_detail(said.output_tokens_details, "audio_tokens"),
        image_input_tokens=_detail(into, "image_tokens"),
        image_output_tokens=_detail(said.output_tokens_details, "image_tokens"),
    )


def _detail(details: object, name: str) -> int:
    return figure(details.get(name)) if isinstance(details, dict) else 0


def _object(body: bytes) -> tuple[str, bytes, bytes]:
    value = strict_json.decode(body)
    if not isinstance(value, dict):
        raise BadRequest("the body must be a JSON object with a `model`")
    model = members.text(value, "model")
    if not model:
        raise _no_model()
    rest = members.raw(body)
    del rest["model"]
    others = members.joined(rest)[1:]
    return model, b'{"model":', others if others == b"}" else b"," + others


def _form(body: bytes, content_type: str) -> tuple[str, bytes, bytes]:
    """The model's name in a multipart form, and the bytes around it (RFC 7578)."""
    places = list(_models(body, _delimiter(content_type)))
    if len(places) > 1:  # which of them would count, servers disagree on
        raise BadRequest("`model` is there more than once", param="model")
    if not places:
        raise _no_model()
    start, end = places[0]
    if not 0 < end - start <= _LONGEST_NAME:
        raise _no_model()
    return body[start:end].decode("utf-8", "replace"), body[:start], body[end:]


def _delimiter(content_type: str) -> bytes:
    stated = _BOUNDARY.search(content_type)
    if stated is None:
        raise BadRequest("the form states no boundary in its content-type")
    return b"--" + (stated[1] or stated[2]).encode("latin-1")


def _fields(body: bytes, delimiter: bytes) -> Iterator[str]:
    """The values of the fields, and of files that are text."""
    for part in body.split(delimiter):
        head, _, value = part.partition(b"\r\n\r\n")
        if not _FILE.search(head):
            yield (value or head).decode("utf-8", "replace")
        elif _TEXT_FILE.search(head):
            yield value[:_MOST_OF_A_FILE].decode("utf-8", "replace")


def _models(body: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """From where to where the values of fields named `model` go."""
    start = body.find(delimiter)
    while (end := body.find(b"\r\n" + delimiter, start)) >= 0:
        head_end = body.find(b"\r\n\r\n", start, end)
        if head_end >= 0 and _MODEL_FIELD.search(body, start, head_end):
            yield head_end + 4, end
        start = end + 2


def _unreadable(kind: str) -> BadRequest:
    error = BadRequest(
        f"a body of type {kind[:64]!r} names no model: send `application/json` or "
        "`multipart/form-data`",
        code="unsupported_media_type",
    )
    error.status = 415
    return error


def _no_model() -> BadRequest:
    return BadRequest("`model` is missing: name a deployment, or `auto`", param="model")
