"""What a migration may do: the version before serves through it, and after it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pointsman

FOLDER = Path(pointsman.__file__).parent / "storage" / "migrations" / "versions"
#: Those up to 0005 were before there were gateways to keep serving.
REVISIONS = sorted(path for path in FOLDER.glob("0*.py") if path.name > "0006")
ALLOWED = {"create_table", "create_index", "add_column"}


def calls(path: Path) -> Iterator[ast.Call]:
    """What is done to the schema on the way up."""
    for function in ast.parse(path.read_text()).body:
        if isinstance(function, ast.FunctionDef) and function.name != "downgrade":
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("op."):
                    yield node


def name(call: ast.Call) -> str:
    return ast.unparse(call.func).removeprefix("op.")


def first(call: ast.Call, place: int = 0) -> str:
    argument = call.args[place]
    return str(argument.value) if isinstance(argument, ast.Constant) else ast.unparse(argument)


@pytest.mark.parametrize("path", REVISIONS, ids=lambda path: path.stem)
def test_it_only_adds(path: Path):
    assert {name(call) for call in calls(path)} <= ALLOWED


@pytest.mark.parametrize("path", REVISIONS, ids=lambda path: path.stem)
def test_who_does_not_know_a_new_column_can_write_without_it(path: Path):
    for call in calls(path):
        if name(call) == "add_column":
            told = {
                each.arg
                for node in ast.walk(call)
                if isinstance(node, ast.Call)
                for each in node.keywords
            }
            assert "nullable" not in told or "server_default" in told, ast.unparse(call)


@pytest.mark.parametrize("path", REVISIONS, ids=lambda path: path.stem)
def test_no_table_that_is_in_use_is_locked_for_an_index(path: Path):
    made = {first(call) for call in calls(path) if name(call) == "create_table"}
    indexed = {first(call, 1) for call in calls(path) if name(call) == "create_index"}
    assert indexed <= made
