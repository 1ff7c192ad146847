"""`pointsman prove` and `pointsman calibrate`: rows in, a table or a calibration out."""

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.cli.conftest import Run

from pointsman.scoring.calibration import Calibration


def _row(place: int, source: str = "own", **more: object) -> dict[str, object]:
    rng = random.Random(place)  # noqa: S311 - the same rows each time
    prompt = rng.choice(("What is Python?", "Design a banking API in Rust.")) + "!" * place
    return {
        "id": place,
        "source": source,
        "prompt": prompt,
        "weak_score": rng.randint(0, 1),
        "strong_score": 1,
        "licence": "Apache-2.0",
        **more,
    }


def _write(file: str, *rows: object) -> None:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    Path(file).write_bytes(gzip.compress(text.encode()) if file.endswith(".gz") else text.encode())


def test_the_shipped_sample_is_measured_without_a_file(command: Run) -> None:
    code, out, _ = command("prove", "--json")

    proved = json.loads(out)
    assert code == 0
    assert proved["router"] == "learned"
    assert proved["rows"] == sum(source["rows"] for source in proved["sources"].values())
    lines = proved["means"]["mean"]["contenders"]
    assert {
        "learned", "learned, shuffled", "learned + verifier", "heuristic",
        "prompt length", "random", "all cheap", "all strong", "oracle",
    } <= set(lines)  # fmt: skip
    assert {
        "apgr", "cpt50", "cpt80", "headroom", "p_random", "calibration", "calibration_in_source",
        "calibration_after_50", "budget20", "budget50", "shifted20", "shifted50", "share",
        "quality", "gain", "curve",
    } <= set(lines["learned"])  # fmt: skip
    assert lines["random"]["apgr"] == 0.5
    assert lines["oracle"]["headroom"]["value"] == 1.0
    assert lines["learned"]["apgr"]["low"] < lines["learned"]["apgr"]["high"]


def test_the_table_is_narrow_enough_to_read(command: Run) -> None:
    code, out, err = command("prove")

    assert code == 0
    assert err == ""
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 100
    assert all(word in out for word in ("APGR", "oracle", "shuffled", "chance has .500"))


def test_several_files_with_several_sources_plain_and_packed(command: Run) -> None:
    _write("a.jsonl", *[_row(n) for n in range(40)])
    _write("b.jsonl.gz", *[_row(n, "other", weak_answer="It is.") for n in range(40)])

    code, out, _ = command("prove", "--json", "--data", "a.jsonl", "b.jsonl.gz")

    proved = json.loads(out)
    assert code == 0
    assert list(proved["sources"]) == ["own", "other"]
    assert "learned + verifier" not in proved["sources"]["own"]["contenders"]
    assert "learned + verifier" in proved["sources"]["other"]["contenders"]
    assert list(proved["means"]) == ["mean", "mean where replies are known"]
    code, again, _ = command("prove", "--json", "--data", "a.jsonl", "--data", "b.jsonl.gz")
    assert json.loads(again) == proved  # the same seed, the same proof


def test_no_other_command_waits_for_numpy_and_none_that_prints_no_table_for_rich() -> None:
    program = (
        "import sys; from pointsman.cli import app; assert not {'numpy', 'rich'} & set(sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_sample_and_another_scorer(command: Run) -> None:
    _write("a.jsonl", *[_row(n) for n in range(40)])

    code, out, _ = command(
        "prove", "--json", "--sample", "10", "--seed", "3", "--scorer", "heuristic",
        "--data", "a.jsonl",
    )  # fmt: skip

    proved = json.loads(out)
    assert code == 0
    assert (proved["rows"], proved["router"], proved["seed"]) == (10, "heuristic", 3)
    code, _, err = command("prove", "--scorer", "magic", "--data", "a.jsonl")
    assert code == 2
    assert "scorers are learned, heuristic" in err


def test_a_picture(command: Run) -> None:
    _write("a.jsonl", *[_row(n) for n in range(40)])

    code, _, _ = command("prove", "--data", "a.jsonl", "--plot", "curves.svg")

    assert code == 0
    assert ET.parse("curves.svg").getroot().tag.endswith("svg")  # noqa: S314 - ours
    code, _, err = command("prove", "--data", "a.jsonl", "--plot", "no/such/folder.svg")
    assert code == 1
    assert "can't be written" in err


def test_a_row_that_can_not_be_used_is_named(command: Run) -> None:
    _write("a.jsonl", _row(0), _row(1, weak_score="fine"), _row(2))

    code, out, err = command("prove", "--data", "a.jsonl")

    assert (code, out) == (1, "")
    assert "a.jsonl:2" in err
    assert "weak_score" in err


def test_no_file_and_no_gap(command: Run) -> None:
    code, _, err = command("prove", "--data", "nowhere.jsonl")
    assert code == 1
    assert "nowhere.jsonl can't be read" in err

    _write("level.jsonl", *[_row(n, weak_score=1) for n in range(9)])
    code, _, err = command("prove", "--data", "level.jsonl")
    assert code == 1
    assert "nothing to recover" in err


def test_calibrate_writes_what_the_gateway_reads(command: Run, tmp_path: Path) -> None:
    _write("mine.jsonl", *[{"prompt": f"Say {n}", "weak_score": int(n % 4 > 0)} for n in range(60)])

    code, out, _ = command("calibrate", "--data", "mine.jsonl", "--json")

    said = json.loads(out)
    file = tmp_path / "home" / "calibration.json"
    assert code == 0
    assert said["file"] == str(file)
    assert said["mean_shortfall"] == 0.25
    calibration = Calibration.parse(file.read_text())
    assert calibration.outcomes == said["outcomes"] == 60
    assert calibration.scorer == said["scorer"]
    assert calibration.apply(said["mean_score"]) == pytest.approx(0.25, abs=0.05)
    code, out, _ = command("calibrate", "--data", "mine.jsonl")
    assert code == 0
    assert "60 outcomes" in out


def test_calibrate_needs_outcomes(command: Run) -> None:
    _write("mine.jsonl", {"prompt": "Say it"})

    code, _, err = command("calibrate", "--data", "mine.jsonl")

    assert code == 1
    assert "mine.jsonl:1" in err
    assert "weak_score" in err
