"""Writes the generated parts of docs/reference: what stands between two comments, from the code.

A page marks a part with `<!-- generated: NAME -->` and `<!-- /generated -->`; `PARTS` says what
belongs there. The prose around it is written by hand. `make docs` runs this; a test compares.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import typer
from pydantic import BaseModel, JsonValue
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from tests.formats.matrix import tables as translation
from typer.core import TyperGroup

from pointsman import config, errors
from pointsman.access.permissions import ROLES
from pointsman.assembly.wiring import IN_PROCESS_FORMATS
from pointsman.cli import app
from pointsman.presets import presets
from pointsman.providers.dialects import DIALECTS
from pointsman.server.compat import ALIASES
from pointsman.server.routes import PATHS

_ROOT = Path(__file__).parents[1]
PAGES = _ROOT / "docs" / "reference"
#: What a test saw; see `tests/faults/record.py`.
OBSERVED = _ROOT / "tests" / "faults" / "observed.json"
_PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)
_PARAMETER = re.compile(r"\{(\w+):\w+\}")
_WIDTH = 88


@dataclass(frozen=True, slots=True)
class Setting:
    """One member of the configuration."""

    #: Tables and name, such as `("server", "port")`.
    path: tuple[str, ...]
    type: str
    default: str
    meaning: str

    @property
    def variable(self) -> str:
        """The environment variable that overrides it."""
        return "POINTSMAN_" + "__".join(self.path).upper()


def settings() -> str:
    """A table for each table of `pointsman.toml`."""
    tables: dict[tuple[str, ...], list[Setting]] = {}
    for setting in walk(config.Settings):
        tables.setdefault(setting.path[:-1], []).append(setting)
    return "\n".join(
        f"### {_title(path)}\n\n"
        + table(
            ("name", "type", "default", "environment", "meaning"),
            [(f"`{s.path[-1]}`", s.type, s.default, f"`{s.variable}`", s.meaning) for s in members],
        )
        for path, members in tables.items()
    )


def walk(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[Setting]:
    """Every setting of `model`, those of its own members after all of its tables' parents."""
    comments = _comments(model)
    inner: list[tuple[tuple[str, ...], type[BaseModel]]] = []
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        if section is None:
            meaning = comments.get(name, "")
            yield Setting((*path, name), _type(field.annotation), _default(field), meaning)
        elif typing.get_origin(field.annotation) is dict:
            inner.append(((*path, name, "<id>"), section))
        else:
            inner.append(((*path, name), section))
    for inner_path, section in inner:
        yield from walk(section, inner_path)


def providers() -> str:
    """Every provider: what it speaks, where it is looked for, and where its key is."""
    return table(
        (
            "provider",
            "address where `base_url` is not given",
            "key where `api_key` is not given",
            "takes",
        ),
        [
            *(
                (f"`{name}`", "in this process", "", ", ".join(IN_PROCESS_FORMATS))
                for name in config.IN_PROCESS
            ),
            *(
                (
                    f"`{name}`",
                    _code(preset.base_url),
                    ", ".join(f"`{key}`" for key in preset.keys),
                    ", ".join(preset.formats or DIALECTS[preset.dialect].paths),
                )
                for name, preset in presets().items()
            ),
        ],
    )


def commands() -> str:
    """`--help` of every command."""
    top = typer.main.get_command(app).make_context(
        "pointsman", [], resilient_parsing=True, terminal_width=_WIDTH, max_content_width=_WIDTH
    )
    return "\n".join(f"## {name}\n\n```text\n{text}\n```\n" for name, text in _helps(top))


def paths() -> str:
    """Every path."""
    return table(
        ("path", "who may", "what"),
        [
            (
                f"`{path.method} {plain(path.path)}`",
                ", ".join(f"`{role}`" for role in sorted(ROLES.get(path.access, ()))) or "anybody",
                path.summary,
            )
            for path in PATHS
        ],
    )


def aliases() -> str:
    """Every older name of a path."""
    return table(
        ("older name", "answered by"),
        [(f"`{alias}`", f"`{path}`") for alias, path in ALIASES.items()],
    )


def bodies() -> str:
    """The members of each body that is Pointsman's own."""
    return table(
        ("path", "member", "type", "default"),
        [
            (
                f"`{plain(path.path)}`",
                f"`{field.name}`",
                _type(typing.get_type_hints(path.takes)[field.name]).replace("table", "object"),
                "required" if field.required else _shown(field.default),
            )
            for path in PATHS
            if path.takes is not None
            for field in msgspec.structs.fields(path.takes)
        ],
    )


def failures() -> str:
    """Every error that a client can meet."""
    known = [
        each
        for each in vars(errors).values()
        if inspect.isclass(each) and issubclass(each, errors.PointsmanError)
    ]
    return table(
        ("error", "status", "`type`", "`code`", "meaning"),
        [
            (
                f"`{each.__name__}`",
                str(each.status),
                f"`{each.type}`",
                _code(each.code),
                inspect.cleandoc(each.__doc__ or "").partition("\n")[0],
            )
            for each in known
            if each not in {errors.PointsmanError, errors.ConfigError}
            and (not issubclass(each, errors.UpstreamError) or each is errors.UpstreamError)
        ],
    )


def faults() -> str:
    """What was seen of every fault, by the test that meets them (`make faults`)."""
    lines: list[tuple[str, ...]] = []
    for row, met in json.loads(OBSERVED.read_text(encoding="utf-8")).items():
        groups: dict[tuple[str, str], list[str]] = {}
        for asked, client, books in met["seen"]:
            groups.setdefault((client, books), []).append(asked)
        where = (row, met["fault"])
        for seen, asked in groups.items():
            lines.append((*where, "any" if len(groups) == 1 else ", ".join(asked), *seen))
            where = ("", "")
    return table(("row", "fault", "asked", "the client gets", "the books have"), lines)


PARTS: Mapping[str, Callable[[], str]] = {
    "settings": settings,
    "providers": providers,
    "commands": commands,
    "paths": paths,
    "aliases": aliases,
    "bodies": bodies,
    "errors": failures,
    "faults": faults,
    "translation-requests": translation.requests,
    "translation-replies": translation.replies,
}


def filled(text: str) -> str:
    """A page with its generated parts as the code has them now."""
    return _PART.sub(lambda part: f"{part[1]}\n{PARTS[part[2]]()}\n{part[3]}", text)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def plain(path: str) -> str:
    """A path without Starlette's converters."""
    return _PARAMETER.sub(r"{\1}", path)


def _helps(context: typer.Context) -> Iterator[tuple[str, str]]:
    """A command's words and its help, then those of the commands below it."""
    text = "\n".join(line.rstrip() for line in context.get_help().splitlines())
    yield context.command_path, text.strip()
    if isinstance(context.command, TyperGroup):
        for name, command in context.command.commands.items():
            yield from _helps(command.make_context(name, [], context, resilient_parsing=True))


def _title(path: tuple[str, ...]) -> str:
    return f"`[{'.'.join(path)}]`" if path else "Top level"


def _comments(model: type[BaseModel]) -> dict[str, str]:
    """What the `#:` comments above a class's members say; inherited ones where it has none."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each.__module__.startswith("pointsman."):
            found |= _own_comments(each)
    return found


def _own_comments(model: type[BaseModel]) -> dict[str, str]:
    source = inspect.getsource(model)
    lines = source.splitlines()
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        above: list[str] = []
        row = node.lineno - 2
        while lines[row].strip().startswith("#:"):
            above.insert(0, lines[row].strip().removeprefix("#:").strip())
            row -= 1
        found[node.target.id] = " ".join(above)
    return found


def _section(annotation: object) -> type[BaseModel] | None:
    """The table that an annotation stands for: itself, where optional, or by name."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_section, typing.get_args(annotation))), None)


#: What only says that there may be no value.
_NO_TYPES = (type(None), msgspec.UnsetType)


def _type(annotation: object) -> str:
    """A type in a user's words."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return ", ".join(f'`"{each}"`' for each in arguments)
    if origin in {list, tuple, frozenset}:
        return f"list of {_plural(arguments[0])}"
    if origin is dict:
        anything = arguments[1] in (object, JsonValue)
        return "table" if anything else f"table of {_plural(arguments[1])}"
    if arguments:
        return " or ".join(_type(each) for each in arguments if each not in _NO_TYPES)
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return "object"
    words = {"str": "string", "SecretStr": "string", "int": "whole number", "bool": "boolean"}
    words |= {"float": "number", "Decimal": "number", "Path": "path", "datetime": "time"}
    return words[getattr(annotation, "__name__", "")]


def _plural(annotation: object) -> str:
    if typing.get_origin(annotation) is types.UnionType:
        return " or ".join(map(_plural, typing.get_args(annotation)))
    word = _type(annotation).partition(" of ")[0]
    return word if word.endswith("`") else f"{word}s"


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "" if field.default_factory else "required"
    return _shown(field.default)


def _shown(value: object) -> str:
    if value in (None, (), msgspec.UNSET):
        return ""
    if isinstance(value, tuple):
        value = list(value)
    return f"`{msgspec.json.encode(value).decode()}`"


def _code(text: str | None) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write every page."""
    for page in sorted(PAGES.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        page.write_text(filled(text), encoding="utf-8")
        if _PART.search(text):
            print(page.relative_to(PAGES.parents[1]))


if __name__ == "__main__":
    main()
