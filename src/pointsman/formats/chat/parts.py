"""Content parts of chat messages, read and written."""

from __future__ import annotations

import re

from pointsman.conversation import Audio, File, Image, Opaque, Part, Refusal, Text
from pointsman.errors import BadRequest
from pointsman.formats import members
from pointsman.formats.chat.notes import Leftovers, Losses
from pointsman.types import Json

_DATA_URL = re.compile(r"data:(?P<type>[^;,]*)(?:;[^;,]*)*;base64,(?P<data>.*)", re.DOTALL)
_PART = frozenset({"type", "cache_control", "prompt_cache_breakpoint"})


def read(content: Json, place: str, notes: Leftovers) -> tuple[Part, ...]:
    """The parts of a message's content. Raises BadRequest that names the one at fault."""
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(content),)
    if not isinstance(content, list):
        raise BadRequest(f"`{place}` must be a string or an array of parts", param=place)
    return tuple(_read(part, f"{place}[{i}]", notes) for i, part in enumerate(content))


def write(part: Part, losses: Losses, *, cache_control: bool) -> dict[str, Json]:
    """A part of a message's content; empty for what may be lost."""
    match part:
        case Text(text, hint):
            written: dict[str, Json] = {"type": "text", "text": text}
            if hint is not None and cache_control:
                written["cache_control"] = hint
            elif hint is not None:
                losses.hint("cache_control")
            return written
        case Image():
            return {"type": "image_url", "image_url": _image(part)}
        case Audio(data, form):
            return {"type": "input_audio", "input_audio": {"data": data, "format": form}}
        case File() if part.data is not None:
            file: dict[str, Json] = {"file_data": _data_url(part.media_type, part.data)}
            return {"type": "file", "file": file | ({"filename": part.name} if part.name else {})}
        case File():
            losses.matter("file", "a file by its id" if part.file_id else "a file by its address")
        case Opaque(form, kind):
            losses.matter(kind, f"`{kind}` of the {form} format")
        case _:
            losses.matter(type(part).__name__.lower(), "such a part in this place")
    return {}


def _read(part: Json, place: str, notes: Leftovers) -> Part:
    if not isinstance(part, dict):
        raise BadRequest(f"`{place}` must be an object with a `type`", param=place)
    kind = members.text(part, "type", f"{place}.type")
    hint = part.get("cache_control")
    if hint is None and part.get("prompt_cache_breakpoint") is not None:
        hint = {"type": "ephemeral"}
    match kind:
        case "text":
            found: Part = Text(_string(part, "text", place), hint)
        case "refusal":
            found = Refusal(_string(part, "refusal", place))
        case "image_url":
            found = _read_image(part.get(kind), f"{place}.{kind}")
        case "input_audio":
            audio = _object(part, kind, place)
            found = Audio(_string(audio, "data", place), _string(audio, "format", place))
        case "file":
            found = _read_file(_object(part, kind, place), f"{place}.{kind}")
        case _:
            return Opaque("chat", kind or "part")
    if hint is not None and kind != "text":
        notes.advisory.append("cache_control")
    notes.sort(part, _PART | {kind}, frozenset(), "messages[].content[].")
    return found


def _read_image(stated: Json, place: str) -> Image:
    image: dict[str, Json] = stated if isinstance(stated, dict) else {"url": stated}
    url = _string(image, "url", place)
    detail = members.text(image, "detail", f"{place}.detail")
    embedded = _DATA_URL.fullmatch(url)
    if embedded is None:
        return Image(url=url, detail=detail)
    return Image(embedded["type"] or None, embedded["data"], detail=detail)


def _read_file(file: dict[str, Json], place: str) -> File:
    name = members.text(file, "filename", f"{place}.filename")
    file_id = members.text(file, "file_id", f"{place}.file_id")
    data = members.text(file, "file_data", f"{place}.file_data")
    if data is None:
        return File(name, file_id=file_id)
    if data.startswith(("http://", "https://")):  # OpenRouter's way
        return File(name, url=data)
    embedded = _DATA_URL.fullmatch(data)
    if embedded is None:
        return File(name, data=data)
    return File(name, embedded["type"] or None, embedded["data"])


def _image(image: Image) -> Json:
    written: dict[str, Json] = {"url": image.url}
    if image.data is not None:
        written["url"] = _data_url(image.media_type, image.data)
    if image.detail is not None:
        written["detail"] = image.detail
    return written


def _data_url(media_type: str | None, data: str) -> str:
    return f"data:{media_type or 'application/octet-stream'};base64,{data}"


def _string(value: dict[str, Json], name: str, place: str) -> str:
    found = members.text(value, name, f"{place}.{name}")
    if found is None:
        raise BadRequest(f"`{place}.{name}` is missing", param=f"{place}.{name}")
    return found


def _object(value: dict[str, Json], name: str, place: str) -> dict[str, Json]:
    found = value.get(name)
    if not isinstance(found, dict):
        raise BadRequest(f"`{place}.{name}` must be an object", param=f"{place}.{name}")
    return found
