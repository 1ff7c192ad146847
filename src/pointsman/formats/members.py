"""Members of a decoded JSON object, with their types checked. All raise BadRequest that names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from pointsman.errors import BadRequest
from pointsman.types import Json, UsageWish

_T = TypeVar("_T")
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def raw(body: bytes) -> dict[str, bytes]:
    """The top-level members of a JSON object that was checked before, byte for byte, in order."""
    return {key: bytes(value) for key, value in _MEMBERS.decode(body).items()}


def joined(raw_members: Mapping[str, bytes]) -> bytes:
    """A JSON object of raw members."""
    inner = b",".join(msgspec.json.encode(key) + b":" + value for key, value in raw_members.items())
    return b"{" + inner + b"}"


def typed(value: dict[str, Json], name: str, kind: type[_T], what: str) -> _T | None:
    """The member, None where it is missing or null. `what` says in words what it must be."""
    member = value.get(name)
    if member is None or isinstance(member, kind):
        return member
    raise BadRequest(f"`{name}` must be {what}", param=name)


def flag(value: dict[str, Json], name: str, place: str | None = None) -> bool:
    """A boolean, false where it is missing; `place` is its path where it is not top-level."""
    member = value.get(name)
    if member is not None and not isinstance(member, bool):
        raise BadRequest(f"`{place or name}` must be true or false", param=place or name)
    return bool(member)


def optional_flag(value: dict[str, Json], name: str, place: str) -> bool | None:
    """A boolean that may be left open: None where it is missing or null."""
    return None if value.get(name) is None else flag(value, name, place)


def required(value: dict[str, Json], name: str, parent: str) -> str:
    """A string that must be there; `parent` is the path of the object that it stands in."""
    place = f"{parent}.{name}"
    found = text(value, name, place)
    if found is None:
        raise BadRequest(f"`{place}` is missing", param=place)
    return found


def mapping(value: dict[str, Json], name: str, parent: str) -> dict[str, Json]:
    """An object that must be there; `parent` is the path of the one that it stands in."""
    found = value.get(name)
    if not isinstance(found, dict):
        raise BadRequest(f"`{parent}.{name}` must be an object", param=f"{parent}.{name}")
    return found


def text(value: dict[str, Json], name: str, place: str | None = None) -> str | None:
    """A string, None where it is missing or null."""
    member = value.get(name)
    if member is None or isinstance(member, str):
        return member
    raise BadRequest(f"`{place or name}` must be a string", param=place or name)


def end_user(value: dict[str, Json]) -> str | None:
    """The end user, as OpenAI's formats name one; None where they do not."""
    return text(value, "user") or text(value, "safety_identifier") or None


def usage_wish(value: dict[str, Json]) -> UsageWish:
    """Whether a stream is to tell its usage, as OpenAI's formats ask for it.

    `throughout` is vLLM's `continuous_usage_stats`.
    """
    options = typed(value, "stream_options", dict, "an object") or {}
    asked = flag(options, "include_usage", "stream_options.include_usage")
    if not asked or not flag(value, "stream"):
        return False
    return "throughout" if options.get("continuous_usage_stats") is True else True


def number(value: dict[str, Json], name: str) -> float | None:
    """A number, None where it is missing or null."""
    member = value.get(name)
    if member is None:
        return None
    if isinstance(member, bool) or not isinstance(member, int | float):
        raise BadRequest(f"`{name}` must be a number", param=name)
    return member


def whole(value: dict[str, Json], name: str, *, least: int | None = None) -> int | None:
    """A whole number of at least `least`, None where it is missing or null."""
    member = value.get(name)
    if member is None:
        return None
    if isinstance(member, bool) or not isinstance(member, int):
        raise BadRequest(f"`{name}` must be a whole number", param=name)
    if least is not None and member < least:
        raise BadRequest(f"`{name}` must be a whole number of at least {least}", param=name)
    return member


def objects(value: dict[str, Json], name: str, place: str | None = None) -> list[dict[str, Json]]:
    """An array of objects, empty where it is missing or null."""
    member = value.get(name)
    if member is None:
        return []
    where = place or name
    if not isinstance(member, list):
        raise BadRequest(f"`{where}` must be an array", param=where)
    found: list[dict[str, Json]] = []
    for i, each in enumerate(member):
        if not isinstance(each, dict):
            raise BadRequest(f"`{where}[{i}]` must be an object", param=f"{where}[{i}]")
        found.append(each)
    return found
