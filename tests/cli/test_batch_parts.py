"""The parts of a batch: its rows, its results, its pace, and what it does of an answer."""

import gzip
import itertools
import json
import sys
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.cli.batching.asking import Answer
from pointsman.cli.batching.figures import Meter
from pointsman.cli.batching.pace import Pace
from pointsman.cli.batching.results import Result, Results
from pointsman.cli.batching.rows import Row, Rows
from pointsman.cli.batching.run import TRIES, Run
from pointsman.clock import ManualClock, SystemClock
from pointsman.errors import ConfigError
from pointsman.proof.rows import BadRow


def result(row: int, **more: object) -> Result:
    return Result(**{"row": row, "id": row, "response": "yes", "digest": "d", **more})


def test_a_line_that_was_not_written_to_its_end_is_no_result(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    results = Results.open(path)
    for row in (2, 1):
        results.add(result(row))
    results.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])

    results = Results.open(path)

    assert results.answered == {2}
    results.add(result(1))
    results.put_in_order()
    assert [each.row for each in results] == [1, 2]
    results.add(result(2, response=None, error="no"))
    assert (results.answered, [each.error for each in results]) == ({1}, [None, "no"])
    results.close()
    assert [each["row"] for each in map(json.loads, path.read_text().splitlines())] == [1, 2, 2]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["r.jsonl"]


def test_two_batches_do_not_write_to_one_file(tmp_path: Path) -> None:
    first = Results.open(tmp_path / "r.jsonl")

    with pytest.raises(ConfigError, match="another batch is writing"):
        Results.open(tmp_path / "r.jsonl")

    first.close()
    Results.open(tmp_path / "r.jsonl").close()


@given(
    written=st.lists(st.fixed_dictionaries({"prompt": st.text(min_size=1)}), max_size=5),
    packed=st.booleans(),
)
def test_rows_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory,
    written: list[dict[str, str]],
    *,
    packed: bool,
) -> None:
    file = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    text = b"".join(msgspec.json.encode(each) + b"\n\n" for each in written)
    file.write_bytes(gzip.compress(text) if packed else text)

    found = list(Rows(file))

    assert len(found) == len(written)
    for number, (asked, row) in enumerate(zip(written, found, strict=True), start=1):
        if not asked["prompt"].strip():
            assert isinstance(row, BadRow)
            continue
        assert isinstance(row, Row)
        message = {"role": "user", "content": asked["prompt"]}
        assert msgspec.json.decode(row.body) == {"model": "auto", "messages": [message]}
        assert row.number == row.id == number


@given(st.integers(1, 600), st.lists(st.floats(0, 5), min_size=1, max_size=50))
def test_no_more_than_the_rate_are_given_a_turn(rate: int, pauses: list[float]) -> None:
    clock = ManualClock()
    pace = Pace(clock, rate)
    turns = []
    for pause in pauses:
        clock.advance(pause)
        turns.append(clock.monotonic() + pace.reserve())

    gaps = [after - before for before, after in itertools.pairwise(turns)]
    assert all(gap >= 60 / rate - 1e-6 for gap in gaps)


def test_a_rest_is_everybody_s() -> None:
    clock = ManualClock()
    pace = Pace(clock)
    assert pace.reserve() == 0

    pace.rest(7)

    assert (pace.reserve(), pace.reserve()) == (7, 7)
    clock.advance(8)
    assert pace.reserve() == 0


class Told:
    """A gateway that says what it was told to, and then that all is well."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.asked: list[int] = []

    async def ask(self, row: Row) -> Answer:
        self.asked.append(row.number)
        fine = Answer(200, {}, b'{"choices": [{"message": {"content": "yes"}}]}')
        return self._answers.pop(0) if self._answers else fine


def refused(status: int, words: str = "no", **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, names, msgspec.json.encode({"error": {"message": words}}))


async def asked(tmp_path: Path, told: Told, count: int) -> tuple[str | None, list[Result]]:
    """Why it stopped, and what was written down."""
    results, meter = Results.open(tmp_path / "r.jsonl"), Meter(count, 0)
    run = Run(told, results, Pace(SystemClock()), meter, pause_s=0)
    await run.ask_all([Row(n, n, b"{}", "d", {}) for n in range(1, count + 1)], at_once=1)
    found = list(results)
    results.close()
    return run.stopped, found


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_what_may_change_is_asked_again(tmp_path: Path, status: int) -> None:
    told = Told(refused(status, retry_after="0"), refused(status))

    stopped, found = await asked(tmp_path, told, 2)

    assert stopped is None
    assert told.asked == [1, 1, 1, 2]
    assert [each.response for each in found] == ["yes", "yes"]


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_what_is_the_row_s_own_fault_is_not(tmp_path: Path, status: int) -> None:
    told = Told(refused(status, "too long"))

    stopped, found = await asked(tmp_path, told, 2)

    assert stopped is None
    assert told.asked == [1, 2]
    assert [each.error for each in found] == ["too long", None]


@pytest.mark.parametrize("status", [401, 402])
async def test_without_a_key_or_money_it_ends_and_no_row_is_to_blame(
    tmp_path: Path, status: int
) -> None:
    told = Told(refused(status, "the budget is spent"))

    stopped, found = await asked(tmp_path, told, 5)

    assert stopped == "the budget is spent"
    assert (told.asked, found) == ([1], [])


async def test_where_row_after_row_fails_it_ends(tmp_path: Path) -> None:
    told = Told(*[refused(503, "nobody is there")] * 1000)

    stopped, found = await asked(tmp_path, told, 100)

    assert stopped == "10 rows in a row failed: nobody is there"
    assert len(found) == 10
    assert len(told.asked) == 10 * TRIES


@pytest.mark.skipif(sys.platform == "win32", reason="files have no limit there")
def test_a_full_disk_is_one_clear_line_and_what_was_written_stays(tmp_path: Path) -> None:
    import resource  # noqa: PLC0415 - not on Windows

    results = Results.open(tmp_path / "r.jsonl")
    results.add(result(1))
    room, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, most))
    try:
        with pytest.raises(ConfigError, match="can't be written"):
            results.add(result(2, response="a" * 4000))
        with pytest.raises(ConfigError, match="can't be written"):
            results.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, most))

    again = Results.open(tmp_path / "r.jsonl")
    assert again.answered == {1}
    again.close()
    assert [each.name for each in tmp_path.iterdir()] == ["r.jsonl"]


def test_where_nothing_was_answered_nothing_is_left_behind(tmp_path: Path) -> None:
    Results.open(tmp_path / "r.jsonl").close()
    (tmp_path / "other").write_text("no result\n")
    with pytest.raises(ConfigError, match="no result of a batch"):
        Results.open(tmp_path / "other")

    assert [each.name for each in tmp_path.iterdir()] == ["other"]


async def test_a_reply_that_is_none_is_an_error(tmp_path: Path) -> None:
    _, found = await asked(tmp_path, Told(Answer(200, {}, b"<html>")), 1)

    assert "can't be read" in str(found[0].error)


def test_the_meter_says_how_far_it_is_what_it_cost_and_what_failed() -> None:
    told: list[tuple[str, int, int, str]] = []
    meter = Meter(10_000, 4_000, lambda *said: told.append(said))

    for row in range(100):
        meter.add(result(row, cost=Decimal("0.01")))
    meter.add(result(7, error="no"))

    assert told[0] == ("", 4_000, 10_000, "$0.0000")
    assert told[-1] == ("", 4_101, 10_000, "$1.0000, 1 failed")
