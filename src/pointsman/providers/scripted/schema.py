"""One instance of a JSON schema, always the same for the same schema. Pure.

A schema is held as its *parts*: the plain schemas that must all hold at once, after references and
`allOf` are resolved. Each keyword is read across all parts, so nothing needs to be merged.

Understood: type (also a list), properties, required, additionalProperties, items, prefixItems,
minItems, maxItems, enum, const, anyOf, oneOf (as anyOf), allOf, $ref into the document, minLength,
maxLength, format, and what `numbers` understands. Other keywords are not looked at, nor is what
else is said of the arrays and objects in an enum or const.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeAlias
from urllib.parse import unquote

import msgspec

from pointsman.providers.scripted.numbers import a_number, in_bounds, numbers
from pointsman.types import Json

MAX_ITEMS = 1_000  # an array that must be longer is refused
MAX_LENGTH = 10_000  # characters; a string that must be longer is refused
MAX_STEPS = 2_000  # schemas visited; past these only what has been built is given
MAX_DEPTH = 64  # nested schemas

FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "6f1d6f1e-8a5b-4c5d-9b1a-2f3c4d5e6f70",
}
_IMPLIED = {  # what a schema without a type speaks of
    "object": ("properties", "required", "additionalProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}

Part: TypeAlias = Mapping[str, Json]
Path: TypeAlias = frozenset[str]


class NoInstance(Exception):
    """Nothing fits the schema, as far as it is understood."""


def instance(schema: Json, *more: Json) -> Json:
    """One value that is valid under `schema` and all `more`; references point into `schema`.

    A recursive schema yields a small instance. Raises NoInstance where there is none, and where
    it would be out of all proportion.
    """
    return _Builder(schema).build([{"$ref": "#"}, *more], frozenset(), 0, "text")


class _Builder:
    """Builds one instance; gives up on a schema by raising NoInstance.

    `path` holds the references that led here: meeting one of them again is a dead end, since a
    smallest instance never needs it twice. `hint` is what a free string will say.
    """

    def __init__(self, root: Json) -> None:
        self._root = root
        self._steps = 0

    def build(self, schemas: Iterable[Json], path: Path, depth: int, hint: str) -> Json:
        self._steps += 1
        if self._steps > MAX_STEPS or depth > MAX_DEPTH:
            raise NoInstance("the schema is too large")
        parts, choices, path = self._flatten(schemas, path)
        if choices:
            first, *others = choices
            rest: list[Json] = [dict(part) for part in parts]
            rest += [{"anyOf": list(branches)} for branches in others]
            return _first(
                partial(self.build, [branch, *rest], path, depth + 1, hint) for branch in first
            )
        kinds = _kinds(parts)
        if (fixed := _fixed(parts)) is not None:
            return _first(partial(_checked, value, kinds, parts) for value in fixed)
        return _first(partial(self._value, kind, parts, path, depth, hint) for kind in kinds)

    def _flatten(
        self, schemas: Iterable[Json], path: Path
    ) -> tuple[list[Part], list[Sequence[Json]], Path]:
        """The plain parts of all schemas, the choices still to be made, and the path on."""
        parts: list[Part] = []
        choices: list[Sequence[Json]] = []
        here: set[str] = set()
        queue = list(schemas)
        while queue:
            schema = queue.pop(0)
            if schema is False:
                raise NoInstance("the schema allows nothing")
            if not isinstance(schema, dict):
                continue
            if isinstance(ref := schema.get("$ref"), str) and ref not in here:
                if ref in path:
                    raise NoInstance(f"{ref} needs itself")
                here.add(ref)
                queue.append(self._resolve(ref))
            queue.extend(_list(schema.get("allOf")))
            choices += [_list(schema[key]) for key in ("anyOf", "oneOf") if key in schema]
            parts.append({k: v for k, v in schema.items() if k not in _COMPOSED})
        return parts, choices, path | here

    def _resolve(self, ref: str) -> Json:
        if not (ref == "#" or ref.startswith("#/")):
            raise NoInstance(f"{ref} points out of the schema")
        place = self._root
        for step in ref.split("/")[1:]:
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(place, list) and name.isdecimal() and int(name) < len(place):
                place = place[int(name)]
            elif isinstance(place, dict) and name in place:
                place = place[name]
            else:
                raise NoInstance(f"{ref} is not in the schema")
        return place

    def _value(self, kind: str, parts: Sequence[Part], path: Path, depth: int, hint: str) -> Json:
        match kind:
            case "object":
                return self._object(parts, path, depth)
            case "array":
                return self._array(parts, path, depth, hint)
            case "string":
                return _string(parts, hint)
            case "integer" | "number":
                if (number := a_number(parts, whole=kind == "integer")) is None:
                    raise NoInstance("no number fits")
                return number
            case "boolean":
                return True
            case "null":
                return None
            case _:
                raise NoInstance(f"no such type: {kind}")

    def _object(self, parts: Sequence[Part], path: Path, depth: int) -> Json:
        declared = [_dict(part.get("properties")) for part in parts]
        required = [str(n) for part in parts for n in _list(part.get("required"))]
        made: dict[str, Json] = {}
        for name in dict.fromkeys([*(n for names in declared for n in names), *required]):
            schemas = [
                names[name] if name in names else part.get("additionalProperties")
                for part, names in zip(parts, declared, strict=True)
            ]
            try:
                made[name] = self.build(schemas, path, depth + 1, name)
            except NoInstance:
                if name in required:
                    raise
        return made

    def _array(self, parts: Sequence[Part], path: Path, depth: int, hint: str) -> Json:
        prefixes = [_list(part.get("prefixItems")) for part in parts]
        least = int(max(numbers(parts, "minItems"), default=0))
        most = min(numbers(parts, "maxItems"), default=MAX_ITEMS)
        if least > min(most, MAX_ITEMS):
            raise NoInstance("no array has this length")
        made: list[Json] = []
        while len(made) < min(most, max(1, least, *map(len, prefixes))):
            place = len(made)
            schemas = [
                prefix[place] if place < len(prefix) else part.get("items")
                for part, prefix in zip(parts, prefixes, strict=True)
            ]
            try:
                made.append(self.build(schemas, path, depth + 1, hint))
            except NoInstance:
                if place < least:
                    raise
                break
        return made


def _string(parts: Sequence[Part], hint: str) -> str:
    least, most = _lengths(parts)
    if least > min(most, MAX_LENGTH):
        raise NoInstance("no string has this length")
    for part in parts:
        if (told := FORMATS.get(str(part.get("format")))) is not None:
            if not least <= len(told) <= most:
                raise NoInstance("no string of this format has this length")
            return told
    text = hint or "text"
    return (text * max(1, -(-least // len(text))))[:most]


def _lengths(parts: Sequence[Part]) -> tuple[int, int]:
    """How long a string may be, at least and at most."""
    least = int(max(numbers(parts, "minLength"), default=0))
    return least, int(min(numbers(parts, "maxLength"), default=MAX_LENGTH))


def _kinds(parts: Sequence[Part]) -> Sequence[str]:
    """The types that every part allows, null last; a guess where none says any."""
    allowed: list[str] | None = None
    for part in parts:
        if "type" in part:
            told = part["type"]
            names = [str(kind) for kind in (told if isinstance(told, list) else [told])]
            if "number" in names:
                names.append("integer")
            allowed = names if allowed is None else [kind for kind in allowed if kind in names]
    if allowed is None:
        keys = {key for part in parts for key in part}
        allowed = [kind for kind, words in _IMPLIED.items() if keys.intersection(words)]
        allowed = [*allowed, "string"] if _fixed(parts) is None else list(_TYPES)
    return sorted(dict.fromkeys(allowed), key=lambda kind: kind == "null")


def _fixed(parts: Sequence[Part]) -> Sequence[Json] | None:
    """The values that every `enum` and `const` allows; None where there is neither."""
    lists = [_list(part["enum"]) for part in parts if "enum" in part]
    lists += [[part["const"]] for part in parts if "const" in part]
    if not lists:
        return None
    keys = [{msgspec.json.encode(value, order="sorted") for value in values} for values in lists]
    common = set.intersection(*keys)
    return [value for value in lists[0] if msgspec.json.encode(value, order="sorted") in common]


def _checked(value: Json, kinds: Sequence[str], parts: Sequence[Part]) -> Json:
    """`value`, where its type is among `kinds` and it keeps to the parts' bounds."""
    names = [name for name, types in _TYPES.items() if type(value) in types]
    if isinstance(value, float) and value.is_integer():
        names.append("integer")
    fits = True
    if isinstance(value, str):
        least, most = _lengths(parts)
        fits = least <= len(value) <= most
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        fits = in_bounds(value, parts)
    if not fits or not set(names).intersection(kinds):
        raise NoInstance("no value of the enum fits")
    return value


def _first(attempts: Iterable[Callable[[], Json]]) -> Json:
    """The first attempt that yields an instance."""
    reason = NoInstance("the schema allows nothing")
    for attempt in attempts:
        try:
            return attempt()
        except NoInstance as error:
            reason = error
    raise reason


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _dict(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


_COMPOSED = frozenset(["$ref", "allOf", "anyOf", "oneOf"])
_TYPES = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
