"""What the pages show works: configurations load, programs run, commands and requests exist."""

import asyncio
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import typer
from starlette.routing import compile_path
from tests.docs.pages import PAGES, ROOT, Block, Command, all_blocks, blocks, commands, name
from tests.support.gateway import Gateway
from typer.core import TyperGroup

from pointsman.app import App
from pointsman.cli import app, main
from pointsman.config import load
from pointsman.formats.registry import CLIENTS
from pointsman.server import bodies
from pointsman.server.compat import ALIASES
from pointsman.server.routes import PATHS
from pointsman.server.routes import Path as Route

#: Keys that the examples refer to; nothing is sent anywhere.
KEYS = dict.fromkeys(
    (
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "GEMINI_API_KEY",
        "GATEWAY_KEY",
        "BUDGET_WEBHOOK",
        "AZURE_OPENAI_API_KEY",
    ),
    "test",
) | {"REDIS_URL": "redis://localhost", "BOOKS": "postgresql://localhost/pointsman"}
SCRIPTED = """
[models.smollm2]
provider = "scripted"
model = "smollm2"
tier = "simple"
"""
#: Commands that need no server, no weights and no network.
RUNNABLE = {
    ("demo",),
    ("prove",),
    ("route",),
    ("report",),
    ("models", "list"),
    ("db", "upgrade"),
    ("cache", "stats"),
    ("cache", "ls"),
    ("cache", "clear"),
}
#: What stands for output that was left out.
ELLIPSIS = "[...]"
SHELL = {"cd", "createdb", "curl", "export", "git", "make", "pointsman", "source"}

Run = Callable[[list[str]], tuple[int, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a home of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POINTSMAN_HOME", str(tmp_path / "home"))
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command as a shell would; its exit code and what it printed."""
    del folder

    def run_one(words: list[str]) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as exited:
            main()
        return int(exited.value.code or 0), capsys.readouterr().out

    return run_one


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("home"), SCRIPTED) as running:
        yield running


def at(block: Block) -> str:
    return block.name


def shown() -> list[tuple[str, Command]]:
    """Every command that a page shows."""
    return [(b.name, command) for b in all_blocks("console") for command in commands(b)]


def subcommand(words: list[str]) -> tuple[str, ...]:
    """The command that the words name; fails where they do not fit it."""
    command = typer.main.get_command(app)
    context = command.make_context("pointsman", [], resilient_parsing=True)
    names: list[str] = []
    rest = words[1:]
    while isinstance(command, TyperGroup):
        found, inner, rest = command.resolve_command(context, rest)
        assert found is not None
        assert inner is not None
        names.append(found)
        command = inner
    command.make_context(names[-1], rest, parent=context)
    return tuple(names)


@pytest.mark.parametrize("block", all_blocks("toml"), ids=at)
def test_configurations_load(block: Block, folder: Path) -> None:
    (folder / "pointsman.toml").write_text(block.text)

    App(load(folder / "pointsman.toml"), environment=KEYS)

    assert tomllib.loads(block.text)


@pytest.mark.parametrize("block", all_blocks("json"), ids=at)
def test_json_is_json(block: Block) -> None:
    assert json.loads(block.text)


@pytest.mark.parametrize(
    "block", [block for block in all_blocks("python") if not block.marked], ids=at
)
def test_programs_run(block: Block, folder: Path, gateway: Gateway) -> None:
    (folder / "pointsman.toml").write_text(SCRIPTED)
    program = block.text.replace("http://127.0.0.1:7070", gateway.address)

    exec(compile(program, block.name, "exec"), {"__name__": "__main__"})  # noqa: S102


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_print_what_the_page_says(page: Path, run: Run, folder: Path) -> None:
    for block in blocks(page, "toml", "console"):
        if block.language == "toml":
            (folder / "pointsman.toml").write_text(block.text)
            continue
        for command in commands(block):
            if command.words[0] != "pointsman" or subcommand(command.words) not in RUNNABLE:
                continue
            if "--data" in command.words:  # the reader's own
                continue
            code, out = run(command.words)

            assert code == 0, f"{block.name}: {command.words}"
            if subcommand(command.words) in {("demo",), ("prove",), ("route",)}:
                assert absent(command.output, out) == [], block.name


def absent(output: list[str], printed: str) -> list[str]:
    """Lines of the page that were not printed. Prices change with time, so they are not compared."""

    def plain(line: str) -> str:
        return re.sub(r"\$[\d.]+|\d+ %", "#", line).rstrip()

    lines = {plain(line) for line in printed.splitlines()}
    return [line for line in output if line != ELLIPSIS and plain(line) not in lines]


def test_commands_exist() -> None:
    verbs = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for where, command in shown():
        assert command.words[0] in SHELL, where
        if command.words[0] == "make":
            assert set(command.words[1:]) <= set(verbs), where
        if command.words[0] == "pointsman":
            assert subcommand(command.words), where


@pytest.mark.parametrize(
    ("where", "words"), [(w, c.words) for w, c in shown() if c.words[0] == "curl"]
)
def test_requests_fit_their_path(where: str, words: list[str]) -> None:
    url = urlsplit(next(word for word in words if word.startswith("http")))
    body = words[words.index("-d") + 1].encode() if "-d" in words else None
    stated = words[words.index("-X") + 1] if "-X" in words else None
    path = route(stated or ("GET" if body is None else "POST"), url.path)

    assert url.netloc == "127.0.0.1:7070", where
    if body is not None and path.takes is not None:
        assert asyncio.run(bodies.read(body, path.takes))
    elif body is not None:
        assert CLIENTS[path.format].parse(body).model


def route(method: str, path: str) -> Route:
    """The row of the table that answers."""
    path = ALIASES.get(path, path)
    return next(
        each
        for each in PATHS
        if each.method == method and compile_path(each.path)[0].fullmatch(path)
    )
