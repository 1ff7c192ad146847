"""The bodies of Pointsman's own routes, read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, TypeVar

import msgspec

from pointsman.errors import BadRequest
from pointsman.formats import strict_json
from pointsman.server.http import aside

_T = TypeVar("_T")
#: Characters of a comment.
_LONGEST_COMMENT = 4_000
#: Characters of a rating that is a word.
_LONGEST_WORD = 32


_TYPE = re.compile("`([^`]*)`")
#: A member that is missing, or that there is none of: it stands in the object that does not fit.
_MEMBER = re.compile("(?:missing required|contains unknown) field `(.*)`", re.DOTALL)
_LONGEST_NAME = 64
#: How people call the types of JSON.
_WORDS: Mapping[str, str] = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "datetime": "a date and time",
    "decimal": "a number",
}


class PlainRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A prompt, and the tier it must go to, if it must."""

    prompt: str
    force_tier: str | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None


class MessageRequest(msgspec.Struct):
    """A prompt as older routers took it."""

    message: str


class RouteRequest(msgspec.Struct):
    """What to decide on: a chat request's `messages`, or a text under one of three names."""

    messages: list[dict[str, object]] | None = None
    prompt: str | None = None
    message: str | None = None
    query: str | None = None
    model: str = "auto"
    #: Points that are added to every threshold between tiers: to see what would be.
    shift: Annotated[float, msgspec.Meta(ge=-100, le=100)] = 0.0


class FeedbackRequest(msgspec.Struct):
    """What a user says of a reply: a rating from -1 (bad) to 1 (good), a comment, or both.

    The rating may also be true, false or a word (`feedback.rating`). Other members are ignored.
    """

    request_id: str
    rating: float | bool | Annotated[str, msgspec.Meta(max_length=_LONGEST_WORD)] | None = None
    comment: Annotated[str, msgspec.Meta(max_length=_LONGEST_COMMENT)] | None = None


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """The key that somebody signs in with."""

    key: str


async def read(body: bytes, kind: type[_T]) -> _T:
    """The body as `kind`. Raises BadRequest that names what does not fit."""
    value = await aside(strict_json.decode, body)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _unfit(str(error)) from error


def _unfit(said: str) -> BadRequest:
    """Which member is meant, and what it should be, in words of JSON."""
    what, _, place = said.partition(" - at `$")
    path = place.rstrip("`").removeprefix(".") or None
    plain = _TYPE.sub(lambda found: " or ".join(map(_word, found[1].split(" | "))), what)
    plain = plain[:1].lower() + plain[1:]
    return BadRequest(
        f"the body does not fit: {plain}" if path is None else f"`{path}`: {plain}",
        param=_param(what, path),
    )


def _param(what: str, path: str | None) -> str | None:
    """The member that is to be mended, which is not in the object's path where it is missing."""
    member = _MEMBER.search(what)
    if member is None:
        return path
    name = member[1][:_LONGEST_NAME]
    return name if path is None else f"{path}.{name}"


def _word(kind: str) -> str:
    return _WORDS.get(kind, f"`{kind}`")
