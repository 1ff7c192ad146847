"""`pointsman batch`: every row of a file is answered once, whatever ends it on the way."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from tests.docs.pages import ROOT, blocks, commands
from tests.support.gateway import Gateway, eventually

Command = Callable[..., tuple[int, str, str]]

TWO = """
[models.weak]
provider = "scripted"
model = "weak-model"
tier = "simple"
{script}

[models.strong]
provider = "scripted"
model = "strong-model"
tier = "complex"
location = "cloud"
price = {{ input = 1, output = 2 }}
{script}
"""
PLAIN = TWO.format(script="")
SLOW = TWO.format(script="script = [{ first_byte_delay_s = 0.2 }]")
HARD = "Design a fault-tolerant banking API with {} services and prove its consistency."


def lines(path: Path) -> list[dict[str, object]]:
    """The values in a file of JSON lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def write(path: Path, *values: object) -> Path:
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


@pytest.fixture
def run(command: Command, tmp_path: Path) -> Command:
    """Runs a command beside a configuration of two tiers."""
    (tmp_path / "two.toml").write_text(PLAIN)
    return command


def test_every_row_is_answered_and_the_summary_says_what_it_took(run: Command) -> None:
    write(Path("rows.jsonl"), *({"id": f"q{n}", "prompt": f"What is {n}?"} for n in range(6)),
          {"prompt": HARD.format(7)})  # fmt: skip

    code, out, _ = run("batch", "rows.jsonl", "--config", "two.toml", "--json")

    told, found = json.loads(out), lines(Path("rows.results.jsonl"))
    assert code == 0
    assert [each["row"] for each in found] == [1, 2, 3, 4, 5, 6, 7]
    assert [each["id"] for each in found] == ["q0", "q1", "q2", "q3", "q4", "q5", 7]
    assert all(each["response"] and each["error"] is None for each in found)
    assert (told["rows"], told["answered"], told["failed"]) == (7, 7, 0)
    assert {each["tier"]: each["rows"] for each in told["tiers"]} == {"simple": 6, "complex": 1}
    _, out, _ = run("report", "--config", "two.toml", "--json")
    books = json.loads(out, parse_float=Decimal)["total"]
    assert books["requests"] == 7
    assert books["cost"] == sum(Decimal(str(each["cost"])) for each in found)
    assert Decimal(str(told["total"]["saved"])) == books["saved"] > 0


def test_started_again_it_asks_nobody(run: Command) -> None:
    write(Path("rows.jsonl"), {"prompt": "What is a noun?"})
    run("batch", "rows.jsonl", "--config", "two.toml")
    before = Path("rows.results.jsonl").read_bytes()

    code, out, _ = run("batch", "rows.jsonl", "--config", "two.toml")

    assert code == 0
    assert "1 of 1 rows answered, 0 failed" in out
    assert Path("rows.results.jsonl").read_bytes() == before


def test_csv_comes_back_as_csv_with_its_own_columns_first(run: Command) -> None:
    Path("rows.csv").write_text(
        '\ufeffkey,question,tier\n7,"What is\na noun, really?",gold\n8,What is a verb?,\n'
    )

    code, _, _ = run("batch", "rows.csv", "--column", "question", "--config", "two.toml")

    with Path("rows.results.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert code == 0
    assert [(each["key"], each["question"], each["tier"]) for each in found] == [
        ("7", "What is\na noun, really?", "gold"),
        ("8", "What is a verb?", ""),
    ]
    assert {each["pointsman_tier"] for each in found} == {"simple"}
    assert all(each["response"] and not each["error"] for each in found)


def test_a_row_may_be_a_prompt_messages_or_a_request_of_openai_s_batches(run: Command) -> None:
    talk = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Why?"}]
    request = {"method": "POST", "url": "/v1/chat/completions"}
    write(
        Path("rows.jsonl"),
        {"prompt": "Why?", "model": "strong", "parameters": {"max_tokens": 2}},
        {"id": 9, "messages": talk},
        {"custom_id": "c", **request, "body": {"model": "complex", "messages": talk}},
    )

    code, _, _ = run("batch", "rows.jsonl", "--config", "two.toml", "--model", "local")

    found = lines(Path("rows.results.jsonl"))
    assert code == 0
    assert [each["deployment"] for each in found] == ["strong", "weak", "strong"]
    assert [each["id"] for each in found] == [1, 9, "c"]
    assert (found[0]["finish_reason"], found[0]["output_tokens"]) == ("length", 2)


def test_nothing_is_asked_before_every_row_can_be(run: Command) -> None:
    messages = [{"role": "user", "content": "Why?"}]
    write(
        Path("rows.jsonl"),
        {"prompt": "fine"},
        {"prompt": " "},
        {"text": "no prompt"},
        {"prompt": "two", "messages": messages},
        {"messages": [{"role": "nobody"}]},
        {"body": {"messages": messages, "stream": True}},
        "a text",
    )

    code, out, err = run("batch", "rows.jsonl", "--config", "two.toml")

    assert (code, out) == (1, "")
    assert [f"rows.jsonl:{n}" in err for n in range(1, 8)] == [False] + [True] * 6
    assert "6 of 7 rows can't be asked; nothing was asked" in err
    assert not Path("rows.results.jsonl").exists()


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("none.jsonl", None, "can't be read"),
        ("empty.jsonl", "", "holds no rows"),
        ("empty.csv", "prompt\n", "holds no rows"),
        ("wide.csv", "prompt\nfine\nwhy, and how?\n", "1 of 2 rows can't be asked"),
        ("other.csv", "question\nWhy?\n", "has no column 'prompt' (it has: question)"),
    ],
)
def test_a_file_without_rows_is_said_to_be_one(
    run: Command, file: str, text: str | None, words: str
) -> None:
    if text is not None:
        Path(file).write_text(text)

    code, _, err = run("batch", file, "--config", "two.toml")

    assert code == 1
    assert words in err.splitlines()[-1]


def test_results_of_other_rows_are_left_alone(run: Command) -> None:
    write(Path("rows.jsonl"), {"prompt": "one"}, {"prompt": "two"})
    run("batch", "rows.jsonl", "--config", "two.toml")
    before = Path("rows.results.jsonl").read_bytes()

    write(Path("rows.jsonl"), {"prompt": "one"}, {"prompt": "zwei"})
    changed = run("batch", "rows.jsonl", "--config", "two.toml")
    write(Path("rows.jsonl"), {"prompt": "one"})
    fewer = run("batch", "rows.jsonl", "--config", "two.toml")
    foreign = run("batch", "rows.jsonl", "--config", "two.toml", "--output", "two.toml")
    itself = run("batch", "rows.jsonl", "--config", "two.toml", "--output", "rows.jsonl")

    assert "row 2 of rows.jsonl has changed" in changed[2]
    assert "has answers to more rows" in fewer[2]
    assert "two.toml:1 is no result of a batch" in foreign[2].replace("two.toml:2", "two.toml:1")
    assert [each[0] for each in (changed, fewer, foreign, itself)] == [1, 1, 1, 2]
    assert Path("rows.results.jsonl").read_bytes() == before
    assert Path("two.toml").read_text() == PLAIN


def test_what_failed_is_asked_again_and_nothing_else(run: Command) -> None:
    Path("sick.toml").write_text(TWO.format(script='script = [{ status = 422, body = "{}" }]'))
    write(Path("rows.jsonl"), {"prompt": "one"}, {"prompt": "two"})

    code, out, _ = run("batch", "rows.jsonl", "--config", "sick.toml")
    failed = lines(Path("rows.results.jsonl"))
    again, more, _ = run("batch", "rows.jsonl", "--config", "two.toml")

    assert (code, again) == (1, 0)
    assert "0 of 2 rows answered, 2 failed" in out
    assert "The same command asks those again that failed." in out
    assert all(each["error"] and each["response"] is None for each in failed)
    assert "2 of 2 rows answered, 0 failed" in more
    assert [each["row"] for each in lines(Path("rows.results.jsonl"))] == [1, 2]


class Batch:
    """`pointsman batch` as a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.results = folder / "rows.results.jsonl"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pointsman", "batch", "rows.jsonl", "--json", *options],
            cwd=folder,
            env={**os.environ, "POINTSMAN_HOME": str(folder / "home"), "POINTSMAN_DETECT": "false"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_rows(self, count: int) -> None:
        """Until so many are written down."""

        def there() -> bool:
            assert self._process.poll() is None, self._process.communicate()
            return self.results.exists() and self.results.read_bytes().count(b"\n") >= count

        eventually(there, f"{count} rows are answered")

    def end(self, how: signal.Signals | None = None) -> tuple[int, str]:
        """Its exit code, and what it printed."""
        if how is not None:
            self._process.send_signal(how)
        out, _ = self._process.communicate(timeout=60)
        return self._process.returncode, out


@pytest.fixture(params=["through a gateway", "in its own process"])
def slow_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Sixty rows over models that take a while."""
    write(tmp_path / "rows.jsonl", *({"prompt": f"What is {n}?"} for n in range(60)))
    if request.param == "in its own process":
        (tmp_path / "pointsman.toml").write_text(SLOW)
        yield tmp_path
    else:
        with Gateway(tmp_path / "home", SLOW, cache=True):
            yield tmp_path


def test_killed_it_goes_on_and_does_no_row_twice(run: Command, slow_folder: Path) -> None:
    at_once = 4
    killed = Batch(slow_folder, "--concurrency", str(at_once))
    killed.wait_for_rows(10)
    code, _ = killed.end(signal.SIGKILL)
    assert code == -signal.SIGKILL
    first = {each["row"]: each["request_id"] for each in lines(killed.results)}

    code, out, _ = run("batch", "rows.jsonl", "--json", "--concurrency", str(at_once))

    found = {each["row"]: each["request_id"] for each in lines(killed.results)}
    assert code == 0
    assert json.loads(out)["answered"] == 60
    assert [each["row"] for each in lines(killed.results)] == list(range(1, 61))
    assert {row: found[row] for row in first} == first
    assert 10 <= len(first) < 60
    # Those that were on their way at the kill were asked again.
    assert requests_in_the_books(run) <= 60 + at_once


def requests_in_the_books(run: Command) -> int:
    _, out, _ = run("report", "--json")
    return json.loads(out)["total"]["requests"]


def test_interrupted_it_waits_for_what_is_on_its_way(run: Command, tmp_path: Path) -> None:
    write(tmp_path / "rows.jsonl", *({"prompt": f"What is {n}?"} for n in range(60)))
    (tmp_path / "pointsman.toml").write_text(SLOW)
    batch = Batch(tmp_path)
    batch.wait_for_rows(5)

    code, out = batch.end(signal.SIGINT)

    told = json.loads(out)
    assert (code, told["stopped"]) == (130, "interrupted")
    assert 5 <= told["answered"] == len(lines(batch.results)) < 60
    assert requests_in_the_books(run) == told["answered"]
    code, out, _ = run("batch", "rows.jsonl", "--json", "--concurrency", "60")
    assert (code, json.loads(out)["answered"], requests_in_the_books(run)) == (0, 60, 60)


def test_the_page_shows_what_is_printed(run: Command) -> None:
    page = ROOT / "docs" / "how-to" / "batch.md"
    Path("pointsman.toml").write_text(PLAIN)
    Path("rows.jsonl").write_text(blocks(page, "jsonl")[0].text)
    shown = next(commands(blocks(page, "console")[0]))

    code, out, _ = run(*shown.words[1:])

    def plain(line: str) -> str:
        return re.sub(r"in \d+ s", "in 1 s", line).rstrip()

    assert code == 0
    assert [plain(line) for line in out.splitlines()] == shown.output
    members = json.loads(blocks(page, "json")[0].text)
    assert list(lines(Path("rows.results.jsonl"))[0]) == list(members)
