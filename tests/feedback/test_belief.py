"""What is believed of tiers: outcomes in, qualities and scores out."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pointsman import data
from pointsman.feedback.belief import Belief
from pointsman.feedback.features import Features, Measured
from pointsman.feedback.learner import learn
from pointsman.types import Evidence, Score

TWO, THREE = ("weak", "strong"), ("simple", "medium", "complex")
SHIPPED = Belief.read(data.read_belief())
TOPICS = ("law", "code", "chat")


class Topics:
    """A meaning of three topics, and nothing else."""

    size = 64

    def of(self, text: str) -> Measured:
        vector = np.zeros(self.size, np.float32)
        vector[3 * TOPICS.index(text)] = 1.0
        return vector


FEATURES = Features(Topics())


def _measured(topic: str) -> Measured:
    return FEATURES.of(Score(50.0, {"length": 4.0, "base": 46.0}, "learned", "1"), topic)


def _outcome(number: int, topic: str, tier: str, quality: float, cold: float = 66.0) -> Evidence:
    return Evidence(
        request_id=f"req_{number}",
        time=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
        tier=tier,
        features=FEATURES.pack(_measured(topic)),
        cold=cold,
        quality=quality,
        trust=1.0,
    )


def _traffic(count: int, hard: str, tiers: Sequence[str] = TWO, seed: int = 0) -> list[Evidence]:
    """Where the lowest tier mostly fails in one topic, and no other tier ever."""
    rng = random.Random(seed)  # noqa: S311 - the same each time
    found = []
    for number in range(count):
        topic, tier = rng.choice(TOPICS), rng.choice(tiers)
        fails = tier == tiers[0] and rng.random() < (0.9 if topic == hard else 0.1)
        found.append(_outcome(number, topic, tier, float(not fails), rng.uniform(62, 70)))
    return found


def _scores(belief: Belief, cold: float = 66.0) -> dict[str, float]:
    return {topic: belief.predict(_measured(topic), cold).score for topic in TOPICS}


@given(st.floats(1, 99), st.sampled_from(TOPICS))
def test_before_any_outcome_the_score_is_the_shipped_one(cold: float, topic: str) -> None:
    said = SHIPPED.predict(_measured(topic), cold)

    assert said.score == pytest.approx(cold)
    assert said.sd[0] > 0
    assert said.spread[0] > 0


def test_prompts_go_up_where_the_lowest_tier_failed() -> None:
    belief = learn(_traffic(200, "law"), TWO, prior=SHIPPED, version="v_1")

    scores = _scores(belief)
    assert scores["law"] > scores["code"] + 2
    assert scores["law"] > scores["chat"] + 2
    law, chat = (belief.predict(_measured(topic), 66.0) for topic in ("law", "chat"))
    assert law.gap[0] > chat.gap[0] + 0.2
    assert law.quality[0] < chat.quality[0] - 0.2
    assert law.quality[1] > 0.9


def test_how_many_go_up_does_not_change() -> None:
    traffic = _traffic(400, "law")

    belief = learn(traffic, TWO, prior=SHIPPED, version="v_1")

    rows = np.array([FEATURES.unpack(each.features) for each in traffic])
    new = belief.scores(rows, np.array([each.cold for each in traffic]))
    one = belief.predict(rows[0], traffic[0].cold)
    assert new[0] == pytest.approx(one.score)
    assert np.mean(new) == pytest.approx(np.mean([each.cold for each in traffic]), abs=0.3)
    assert np.std(new) == pytest.approx(np.std([each.cold for each in traffic]), rel=0.3)


def test_a_few_outcomes_change_little() -> None:
    scores = _scores(learn(_traffic(10, "law"), TWO, prior=SHIPPED, version="v_1"))

    assert max(scores.values()) - min(scores.values()) < 1


def test_the_more_is_known_the_surer_it_is() -> None:
    few, many = (
        learn(_traffic(count, "law"), TWO, prior=SHIPPED, version="v_1") for count in (20, 400)
    )

    assert many.predict(_measured("law"), 66.0).sd < few.predict(_measured("law"), 66.0).sd


def test_three_tiers_have_two_steps() -> None:
    belief = learn(_traffic(300, "law", THREE), THREE, prior=SHIPPED, version="v_1")

    said = belief.predict(_measured("law"), 66.0)
    assert len(said.quality) == 3
    assert said.gap[0] > 0.3 > said.gap[1] + 0.1
    assert len(said.sd) == len(said.spread) == 2


def test_what_changed_is_learned_and_what_was_is_forgotten() -> None:
    before, after = _traffic(400, "law"), _traffic(600, "code", seed=1)

    scores = _scores(learn([*before, *after], TWO, prior=SHIPPED, version="v_1"))

    assert scores["code"] > scores["law"] + 1


def test_what_was_before_a_drift_counts_for_little() -> None:
    before, after = _traffic(200, "law"), _traffic(50, "code", seed=1)
    late = timedelta(days=1)
    after = [replace(each, time=each.time + late) for each in after]
    new = _scores(learn(after, TWO, prior=SHIPPED, version="v"))

    without = _scores(learn([*before, *after], TWO, prior=SHIPPED, version="v"))
    told = learn([*before, *after], TWO, prior=SHIPPED, version="v", since=after[0].time)

    assert abs(_scores(told)["code"] - new["code"]) < abs(without["code"] - new["code"])
    assert without["law"] > _scores(told)["law"]


def test_a_belief_is_read_as_it_was_written() -> None:
    belief = learn(_traffic(50, "law"), TWO, prior=SHIPPED, version="v_1")

    again = Belief.read(belief.write())

    assert (again.version, again.tiers, again.outcomes) == ("v_1", TWO, pytest.approx(50, rel=0.2))
    assert _scores(again) == pytest.approx(_scores(belief), abs=1e-3)
    assert again.write() == belief.write()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        SHIPPED.write().replace('"usual"', '"unusual"'),
        SHIPPED.write().replace('"tiers":[]', '"tiers":["a","b"]'),
        SHIPPED.write().replace('"directions":[[', '"directions":[[1.0,'),
        learn([], TWO, prior=SHIPPED, version="v").write().replace('"gathered":"', '"gathered":"!'),
    ],
)
def test_what_is_no_belief_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Belief.read(text)


def test_replicas_learn_the_same() -> None:
    traffic = _traffic(80, "law")

    one, other = (learn(list(traffic), TWO, prior=SHIPPED, version="v_1") for _ in range(2))

    assert one.write() == other.write()


def test_an_organisation_begins_with_what_all_others_know() -> None:
    common = learn(_traffic(2_000, "law"), TWO, prior=SHIPPED, version="common")

    new = learn([], TWO, prior=common, version="v_1")
    own = learn(_traffic(400, "code", seed=2), TWO, prior=common, version="v_2")

    assert _scores(new)["law"] > _scores(new)["code"]
    assert _scores(own)["code"] > _scores(own)["law"]
    assert new.outcomes <= SHIPPED.prior.pooled + 1


def test_outcomes_that_cannot_be_used_are_left_out() -> None:
    traffic = _traffic(30, "law")
    useless = [
        replace(traffic[0], tier="gone"),
        replace(traffic[0], features="AAAA"),
        replace(traffic[0], features="not base64"),
        replace(traffic[0], features=""),
        replace(traffic[0], trust=0.0),
    ]

    assert (
        learn([*traffic, *useless], TWO, prior=SHIPPED, version="v").write()
        == learn(traffic, TWO, prior=SHIPPED, version="v").write()
    )


def test_what_is_hardly_trusted_hardly_counts() -> None:
    traffic = [replace(each, trust=0.01) for each in _traffic(200, "law")]

    scores = _scores(learn(traffic, TWO, prior=SHIPPED, version="v_1"))

    assert max(scores.values()) - min(scores.values()) < 1


@given(st.lists(st.floats(-4, 4, width=16), min_size=72, max_size=72))
def test_features_are_unpacked_as_they_were_packed(numbers: list[float]) -> None:
    measured = np.array(numbers, np.float32)

    assert np.array_equal(FEATURES.unpack(FEATURES.pack(measured)), measured)
