"""What tests of the command line share."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.gateway import Gateway
from tests.support.written_books import CONFIG, books_in

from pointsman.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs a command as a shell would, in a home of its own: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POINTSMAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("POINTSMAN_DETECT", "false")

    def run_one(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["pointsman", *arguments])
        with pytest.raises(SystemExit) as exited:
            main()
        printed = capsys.readouterr()
        return int(exited.value.code or 0), printed.out, printed.err

    return run_one


@pytest.fixture(scope="module", params=["file", "gateway"])
def kept_books(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The home of books that are only read: their file, and a gateway that holds it."""
    folder = books_in(tmp_path_factory.mktemp("books") / "home")
    if request.param == "file":
        yield folder
        return
    with Gateway(folder, CONFIG):
        yield folder
