"""`pointsman decisions`: requests one by one, over a running gateway and over its file."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from tests.support.gateway import Gateway
from tests.support.written_books import CONFIG

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(command: Run, kept_books: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("POINTSMAN_HOME", str(kept_books))
    return lambda *words: command("decisions", *words)


def ids(run: Run, *words: str) -> list[str]:
    code, out, err = run(*words)
    assert code == 0, err
    return [line.split()[-1] for line in out.splitlines()[1:]]


def test_all_of_them_the_newest_first(run: Run) -> None:
    _, out, _ = run()

    head, *lines = out.splitlines()
    columns = "time asked score tier answered by outcome cache ms cost $ id"
    assert " ".join(head.split()) == columns
    assert [line.split()[-1] for line in lines][-2:] == ["hit", "old"]
    assert "05-02 12:00:00  auto      12  simple   small        completed  exact  250" in lines[-2]


@pytest.mark.parametrize(
    ("words", "which"),
    [
        (["--limit", "1", "--until", "2026-05-03"], ["hit"]),
        (["--deployment", "big"], ["dear"]),
        (["--key", "k2"], ["new"]),
        (["--since", "2026-05-01", "--until", "2026-05-03"], ["hit"]),
        (["--organisation", "acme", "--outcome", "completed"], ["new", "hit", "old"]),
    ],
)
def test_some_of_them(run: Run, words: list[str], which: list[str]) -> None:
    assert ids(run, *words) == which


def test_where_there_are_none_it_says_so(run: Run) -> None:
    assert "nothing there" in run("--outcome", "failed")[1]


def test_one_of_them(run: Run) -> None:
    code, out, _ = run("new")

    assert code == 0
    said = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert said["because"] == "score 12.5: the simple tier suffices"
    assert said["cost"] == "$0.125000, of it $0.025000 beside the answer"
    assert said["saved"] == "$0.125000 of $0.250000"
    assert said["tokens"] == "100 in, 20 out, estimated"
    assert dict(line.split(maxsplit=1) for line in run("unknown")[1].splitlines())["cost"] == (
        "unknown"
    )


def test_one_that_is_not_there(run: Run) -> None:
    code, _, err = run("req_nope")

    assert code == 1
    assert "there is no decision 'req_nope'" in err


def test_for_scripts_to_the_last_digit(run: Run) -> None:
    one = json.loads(run("new", "--json")[1], parse_float=str)
    (listed,) = json.loads(run("--key", "k2", "--json")[1], parse_float=str)["data"]

    assert one == listed
    assert (one["cost"], one["overhead"]) == ("0.125", "0.025")


def test_what_was_tried_and_what_was_not(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weak = '[models.weak]\nprovider = "scripted"\nscript = [{ status = 500 }]\n'
    with Gateway(tmp_path, CONFIG.replace('[models.weak]\nprovider = "scripted"\n', weak)) as up:
        body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
        reply = httpx2.post(f"{up.address}/v1/chat/completions", json=body)
        monkeypatch.setenv("POINTSMAN_HOME", str(tmp_path))
        _, out, _ = command("decisions", reply.headers["x-request-id"])

    lines = [line.split() for line in out.splitlines()]
    assert ["weak", "answer", "failed"] in [line[:3] for line in lines]
    assert ["strong", "answer", "completed"] in [line[:3] for line in lines]
    assert "strong (complex)" in out
