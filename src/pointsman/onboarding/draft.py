"""A configuration that is to be written: tables with a word of why each is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from pointsman.types import Json

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_UNUSABLE = re.compile(r"[^A-Za-z0-9._:/@+-]+")
_LONGEST_NAME = 100

HEADER = """\
# Pointsman's configuration. `pointsman doctor` looks whether all of it works, `pointsman serve`
# starts it. Secrets are references such as "${NAME}": they are read from the environment.
"""

#: What people look for next, ready to be uncommented.
SUGGESTIONS = """\
# What may be spent: at most this share of the requests goes to the highest tier.
# [routing]
# escalate = { share = 0.3 }

# For clients with a model's name built in.
# [aliases]
# "gpt-*" = "auto"
# "claude-*" = "auto"

# Prompts that mean the same get the same reply, for requests that ask for it:
# `pointsman models pull minilm`.
# [cache]
# semantic = "asked"
"""


class Table(msgspec.Struct, frozen=True):
    """A table of the file; the top level where the path is empty."""

    path: tuple[str, ...]
    members: Mapping[str, Json]
    #: A line above it.
    note: str = ""


def merged(tables: Iterable[Table]) -> tuple[Table, ...]:
    """Tables of one path as one, later members winning; in the order in which they came."""
    by_path: dict[tuple[str, ...], Table] = {}
    for each in tables:
        known = by_path.get(each.path)
        if known is not None:
            notes = ", ".join(note for note in (known.note, each.note) if note)
            each = Table(each.path, {**known.members, **each.members}, notes)  # noqa: PLW2901
        by_path[each.path] = each
    return tuple(sorted(by_path.values(), key=lambda each: bool(each.path)))


def values(tables: Iterable[Table]) -> dict[str, Json]:
    """What a program reads out of the file."""
    whole: dict[str, Json] = {}
    for table in tables:
        into = whole
        for part in table.path:
            inner = into.setdefault(part, {})
            if not isinstance(inner, dict):
                raise TypeError(f"{part} is a member and a table")
            into = inner
        into.update(table.members)
    return whole


def rendered(tables: Sequence[Table]) -> str:
    """The file's text, as TOML 1.0."""
    stated = {table.path[0] for table in tables if table.path}
    open_ones = [
        part
        for part in SUGGESTIONS.split("\n\n")
        if not any(f"[{name}]" in part for name in stated)
    ]
    parts = [HEADER, *map(_table, merged(tables)), *(f"{part.rstrip()}\n" for part in open_ones)]
    return "\n".join(parts)


def name_for(wanted: str, taken: Iterable[str]) -> str:
    """A deployment's id near `wanted`: usable in headers and paths, and not taken."""
    usable = _UNUSABLE.sub("-", wanted).lstrip("._:/@+-")[:_LONGEST_NAME] or "model"
    there = set(taken)
    numbered = (f"{usable}-{number}" for number in range(2, len(there) + 3))
    return next(name for name in (usable, *numbered) if name not in there)


def _table(table: Table) -> str:
    head = [f"# {_comment(table.note)}"] if table.note else []
    if table.path:
        head.append(f"[{'.'.join(map(_key, table.path))}]")
    return (
        "\n".join([*head, *(f"{_key(k)} = {_value(v)}" for k, v in table.members.items())]) + "\n"
    )


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: Json) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if value is None:
        raise TypeError("TOML has no null")
    return json.dumps(value)


def _text(value: str) -> str:
    """JSON's strings are TOML's, but for DEL and for escapes of what lies beyond 16 bits."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(note: str) -> str:
    """On one line: names come from servers and files of others."""
    return " ".join("".join(c if c.isprintable() else " " for c in note).split())
