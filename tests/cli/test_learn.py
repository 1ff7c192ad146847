"""`pointsman learn` and `retrain`, where no gateway runs."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

from tests.cli.conftest import Run

from pointsman import data
from pointsman.storage.sqlite import SqliteStore
from pointsman.types import Change, Version

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def promote(home: Path, name: str) -> None:
    """As a gateway does it."""

    async def put() -> None:
        store = await asyncio.to_thread(SqliteStore.open, home / "pointsman.db")
        await store.add_version(Version(name, "", NOON, "bandit", data.read_belief(), 80, "req_9"))
        await store.add_change(
            Change(f"ch_{name}", "", NOON, "promoted", f"{name} is in force: better", name)
        )
        await store.close()

    home.mkdir(exist_ok=True)
    asyncio.run(put())


def test_nothing_was_learned_yet(command: Run) -> None:
    code, said, _ = command("learn", "status")
    assert code == 0
    assert said.splitlines()[0] == "shipped"
    assert "0 of 0 were drawn" in said
    assert command("retrain") == (
        0,
        "nothing changed: there is nothing to learn from yet; ratings tell most\n",
        "",
    )
    code, _, error = command("learn", "revert")
    assert code == 1
    assert "nothing to go back from" in error


def test_what_was_learned_is_shown_and_taken_back(command: Run, tmp_path: Path) -> None:
    promote(tmp_path / "home", "v_1")
    promote(tmp_path / "home", "v_2")
    code, said, _ = command("learn", "status")
    assert code == 0
    assert said.startswith("v_2 since 2026-11-22 12:00\n  v_2 is in force: better\n")
    assert command("learn", "revert")[1] == (
        "v_1 is in force again, instead of v_2; nothing is promoted until `pointsman retrain` finds better\n"
    )
    kept = json.loads(command("learn", "status", "--json")[1])
    assert (kept["in_force"][0]["version"], kept["in_force"][0]["held"]) == ("v_1", True)
    kinds = [each["kind"] for each in json.loads(command("learn", "history", "--json")[1])]
    assert kinds == ["reverted", "promoted", "promoted"]
    assert command("learn", "revert", "shipped", "--json")[0] == 0
    assert command("learn", "status")[1].startswith("shipped since")
    report = json.loads(command("report", "--json")[1])
    assert report["learning"]["version"] == "shipped"
    assert report["learning"]["instead_of"] == "v_1"
