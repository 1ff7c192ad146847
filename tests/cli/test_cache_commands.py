"""`pointsman cache`: over a running gateway, over its store when none runs, and over pairs."""

import asyncio
import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.embedders import minilm_weights
from tests.support.gateway import Gateway, eventually

from pointsman.storage.sqlite import SqliteStore
from pointsman.types import Check

Run = Callable[..., tuple[int, str, str]]

CONFIG = """
[models.weak]
provider = "scripted"
model = "weak-model"
tier = "simple"
"""
#: An embedder that needs no weights: the more words texts share, the nearer they are.
WORDS = f"""
[cache]
embedder = "words"
uncalibrated = true
min_similarity = 0.8

[models.words]
provider = "scripted"
model = "words"
tasks = ["embeddings"]
{CONFIG}
"""
PAIRS = [
    {"id": "p", "a": "How tall is that tower?", "b": "That tower, how tall is it?", "y": 1, "cat": "same"},
    {"id": "n", "a": "What do 3 big red apples cost over there?", "b": "What do 4 big red apples cost over there?", "y": 0, "cat": "number"},
    {"id": "t", "a": "What is the weather in Rome?", "b": "The weather in Rome?", "y": 0, "split": "x"},
    {"a": "How tall is that tower?", "b": "Why do cats purr?"},
]  # fmt: skip


@pytest.fixture
def gateway(command: Run, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway in the home that commands find."""
    del command
    with Gateway(tmp_path / "home", CONFIG, cache=True) as running:
        yield running


@pytest.fixture
def words(tmp_path: Path) -> tuple[str, str]:
    """What names a configuration with an embedder that needs no weights."""
    (tmp_path / "words.toml").write_text(WORDS)
    return "--config", "words.toml"


def ask(gateway: Gateway, *texts: str) -> None:
    """Ask, and wait until the answers are kept."""
    for text in texts:
        assert (
            gateway.chat({"messages": [{"role": "user", "content": text}], "model": "weak"}).status
            == 200
        )
        eventually(lambda t=text: _is_kept(gateway, t), "it is kept")


def _is_kept(gateway: Gateway, text: str) -> bool:
    reply = gateway.chat({"messages": [{"role": "user", "content": text}], "model": "weak"})
    return reply.headers["x-pointsman-cache"].startswith("exact")


def written(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(path)


@pytest.mark.parametrize("runs", [True, False])
def test_with_and_without_a_gateway_it_is_the_same_cache(
    command: Run, gateway: Gateway, *, runs: bool
):
    ask(gateway, "What is a cat?", "What is a dog?", "What is a tree?")
    if not runs:
        gateway.stop()

    code, out, _ = command("cache", "ls", "--json", "--limit", "2")
    page = json.loads(out)
    assert (code, page["count"], len(page["data"])) == (0, 3, 2)
    newest = page["data"][0]
    assert newest["deployment"] == "weak"
    assert newest["hits"] >= 1
    assert page["size"] > newest["bytes"] > 0

    code, out, _ = command("cache", "ls", "--route", "weak")
    assert (code, newest["id"] in out, "3 replies" in out) == (0, True, True)
    code, out, _ = command("cache", "ls", "--deployment", "strong")
    assert (code, out) == (0, "0 replies, 0.0 kB\n")

    code, out, _ = command("cache", "show", newest["id"], "--json")
    shown = json.loads(out)
    assert code == 0
    assert shown["text"]
    assert (shown["id"], shown["turn"]) == (newest["id"], None)
    code, out, _ = command("cache", "show", newest["id"])
    assert (code, shown["text"] in out) == (0, True)

    code, out, _ = command("cache", "rm", newest["id"])
    assert (code, out) == (0, f"{newest['id']} is forgotten\n")
    for gone in ("rm", "show"):
        code, out, err = command("cache", gone, newest["id"])
        assert (code, out) == (1, "")
        assert f"there is no cached reply '{newest['id']}'" in err

    code, out, _ = command("cache", "stats", "--json")
    figures = json.loads(out)
    assert (code, figures["replies"]) == (0, 2)
    assert figures["requests"]["miss"] >= 3
    assert figures["requests"]["exact"] >= 3
    assert 0 < figures["hit_rate"]["exact"] == figures["hit_rate"]["overall"] < 1
    code, out, _ = command("cache", "stats")
    assert (code, "held  2 replies" in out) == (0, True)
    code, out, _ = command("cache", "stats", "--days", "0", "--json")
    assert json.loads(out)["requests"]["miss"] == 0

    code, out, err = command("cache", "reset", "weak")
    assert (code, out) == (1, "")
    assert "there are no checks of a route 'weak'" in err

    code, out, _ = command("cache", "clear", "--route", "auto", "--json")
    assert (code, json.loads(out)) == (0, {"removed": 0})
    code, out, _ = command("cache", "clear", "--all")
    assert (code, out) == (0, "2 replies are forgotten\n")
    assert json.loads(command("cache", "ls", "--json")[1])["data"] == []


def test_a_route_that_was_wrong_is_shown_and_begins_anew(command: Run, tmp_path: Path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "pointsman.toml").write_text('[cache]\nsemantic = "on"\n')
    asyncio.run(_checked(tmp_path / "home" / "pointsman.db"))

    (route,) = json.loads(command("cache", "stats", "--json")[1])["routes"]
    told = command("cache", "stats")[1]
    code, out, _ = command("cache", "reset", "auto")

    assert (route["route"], route["rate"], route["on"]) == ("auto", 1, False)
    assert "off: " in told
    assert (code, out) == (0, "40 checks of auto are forgotten\n")
    assert json.loads(command("cache", "stats", "--json")[1])["routes"] == []


async def _checked(books: Path) -> None:
    """Forty hits that were all false."""
    store = SqliteStore.open(books)
    now = datetime(2026, 11, 21, tzinfo=UTC)
    for number in range(40):
        await store.add_check(
            Check(
                f"req_{number}",
                now,
                "default",
                "auto",
                f"cr_{number}",
                similarity=0.97,
                probability=0.99,
                false=True,
                by="judge",
            )
        )
    await store.close()


@pytest.mark.parametrize("options", [(), ("--all", "--tag", "x")])
def test_clear_wants_to_know_what(command: Run, options: tuple[str, ...]):
    code, out, err = command("cache", "clear", *options)

    assert (code, out) == (2, "")
    assert "--all" in err


def test_looking_at_nothing_makes_nothing(command: Run, tmp_path: Path):
    assert command("cache", "ls")[:2] == (0, "0 replies, 0.0 kB\n")
    code, out, _ = command("cache", "stats", "--json")

    assert (code, json.loads(out)["hit_rate"]["overall"]) == (0, None)
    assert not (tmp_path / "home").exists()


def test_pairs_as_json(command: Run, words: tuple[str, str], tmp_path: Path):
    file = written(tmp_path / "pairs.jsonl", PAIRS)

    code, out, err = command("cache", "test", "--pairs", file, "--json", *words)

    same, number, time, other = json.loads(out)
    assert (code, err) == (0, "")
    assert set(same) == {"id", "similarity", "guard", "p", "hit"}
    assert (same["id"], same["guard"], same["hit"]) == ("p", None, True)
    assert same["p"] == same["similarity"] > 0.8
    assert (number["id"], number["guard"], number["p"], number["hit"]) == (
        "n",
        "number",
        None,
        False,
    )
    assert (time["id"], time["guard"], time["hit"]) == ("t", "time", False)
    assert (other["id"], other["guard"], other["p"], other["hit"]) == (4, None, None, False)


def test_pairs_for_people(command: Run, words: tuple[str, str], tmp_path: Path):
    packed = tmp_path / "pairs.jsonl.gz"
    packed.write_bytes(gzip.compress("".join(f"{json.dumps(row)}\n" for row in PAIRS).encode()))

    code, out, _ = command("cache", "test", "--pairs", str(packed), *words)

    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    # pairs, same, hits, wrong, precision, recall, recall of the near, served
    assert ["all", "4", "1", "1", "0", "1.000", "1.000", "1.000", "0.000"] in lines
    assert ["number", "1", "0", "0", "0", "0.000"] in lines


def test_beside_the_baselines(command: Run, words: tuple[str, str], tmp_path: Path):
    file = written(tmp_path / "pairs.jsonl", PAIRS)

    code, out, _ = command("cache", "test", "--pairs", file, "--baselines", "--json", *words)
    rows = {row["decision"]: row for row in json.loads(out)}
    table = command("cache", "test", "--pairs", file, "--baselines", *words)[1]

    assert code == 0
    assert len(rows) == 3 * 4 + 1
    assert rows["cosine 0.85"]["wrong"] >= 1
    assert rows["cosine 0.85 + guard"]["wrong"] == 0
    assert rows["pointsman"]["precision"] == 1
    assert all(name in table for name in rows)


def test_without_rows_there_is_nothing_to_say(command: Run, words: tuple[str, str], tmp_path: Path):
    file = written(tmp_path / "none.jsonl", [])

    assert json.loads(command("cache", "test", "--pairs", file, "--json", *words)[1]) == []


def test_rows_that_are_none_are_named(command: Run, words: tuple[str, str], tmp_path: Path):
    file = written(tmp_path / "pairs.jsonl", [{"a": "What is it?"}, PAIRS[0]])

    code, out, err = command("cache", "test", "--pairs", file, "--json", *words)

    assert (code, len(json.loads(out))) == (1, 1)
    assert "pairs.jsonl:1" in err


def test_without_weights_one_line_says_how_to_get_them(command: Run, tmp_path: Path):
    file = written(tmp_path / "pairs.jsonl", PAIRS)

    code, out, err = command("cache", "test", "--pairs", file, "--json")

    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "pointsman models pull minilm" in err


def test_a_file_that_is_not_there(command: Run, words: tuple[str, str]):
    code, out, err = command("cache", "test", "--pairs", "nowhere.jsonl", *words)

    assert (code, out) == (1, "")
    assert err == "pointsman: nowhere.jsonl can't be read: No such file or directory\n"


@pytest.mark.full
def test_with_the_shipped_weights(command: Run, tmp_path: Path):
    weights = minilm_weights()
    (tmp_path / "home" / "models").mkdir(parents=True)
    (tmp_path / "home" / "models" / "minilm").symlink_to(weights)
    file = written(tmp_path / "pairs.jsonl", PAIRS)

    code, out, err = command("cache", "test", "--pairs", file, "--json")

    same, number, time, other = json.loads(out)
    assert (code, err) == (0, "")
    assert same["similarity"] > 0.9
    assert other["similarity"] < 0.3
    assert 0 < same["p"] <= 1
    assert (number["guard"], number["hit"]) == ("number", False)
    assert (time["guard"], time["hit"]) == ("time", False)
    assert other["p"] is None
