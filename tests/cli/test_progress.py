"""How far long work is, as it is shown."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from alembic import command as alembic
from tests.cli.conftest import Run

from pointsman.cli.progress import Display, duration
from pointsman.clock import ManualClock
from pointsman.storage.connection import engine
from pointsman.storage.migrate import configuration


def test_without_a_terminal_a_line_says_so_every_half_minute(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = ManualClock()
    with Display("rows", clock=clock) as display:
        for done in range(4_000, 4_101):
            display("", done, 10_000, "$0.01")
            clock.advance(0.5)

    assert capsys.readouterr().err.splitlines() == [
        "4,060 of 10,000 rows, 120 a minute, 50 min left, $0.01, after 30 s"
    ]


def test_phases_have_a_name_and_a_rate_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    clock = ManualClock()
    with Display("MB", per_s=True, clock=clock) as display:
        display("first", 0, None)
        clock.advance(31)
        display("first", 1, None)
        display("second", 7, 100)
        clock.advance(31)
        display("second", 69, 100)

    assert capsys.readouterr().err.splitlines() == [
        "first: 1 MB, 0.0 a second, after 31 s",
        "second: 69 of 100 MB, 2.0 a second, 16 s left, after 31 s",
    ]


def test_where_somebody_wants_json_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    clock = ManualClock()
    with Display(silent=True, clock=clock) as display:
        clock.advance(100)
        display("scoring", 1, 2)

    assert capsys.readouterr().err == ""


def test_times_are_for_people() -> None:
    assert [duration(each) for each in (3, 119, 600, 9000)] == ["3 s", "119 s", "10 min", "2.5 h"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudoterminals there")
def test_on_a_terminal_every_phase_of_a_proof_is_seen(
    command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"id": n, "source": "own", "prompt": "!" * n, "weak_score": n % 2, "strong_score": 1}
        for n in range(40)
    ]
    Path("rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    seen, terminal = os.openpty()
    monkeypatch.setenv("TERM", "xterm-256color")
    with os.fdopen(terminal, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        code, out, _ = command("prove", "--scorer", "heuristic", "--data", "rows.jsonl")
        drawn = os.read(seen, 1_000_000).decode()
    os.close(seen)

    assert code == 0
    assert "APGR" in out
    for phase in ("reading files: 0 of 1 ", "scoring rows: 0 of 40 ", "measuring: 0 of "):
        assert phase in drawn


def test_an_older_ledger_is_brought_up_to_date_before_anything_else(
    command: Run, tmp_path: Path
) -> None:
    path = tmp_path / "home" / "pointsman.db"
    path.parent.mkdir()
    path.touch()
    source = engine(path)
    with source.begin() as db:
        alembic.upgrade(configuration(db), "0001")
    source.dispose()

    code, out, err = command("db", "upgrade")
    again = command("db", "upgrade")

    assert (code, out) == (0, f"{path} is up to date\n")
    assert err.startswith(f"Bringing {path} (0 MB) up to date; ")
    assert again == (0, out, "")
