"""`pointsman report` and `pointsman db`: over a running gateway, and over its file."""

import asyncio
import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import httpx2
import pytest
from tests.support.entries import entry
from tests.support.gateway import Gateway
from tests.support.written_books import CONFIG, NOW, books_in

from pointsman.storage.sqlite import SqliteStore

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(command: Run, kept_books: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command over the books."""
    monkeypatch.setenv("POINTSMAN_HOME", str(kept_books))
    return command


def amounts(run: Run, *arguments: str) -> dict[str, Decimal]:
    """What the total says."""
    code, out, err = run("report", "--json", *arguments)
    assert code == 0, err
    total = json.loads(out, parse_float=Decimal)["total"]
    return {name: Decimal(total[name]) for name in ("requests", "cost", "saved")}


def test_the_report_in_tables(run: Run) -> None:
    code, out, _ = run("report")

    assert code == 0
    for heading in ("by deployment", "by tier served", "by outcome", "by cache", "by day", "all"):
        assert heading in out
    assert "2026-03-24" in out
    assert "$2.625000" in out
    assert "1 requests have no known price" in out
    assert "~$" in out
    assert "the tokens of 1 requests are estimated" in out


def test_what_is_unknown_is_no_zero(run: Run) -> None:
    _, out, _ = run("report", "--by", "organisation")
    _, alone, _ = run("report", "--by", "tier", "--organisation", "umbrella")
    _, saved, _ = run("report", "--savings", "--by", "tier", "--organisation", "umbrella")

    lines = {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}
    assert lines["acme"][4] == "~$0.625000"
    assert lines["umbrella"][4] == "$2.000000?"
    assert "1 requests have no known price: they are in no sum (?)" in out
    (simple,) = (line.split() for line in alone.splitlines() if line.startswith("simple"))
    assert simple[4:] == ["unknown"] * 3
    (simple,) = (line.split() for line in saved.splitlines() if line.startswith("simple"))
    assert simple[4:7] == ["unknown"] * 3


def test_the_report_of_some_entries(run: Run) -> None:
    assert amounts(run)["requests"] == 5
    assert amounts(run)["cost"] == Decimal("2.625")
    assert amounts(run, "--organisation", "umbrella")["requests"] == 2
    assert amounts(run, "--key", "k2") == {
        "requests": 1, "cost": Decimal("0.125"), "saved": Decimal("0.125"),
    }  # fmt: skip
    assert amounts(run, "--since", "2026-05-03")["requests"] == 3
    assert amounts(run, "--until", "2026-05-02T12:00:00Z")["requests"] == 1


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("day", ["2026-03-24", "2026-05-02", "2026-05-03"]),
        ("tier", ["complex", "simple"]),
        ("model", ["big", "small", "cache"]),
        ("key", ["k1", "k2"]),
        ("organisation", ["umbrella", "acme"]),
        ("cache", ["miss", "exact"]),
        ("outcome", ["completed"]),
    ],
)
def test_the_cost_by_each_grouping(run: Run, by: str, names: list[str]) -> None:
    code, out, _ = run("report", "--by", by, "--json")

    assert code == 0
    assert [line["name"] for line in json.loads(out)["by"][by]] == names


def test_bars(run: Run) -> None:
    code, out, _ = run("report", "--plot")

    assert code == 0
    lines = {line.split()[0]: line for line in out.splitlines() if line.startswith("2026-")}
    assert list(lines) == ["2026-03-24", "2026-05-02", "2026-05-03"]
    assert lines["2026-05-03"].count("█") > lines["2026-03-24"].count("█") > 0


def test_savings_with_their_formula(run: Run) -> None:
    code, out, _ = run("report", "--savings", "--organisation", "acme")

    assert code == 0
    assert "saved = baseline_cost - cost" in out
    assert "baseline: " in out
    assert "$1.375000" in out
    assert "68.8%" in out
    code, out, _ = run("report", "--savings", "--by", "tier", "--json")
    assert list(json.loads(out)["by"]) == ["tier"]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_export(run: Run, tmp_path: Path, ending: str) -> None:
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    file = tmp_path / f"books.{ending}"

    code, out, err = run("db", "export", str(file), "--organisation", "acme")

    assert (code, err) == (0, "")
    assert f"{file}: {file.stat().st_size} bytes" in out
    if ending == "csv":
        with file.open(newline="") as text:
            assert {row["request_id"] for row in csv.DictReader(text)} == {"old", "hit", "new"}
    elif ending == "jsonl":
        assert len(file.read_text().splitlines()) == 3
    else:
        assert file.read_bytes()[:4] == file.read_bytes()[-4:] == b"PAR1"
    assert [each.name for each in tmp_path.glob("*.part")] == []


def forget(run: Run) -> None:
    code, out, err = run("db", "forget", "--before", "2026-05-01", "--yes")
    assert (code, out, err) == (0, "1 entries are deleted\n", "")
    assert amounts(run)["requests"] == 5  # the sums of days stay

    code, out, err = run("db", "forget", "--organisation", "umbrella", "--yes")
    assert (code, out, err) == (0, "2 entries are deleted\n", "")
    assert amounts(run)["requests"] == 3


def test_the_file_forgets(command: Run, tmp_path: Path) -> None:
    books_in(tmp_path / "home")

    forget(command)


def test_a_running_gateway_forgets(command: Run, tmp_path: Path) -> None:
    with Gateway(books_in(tmp_path / "home"), CONFIG):
        forget(command)


def test_what_can_not_be_written_is_said_in_a_line(command: Run, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for file in (tmp_path / "none" / "x.csv", tmp_path / "folder.csv"):
        code, _, err = command("db", "export", str(file))
        assert (code, err.count("\n"), "can't be written" in err) == (1, 1, True)


@pytest.mark.parametrize(
    "words",
    [
        ("report", "--by", "moon"),
        ("report", "--since", "yesterday"),
        ("report", "--since", "2026-01-01", "--days", "3"),
        ("db", "export", "books.xls"),
        ("db", "forget"),
        ("db", "forget", "--before", "soon"),
    ],
    ids=" ".join,
)
def test_wrong_words(command: Run, words: tuple[str, ...]) -> None:
    code, _, err = command(*words)

    assert code == 2
    assert "Error" in err


def test_forgetting_is_asked_for(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books_in(tmp_path / "home")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    code, out, _ = command("db", "forget", "--organisation", "umbrella")

    assert code == 1
    assert "Delete the entries of umbrella of all time" in out
    assert amounts(command)["requests"] == 5


def test_keys_are_told_by_the_names_that_people_gave_them(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = books_in(tmp_path / "named")
    monkeypatch.setenv("POINTSMAN_HOME", str(folder))
    made = json.loads(command("keys", "create", "--name", "Ann at work", "--json")[1])

    async def spend() -> None:
        store = SqliteStore.open(folder / "pointsman.db")
        await store.reserve(entry("hers", NOW, key=made["id"], cost="7"))
        await store.close()

    asyncio.run(spend())
    for more in ((), ("--savings",)):
        code, out, err = command("report", "--by", "key", *more)
        assert code == 0, err
        assert f"{made['id']} Ann at work" in out
        assert "k1 " in out
    by = json.loads(command("report", "--by", "key", "--json")[1])["by"]["key"]
    assert made["id"] in [line["name"] for line in by]


@pytest.mark.parametrize("running", [True, False])
def test_what_is_forgotten_leaves_no_file_behind(
    command: Run, tmp_path: Path, *, running: bool
) -> None:
    folder = books_in(tmp_path / "home")
    (tmp_path / "asked.jsonl").write_text('{"custom_id": "1"}\n')

    def listed(gateway: Gateway) -> int:
        return len(gateway.get("/v1/files").json()["data"])

    with Gateway(folder, CONFIG) as gateway:
        sent = {"file": (tmp_path / "asked.jsonl").read_bytes()}
        url = f"{gateway.base_url}/files"
        assert httpx2.post(url, files=sent, data={"purpose": "batch"}).status_code == 200
        assert listed(gateway) == 1
        if running:
            assert command("db", "forget", "--organisation", "default", "--yes")[0] == 0
    if not running:
        assert command("db", "forget", "--organisation", "default", "--yes")[0] == 0
    with Gateway(folder, CONFIG) as gateway:
        assert listed(gateway) == 0


@pytest.mark.parametrize("baseline", ["foo", "strong"])
def test_savings_against_a_baseline_without_a_price_say_why_there_are_none(
    command: Run, tmp_path: Path, baseline: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()

    async def write_one() -> None:
        store = SqliteStore.open(home / "pointsman.db")
        await store.reserve(entry("one", NOW, cost="1", baseline=None))
        await store.close()

    asyncio.run(write_one())
    config = CONFIG.replace("price = { input = 1, output = 2 }", "")
    (tmp_path / "pointsman.toml").write_text(f'[routing]\nbaseline = "{baseline}"\n{config}')
    code, out, err = command("report", "--savings")

    assert code == 0, err
    assert f"[routing] baseline: '{baseline}' " in out
    assert "so no savings can be told" in out
    assert "0 of them" not in out
