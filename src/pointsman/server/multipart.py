"""Forms with a file in them: `multipart/form-data` as the official clients send it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from pointsman.errors import BadRequest

_MOST_PARTS = 32


class Part(msgspec.Struct, frozen=True):
    """One field."""

    content: bytes
    #: The file's name; None for a field that is none.
    filename: str | None = None


def parse(content_type: str, body: bytes) -> Mapping[str, Part]:
    """The parts by name; the last of several counts. Raises BadRequest."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise BadRequest("send the file as multipart/form-data")
    form = _Form()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": form.begin,
                "on_header_field": form.header_name,
                "on_header_value": form.header_value,
                "on_header_end": form.header_end,
                "on_part_data": form.data,
                "on_end": form.end,
            },
        )
        parser.write(body)
    except FormParserError as error:
        raise BadRequest(f"the form can't be read: {error}") from None
    if not form.is_whole:
        raise BadRequest("the form stops short")
    parts = {}
    for head, content in form.parts:
        _, said = parse_options_header(head)
        name, filename = said.get(b"name", b""), said.get(b"filename")
        shown = None if filename is None else _text(filename)
        parts[_text(name)] = Part(b"".join(content), shown)
    return parts


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").replace("\0", "")


class _Form:
    """What the parser calls."""

    def __init__(self) -> None:
        #: Each with its `content-disposition`.
        self.parts: list[tuple[bytes, list[memoryview]]] = []
        self.is_whole = False
        self._content: list[memoryview] = []
        self._name = b""
        self._value = b""

    def begin(self) -> None:
        if len(self.parts) >= _MOST_PARTS:
            raise BadRequest(f"a form has at most {_MOST_PARTS} parts here")
        self._content = []
        self.parts.append((b"", self._content))

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self.parts[-1] = (self._value, self._content)
        self._name = self._value = b""

    def data(self, data: bytes, start: int, end: int) -> None:
        self._content.append(memoryview(data)[start:end])

    def end(self) -> None:
        self.is_whole = True
