"""The whole table, on rows whose figures are known."""

import json
from random import Random
from xml.etree import ElementTree as ET

import msgspec
import pytest

from pointsman import proof
from pointsman.proof.rows import Row


class Half:
    """Spends by the toss of a coin, whatever the score."""

    def __init__(self, share: float) -> None:
        self.share = share
        self._rng = Random(5)  # noqa: S311 - a coin

    def escalates(self, score: float) -> bool:
        del score
        return self._rng.random() < self.share


def _rows(source: str, *, number: int = 120, answers: bool = False) -> list[Row]:
    """The longer a prompt, the likelier the weak model fails."""
    rng = Random(source)  # noqa: S311 - the same rows each time
    made = []
    for place in range(number):
        length = rng.randint(1, 99)
        weak = float(rng.random() * 100 > length)
        answer = ("yes" if weak else "I am not sure") if answers else None
        made.append(Row(place, source, "x" * length, weak, 1.0, answer))
    return made


def _length(row: Row) -> float:
    return float(len(row.prompt))


CONTENDERS = {
    "length": proof.Contender(_length, 50.0),
    "length + replies": proof.Contender(
        lambda row: 100.0 * (row.weak_answer != "yes"), 50.0, judges_replies=True
    ),
    "turned round": proof.Contender(lambda row: 100.0 - _length(row), 50.0),
}


@pytest.fixture(scope="module")
def table() -> proof.Proof:
    rows = _rows("plain") + _rows("answered", answers=True)
    return proof.measure(rows, CONTENDERS, spender=Half, replicates=100)


def test_what_knows_is_better_than_chance_and_what_errs_is_worse(table: proof.Proof) -> None:
    lines = table.means[0].lines

    assert lines["length"].against_chance == "+"
    assert lines["turned round"].against_chance == "-"
    assert lines["random"].against_chance == ""
    assert lines["length"].apgr.value == lines["prompt length"].apgr.value
    low, high = lines["length"].apgr.interval
    assert 0.5 < low < lines["length"].apgr.value < high
    assert lines["turned round"].apgr.value == pytest.approx(1 - lines["length"].apgr.value)


def test_the_oracle_has_all_of_the_headroom(table: proof.Proof) -> None:
    for source in (*table.sources, *table.means):
        assert source.lines["oracle"].headroom.value == pytest.approx(1.0)
        assert source.lines["oracle"].quality.value == 1.0
        assert 0 < source.lines["length"].headroom.value < 1


def test_the_ends_of_the_line(table: proof.Proof) -> None:
    source = table.sources[0]

    assert source.lines["all cheap"].quality.value == source.weak
    assert source.lines["all strong"].quality.value == source.strong
    assert source.lines["random"].cpt80.value == 0.8
    assert source.lines["length"].curve[0] == 0.0
    assert source.lines["length"].curve[-1] == 1.0


def test_decisions_beat_their_own_shuffle(table: proof.Proof) -> None:
    for source in table.sources:
        own, shuffled = source.lines["length"], source.lines["length, shuffled"]

        assert own.share.value == shuffled.share.value
        assert own.gain.value == pytest.approx(own.quality.value - shuffled.quality.value)
        assert own.gain.interval[0] > 0
        assert source.lines["turned round"].gain.value < 0


def test_replies_are_judged_where_there_are_some(table: proof.Proof) -> None:
    plain, answered = table.sources
    every, some = table.means

    assert "length + replies" not in plain.lines
    assert answered.lines["length + replies"].apgr.value == pytest.approx(
        answered.lines["oracle"].apgr.value
    )
    assert "length + replies" not in every.lines
    assert some.lines["length + replies"].view() == answered.lines["length + replies"].view()
    assert (every.rows, some.rows) == (240, 120)


def test_calibration_and_budgets(table: proof.Proof) -> None:
    line = table.means[0].lines["length"]

    assert line.calibration.value < 0.12
    assert line.calibration_in_source.value < 0.15
    assert line.calibration_after_50.value < 0.15
    assert line.budget20.value < 0.05
    assert line.shifted50.value < 0.05
    assert table.sources[1].lines["length + replies"].shifted20 is None  # no other has replies
    assert table.means[0].lines["turned round"].calibration.value > 0.3
    assert table.means[0].lines["turned round"].calibration_after_50.value < 0.2


def test_a_mean_is_the_mean(table: proof.Proof) -> None:
    values = [source.lines["length"].apgr.value for source in table.sources]

    assert table.means[0].lines["length"].apgr.value == pytest.approx(sum(values) / 2)
    spread = [source.lines["length"].chance_sd.value for source in table.sources]
    assert table.means[0].lines["length"].chance_sd.value < min(spread)


def test_the_same_seed_gives_the_same_table(table: proof.Proof) -> None:
    rows = _rows("plain") + _rows("answered", answers=True)

    again = proof.measure(rows, CONTENDERS, spender=Half, replicates=100)

    assert again.view() == table.view()
    assert json.loads(msgspec.json.encode(table.view())) == json.loads(
        msgspec.json.encode(again.view())
    )


def test_a_source_without_a_gap_is_named_and_left_out() -> None:
    level = [Row(n, "level", "x" * n, 1.0, 1.0) for n in range(20)]

    table = proof.measure(level + _rows("plain"), CONTENDERS, spender=Half, replicates=20)

    assert [bool(source.lines) for source in table.sources] == [False, True]
    assert table.means[0].rows == 120
    assert proof.measure(level, CONTENDERS, spender=Half, replicates=20).means == []


@pytest.mark.parametrize("number", [2, 3, 10])
def test_few_rows_are_measured_as_far_as_they_go(number: int) -> None:
    rows = [Row(n, "few", "x" * n, float(n % 2), 1.0) for n in range(number)]

    line = proof.measure(rows, CONTENDERS, spender=Half, replicates=20).means[0].lines["length"]

    assert line.apgr is not None
    assert line.calibration_after_50 is None


def test_where_every_gap_is_the_same_there_is_no_room() -> None:
    rows = [Row(n, "even", "x" * n, 0.0, 1.0) for n in range(30)]

    line = proof.measure(rows, CONTENDERS, spender=Half, replicates=20).means[0].lines["length"]

    assert line.apgr.value == pytest.approx(0.5)
    assert line.headroom.value == 0.0
    assert line.headroom.interval is None
    assert line.against_chance == ""


def test_it_tells_how_far_it_is_from_each_phase_s_beginning_to_its_end() -> None:
    told: list[tuple[str, int, int]] = []
    rows = [row for source in ("plain", "level") for row in _rows(source)]

    proof.measure(
        rows, CONTENDERS, spender=Half, replicates=2, tell=lambda *said: told.append(said)
    )

    scoring, measuring = (
        [(done, total) for phase, done, total in told if phase == name]
        for name in ("scoring rows", "measuring")
    )
    assert scoring == [(done, 240) for done in range(241)]
    assert (measuring[0][0], measuring[-1][0]) == (0, measuring[-1][1])
    assert told == [("scoring rows", *each) for each in scoring] + [
        ("measuring", *each) for each in measuring
    ]


def test_the_picture_is_whole_and_has_every_curve(table: proof.Proof) -> None:
    picture = proof.svg(table.means[1])

    root = ET.fromstring(picture)  # noqa: S314 - ours
    words = "".join(root.itertext())
    assert all(name in words for name in ("length + replies", "prompt length", "random", "oracle"))
    assert "prefers-color-scheme:dark" in picture
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
