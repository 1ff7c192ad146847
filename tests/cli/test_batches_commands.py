"""`pointsman batches`: a file goes in, its answers come out, all by a running gateway."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.gateway import Gateway

Run = Callable[..., tuple[int, str, str]]
CONFIG = """
[models.small]
provider = "scripted"
model = "tiny"
tier = "simple"
"""


@pytest.fixture(autouse=True)
def configured(tmp_path: Path) -> None:
    (tmp_path / "pointsman.toml").write_text(CONFIG)


def written(place: Path, *models: str) -> str:
    rows = (
        {
            "custom_id": f"row {number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": model, "messages": [{"role": "user", "content": "Hi"}]},
        }
        for number, model in enumerate(models)
    )
    place.write_text("\n".join(map(json.dumps, rows)))
    return str(place)


def test_a_batch_from_file_to_output(command: Run, tmp_path: Path) -> None:
    rows = written(tmp_path / "rows.jsonl", "small", "nobody", "auto")
    with Gateway(tmp_path / "home", CONFIG):
        assert "There is no batch" in command("batches", "list")[1]
        code, out, err = command("batches", "submit", rows, "--wait")
        batch = out.split()[0]
        shown = command("batches", "show", batch)[1]
        listed = command("batches", "list")[1]
        as_json = json.loads(command("batches", "list", "--json")[1])
        answers = command("batches", "output", batch)[1]
        errors = command("batches", "output", batch, "--errors")[1]
        refused = command("batches", "cancel", batch)

    assert (code, err) == (0, f"{batch}\n")
    assert out == shown == f"{batch} is completed: 2 of 3 rows answered, 1 failed\n"
    assert batch in listed
    assert [each["id"] for each in as_json["data"]] == [batch]
    assert [json.loads(line)["custom_id"] for line in answers.splitlines()] == ["row 0", "row 2"]
    assert [json.loads(line)["custom_id"] for line in errors.splitlines()] == ["row 1"]
    assert (refused[0], "completed can't be cancelled" in refused[2]) == (1, True)


def test_who_waits_is_told_by_the_exit_code_that_it_was_not_completed(
    command: Run, tmp_path: Path
) -> None:
    row = Path(written(tmp_path / "row.jsonl", "small")).read_text()
    twice = tmp_path / "twice.jsonl"
    twice.write_text(f"{row}\n{row}")
    with Gateway(tmp_path / "home", CONFIG):
        code, out, _ = command("batches", "submit", str(twice), "--wait")

    assert (code, " is failed: " in out) == (1, True)


def test_what_is_no_batch(command: Run, tmp_path: Path) -> None:
    plain = tmp_path / "plain.jsonl"
    plain.write_text('{"prompt": "Hi"}')
    rows = written(tmp_path / "rows.jsonl", "small")

    assert "no `url` that is one of" in command("batches", "submit", str(plain))[2]
    assert "can't be read" in command("batches", "submit", str(tmp_path / "none"))[2]
    assert "no gateway runs here" in command("batches", "submit", rows)[2]
    assert "no gateway runs here" in command("batches", "list")[2]
