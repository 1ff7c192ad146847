"""Content parts of chat messages, read and written."""

from __future__ import annotations

from pointsman.conversation import Audio, File, Image, Opaque, Part, Refusal, Text
from pointsman.errors import BadRequest
from pointsman.formats import data_urls, members
from pointsman.formats.chat.quirks import Quirks
from pointsman.formats.losses import Losses, Notes
from pointsman.types import Json

#: Where members of parts stand, for their names.
_PLACE = "messages[].content[]."
_PART = frozenset({"type", "cache_control", "prompt_cache_breakpoint"})


def read(content: Json, place: str, notes: Notes) -> tuple[Part, ...]:
    """The parts of a message's content. Raises BadRequest that names the one at fault."""
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(content),)
    if not isinstance(content, list):
        raise BadRequest(f"`{place}` must be a string or an array of parts", param=place)
    return tuple(_read(part, f"{place}[{i}]", notes) for i, part in enumerate(content))


def write(part: Part, losses: Losses, quirks: Quirks) -> dict[str, Json]:
    """A part of a message's content; empty for what may be lost. Raises Inexpressible."""
    match part:
        case Text(text, hint):
            written: dict[str, Json] = {"type": "text", "text": text}
            if hint is not None and quirks.cache_control:
                written["cache_control"] = hint
            elif hint is not None:
                losses.leave_out("cache_control")
            return written
        case Image():
            return {"type": "image_url", "image_url": _image(part)}
        case Audio(data, form):
            return {"type": "input_audio", "input_audio": {"data": data, "format": form}}
        case File():
            return _write_file(part, losses, quirks)
        case Opaque():
            losses.refuse_opaque(part)
        case _:
            kind = type(part).__name__.lower()
            losses.refuse(kind, f"`{kind}` in this place")
    return {}


def _read(part: Json, place: str, notes: Notes) -> Part:
    if not isinstance(part, dict):
        raise BadRequest(f"`{place}` must be an object with a `type`", param=place)
    kind = members.text(part, "type", f"{place}.type")
    hint = part.get("cache_control")
    if hint is None and part.get("prompt_cache_breakpoint") is not None:
        hint = {"type": "ephemeral"}
    match kind:
        case "text":
            found: Part = Text(members.required(part, "text", place), hint)
        case "refusal":
            found = Refusal(members.required(part, "refusal", place))
        case "image_url":
            found = _read_image(part.get(kind), f"{place}.{kind}", notes)
        case "input_audio":
            audio = members.mapping(part, kind, place)
            where = f"{place}.{kind}"
            data, form = (members.required(audio, name, where) for name in ("data", "format"))
            notes.rest(audio, {"data", "format"}, place=f"{_PLACE}{kind}.")
            found = Audio(data, form)
        case "file":
            found = _read_file(members.mapping(part, kind, place), f"{place}.{kind}", notes)
        case _:
            return Opaque("chat", kind or "part")
    if hint is not None and kind != "text":
        notes.hint("cache_control")
    notes.strangers(part, _PART | {kind}, place=_PLACE)
    return found


def _read_image(stated: Json, place: str, notes: Notes) -> Image:
    image: dict[str, Json] = stated if isinstance(stated, dict) else {"url": stated}
    url = members.required(image, "url", place)
    detail = members.text(image, "detail", f"{place}.detail")
    notes.rest(image, {"url", "detail"}, place=f"{_PLACE}image_url.")
    embedded = data_urls.read(url)
    if embedded is None:
        return Image(url=url, detail=detail)
    return Image(*embedded, detail=detail)


def _read_file(file: dict[str, Json], place: str, notes: Notes) -> File:
    name = members.text(file, "filename", f"{place}.filename")
    file_id = members.text(file, "file_id", f"{place}.file_id")
    data = members.text(file, "file_data", f"{place}.file_data")
    notes.rest(file, {"filename", "file_id", "file_data"}, place=f"{_PLACE}file.")
    if not (data or file_id):
        raise BadRequest(f"`{place}` needs `file_data` or `file_id`", param=place)
    if not data:
        return File(name, file_id=file_id)
    if data.startswith(("http://", "https://")):  # OpenRouter's way
        return File(name, url=data)
    return File(name, *(data_urls.read(data) or (None, data)))


def _image(image: Image) -> Json:
    written: dict[str, Json] = {"url": image.url}
    if image.data is not None:
        written["url"] = data_urls.write(image.media_type, image.data)
    if image.detail is not None:
        written["detail"] = image.detail
    return written


def _write_file(file: File, losses: Losses, quirks: Quirks) -> dict[str, Json]:
    if file.data is not None:
        return _file(file, data_urls.write(file.media_type, file.data))
    if file.url is None:
        losses.refuse("file_id", "a file by its provider's id")
    elif quirks.file_urls:
        return _file(file, file.url)
    else:
        losses.refuse("file", "a file by its address")
    return {}


def _file(file: File, content: str) -> dict[str, Json]:
    written: dict[str, Json] = {"file_data": content}
    if file.name:
        written["filename"] = file.name
    return {"type": "file", "file": written}
