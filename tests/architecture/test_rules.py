"""The house's rules, run as tests."""

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pointsman import ports

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "pointsman").rglob("*.py"))
CODE = sorted(
    p
    for folder in ("src", "tests", "train", "bench", "scripts")
    for p in (ROOT / folder).rglob("*.py")
)

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
WIDEST_PORT = 5


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text()))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_files_are_short() -> None:
    lines = {named(path): len(path.read_text().splitlines()) for path in CODE}

    assert {name: count for name, count in lines.items() if count > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    long = [
        f"{named(path)}: {f.name}"
        for path in CODE
        for f in functions(path)
        if (f.end_lineno or f.lineno) - f.lineno >= LONGEST_FUNCTION
    ]

    assert long == []


def test_imports_go_one_way() -> None:
    checked = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout


def test_no_import_of_our_own_is_hidden_in_a_function() -> None:
    hidden = [
        f"{named(path)}: {ast.unparse(node)}"
        for path in SOURCES
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and "pointsman" in ast.unparse(node)
    ]

    assert hidden == []


def test_no_error_is_swallowed() -> None:
    silent = [
        f"{named(path)}: line {node.lineno}"
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
        and all(isinstance(statement, ast.Pass) for statement in node.body)
    ]

    assert silent == []


def test_ports_are_narrow() -> None:
    wide = {
        name: len(methods)
        for name, port in vars(ports).items()
        if inspect.isclass(port) and port.__module__ == "pointsman.ports"
        if len(methods := [m for m in vars(port) if not m.startswith("_")]) > WIDEST_PORT
    }

    assert wide == {}


def test_requirements_are_hashed_and_name_no_host() -> None:
    for path in ROOT.glob("requirements*.txt"):
        text = path.read_text()
        pins = re.findall(r"^[a-z0-9._-]+==.*\\$", text, re.MULTILINE | re.IGNORECASE)

        assert len(pins) == len(re.findall(r"^\S+==", text, re.MULTILINE)), path.name
        assert "://" not in text, path.name


def test_import_costs_nothing_and_opens_no_socket() -> None:
    program = (
        "import socket, sys\n"
        "def refuse(*_): raise SystemExit('a socket was opened at import')\n"
        "socket.socket.connect = refuse\n"
        "import pointsman\n"
        "heavy = {'aiohttp', 'sqlalchemy', 'pydantic', 'uvicorn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "from pointsman import Router, Settings\n"
        "assert 'aiohttp' not in sys.modules and 'genai_prices' not in sys.modules\n"
        "assert sorted(pointsman.__all__) == sorted(pointsman._HOMES)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
