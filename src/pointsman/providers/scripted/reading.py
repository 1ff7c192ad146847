"""What a request's body holds, whether it is JSON or a form; refusals in the words of its members.

A form (RFC 7578) has the same members as a JSON object would: texts under their names, and of each
file an `Upload`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from typing import TypeVar

import msgspec

from pointsman.errors import BadRequest
from pointsman.types import Json

T = TypeVar("T")


class Upload(msgspec.Struct):
    """A file in a form."""

    filename: str
    #: In bytes.
    size: int


def read(body: bytes, content_type: str, kind: type[T]) -> T:
    """The members of a body. Raises BadRequest, which names the member at fault."""
    with refusals():
        if content_type.startswith("multipart/form-data"):
            return msgspec.convert(_fields(body, content_type), kind, strict=False)
        return msgspec.json.decode(body, type=kind)


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what msgspec objects to into BadRequest, which names the member at fault."""
    try:
        yield
    except msgspec.ValidationError as error:
        raise BadRequest(f"Invalid request: {error}.", param=_param(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The body can't be read: {error}.") from error


def _fields(body: bytes, content_type: str) -> dict[str, Json]:
    form = message_from_bytes(b"content-type: " + content_type.encode() + b"\r\n\r\n" + body)
    parts = form.get_payload() if form.is_multipart() else []
    fields: dict[str, Json] = {}
    for part in parts:
        if not isinstance(part, Message):
            continue
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            filename = part.get_filename()
            upload: Json = {"filename": filename, "size": len(content)}
            fields[name] = content.decode() if filename is None else upload
    return fields


def _param(message: str) -> str | None:
    path = re.search(r"at `\$\.?(.+)`$", message)
    missing = re.search(r"missing required field `(.+?)`", message)
    names = [found.group(1) for found in (path, missing) if found]
    return ".".join(names) or None
