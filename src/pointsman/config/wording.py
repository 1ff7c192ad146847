"""What is wrong with a configuration, in words for who wrote it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from pointsman.config.sources import Place

#: How pydantic begins the words of our own checks.
_OURS = "Value error, "
_NO_SUCH = "extra_forbidden"


def faults(
    error: ValidationError, settings: type[BaseModel], where: Callable[[Place], str] | None = None
) -> Iterator[str]:
    """Each with the member, what it might have been meant to be called, and `where` it stands."""
    for each in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in each["loc"])
        said = each["msg"].removeprefix(_OURS)
        if each["type"] == _NO_SUCH:
            said = _no_such(str(each["loc"][-1]), members(settings, each["loc"][:-1]))
        lead = f"{where(each['loc'])}: " if where else ""
        for line in said.splitlines():  # a check of ours may find several
            yield lead + (f"{place}: {line}" if place else line)


def _no_such(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1)
    if near:
        return f"there is no such setting; did you mean {near[0]}?"
    there = f"; there are: {', '.join(sorted(known))}" if known else ""
    return f"there is no such setting{there}"


def members(settings: type[BaseModel], place: Sequence[str | int]) -> Collection[str]:
    """What may stand at a place; nothing where names are free, as in `[models]`."""
    kinds: list[object] = [settings]
    for part in place:
        kinds = [inner for kind in kinds for inner in _below(kind, str(part))]
    tables = (each for kind in kinds for each in _plain(kind))
    return {
        name
        for table in tables
        if isinstance(table, type) and issubclass(table, BaseModel)
        for name in table.model_fields
    }


def _below(kind: object, part: str) -> Iterator[object]:
    """What a member of something of that type is."""
    for each in _plain(kind):
        if isinstance(each, type) and issubclass(each, BaseModel):
            if part in each.model_fields:
                yield each.model_fields[part].annotation
        elif get_args(each):
            yield get_args(each)[-1]


def _plain(kind: object) -> Iterator[object]:
    """The types that a type may stand for."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _plain(get_args(kind)[0])
    elif origin in {Union, UnionType}:
        for each in get_args(kind):
            yield from _plain(each)
    else:
        yield kind
