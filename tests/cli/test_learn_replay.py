"""`pointsman learn replay`: labelled rows in, scores of other rows out."""

import gzip
import json
import random
from pathlib import Path

from tests.cli.conftest import Run

_ASKED = {
    "law": ("Who is liable under clause {}?", "May my landlord end lease {}?"),
    "code": ("Sort list {} in Python.", "Why does loop {} never end in C?"),
}


def _write(file: str, *rows: object) -> str:
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    Path(file).write_bytes(gzip.compress(text) if file.endswith(".gz") else text)
    return file


def _rows(count: int) -> list[dict[str, object]]:
    """Where the weak model fails in law."""
    rng, found = random.Random(0), []  # noqa: S311 - the same each time
    for number in range(count):
        topic = rng.choice(("law", "code"))
        prompt = rng.choice(_ASKED[topic]).format(number)
        scores = {"weak_score": float(topic == "code"), "strong_score": 1}
        found.append({"id": number, "source": topic, "prompt": prompt, **scores})
    return found


def _asked(topic: str) -> list[object]:
    return [
        {"id": f"{topic}:{number}", "prompt": text.format(number)}
        for number in range(900, 903)
        for text in _ASKED[topic]
    ]


def test_prompts_like_those_that_failed_are_ranked_first(command: Run) -> None:
    events = _write("events.jsonl.gz", *_rows(120))
    rank = _write("rank.jsonl", *_asked("law"), *_asked("code"))
    arguments = ("learn", "replay", "--events", events, "--rank", rank, "--seed", "7", "--json")

    code, out, _ = command(*arguments)

    scored = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [each["id"] for each in scored] == [
        each["id"] for each in (*_asked("law"), *_asked("code"))
    ]
    law, other = scored[:6], scored[6:]
    assert min(each["score"] for each in law) > max(each["score"] for each in other)
    assert all(0 <= each["score"] <= 100 for each in scored)
    assert command(*arguments)[1] == out


def test_people_see_what_exploring_took(command: Run) -> None:
    bare = ({name: row[name] for name in row if name not in {"id", "source"}} for row in _rows(60))
    events, rank = _write("e.jsonl", *bare), _write("r.jsonl", *_asked("law"))

    code, out, _ = command("learn", "replay", "--events", events, "--rank", rank, "--routed")

    assert code == 0
    assert "6 prompts, scored after 60 answers, 60 of them rated; exploring took" in out


def test_rows_without_labels_cannot_be_served(command: Run) -> None:
    rank = _write("r.jsonl", *_asked("law"))

    code, _, error = command("learn", "replay", "--events", rank, "--rank", rank)

    assert code == 1
    assert "rows need" in error
