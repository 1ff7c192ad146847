"""Variables that look like settings and are none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from pydantic import BaseModel

from pointsman.config.wording import members

_PREFIX, _BELOW = "pointsman_", "__"
#: Variables of ours that are no settings.
_OTHERS = frozenset({"config", "key", "encryption_key"})
#: From where on a name is taken for another that is misspelt: `SERVER_PORT` for `SERVER__PORT`.
_ALIKE = 0.9


def unread(settings: type[BaseModel], environment: Mapping[str, str]) -> Iterator[str]:
    """What to say of each: nobody reads them."""
    known = list(_names(settings, ()))
    for name in environment:
        member = name.lower().removeprefix(_PREFIX)
        taken = member in _OTHERS or member.split(_BELOW)[0] in settings.model_fields
        if not name.lower().startswith(_PREFIX) or taken:
            continue
        near = get_close_matches(member, known, n=1, cutoff=_ALIKE)
        if near:
            meant = (_PREFIX + near[0]).upper()
            yield f"{name}: there is no such setting; did you mean {meant}?"
        elif _BELOW in member:
            yield f"{name}: there is no such setting"


def _names(settings: type[BaseModel], place: Sequence[str]) -> Iterator[str]:
    for name in members(settings, place):
        yield _BELOW.join((*place, name))
        yield from _names(settings, (*place, name))
