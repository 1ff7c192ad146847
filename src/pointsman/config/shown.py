"""All settings for people to see, without a secret among them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pydantic import BaseModel, SecretStr
from pydantic_core import to_jsonable_python

from pointsman.config.secrets import is_reference
from pointsman.types import Json

_HIDDEN = "***"
#: Of an address.
_PASSWORD = re.compile(r"(://[^/@:\s]*:)[^/@\s]+@")


def members(
    settings: object, place: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Each setting with its place, as JSON has it; of a secret its reference, or that there is one."""
    if isinstance(settings, BaseModel):
        for name in type(settings).model_fields:
            yield from members(getattr(settings, name), (*place, name))
    elif isinstance(settings, Mapping) and settings:
        for name, member in settings.items():
            yield from members(member, (*place, str(name)))
    elif isinstance(settings, SecretStr):
        yield place, settings.get_secret_value() if is_reference(settings) else _HIDDEN
    elif isinstance(settings, str):
        yield place, _PASSWORD.sub(rf"\1{_HIDDEN}@", settings)
    else:
        yield place, to_jsonable_python(settings)


def nested(settings: BaseModel) -> dict[str, Json]:
    """The same, in tables."""
    found: dict[str, Json] = {}
    for (*tables, name), value in members(settings):
        table = found
        for each in tables:
            inner = table.setdefault(each, {})
            table = inner if isinstance(inner, dict) else {}
        table[name] = value
    return found
