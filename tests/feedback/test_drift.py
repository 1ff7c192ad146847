"""Whether traffic or quality is not what it was: outcomes in, an alarm or none out."""

import json
import random
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from tests.support.outcomes import NOON, evidence

from pointsman.feedback.drift import BLOCK, look
from pointsman.types import Evidence


def unpack(text: str) -> np.ndarray:
    return np.array(json.loads(text), dtype=np.float32)


def outcomes(
    count: int,
    *,
    first: int = 0,
    seed: int = 1,
    about: float = 0.0,
    good: float = 0.7,
    tier: Callable[[random.Random], str] = lambda rng: rng.choice(["simple", "complex"]),
) -> list[Evidence]:
    """The stronger tier is always good; the features are noise `about` something."""
    rng = random.Random(seed)  # noqa: S311 - repeatable
    rows = []
    for at in range(first, first + count):
        of = tier(rng)
        quality = 1.0 if of == "complex" else float(rng.random() < good)
        features = json.dumps([1.0, rng.random() < 0.02, *(rng.gauss(about, 1) for _ in range(8))])
        rows.append(evidence(at, of, quality, features=features))
    return rows


def test_traffic_that_stays_raises_no_alarm() -> None:
    alarms = [look(outcomes(4 * BLOCK, seed=seed), unpack) for seed in range(10)]
    assert alarms == [None] * 10


def test_other_prompts_are_noticed_with_the_first_block() -> None:
    rows = outcomes(200) + outcomes(BLOCK, first=200, about=0.7)
    found = look(rows, unpack)
    assert found is not None
    assert found.kinds == ("traffic",)
    assert found.time == NOON + timedelta(minutes=200)
    assert found.text.startswith("prompts are not what they were (p = 0.0005)")


def test_worse_answers_are_noticed() -> None:
    rows = outcomes(200, good=0.9) + outcomes(BLOCK, first=200, seed=2, good=0.1)
    found = look(rows, unpack)
    assert found is not None
    assert found.kinds == ("quality",)
    assert found.change < -0.2
    assert json.loads(json.dumps(found.as_json()))["kinds"] == ["quality"]


def test_other_routing_is_no_drift_of_quality() -> None:
    rows = outcomes(200, tier=lambda _: "simple" if _.random() < 0.9 else "complex")
    rows += outcomes(BLOCK, first=200, tier=lambda _: "complex" if _.random() < 0.9 else "simple")
    assert look(rows, unpack) is None


def test_the_same_outcomes_give_the_same_answer_in_any_order_and_until_a_block_is_whole() -> None:
    rows = outcomes(200) + outcomes(BLOCK, first=200, about=0.7)
    mixed = random.Random(3).sample(rows, len(rows))  # noqa: S311 - repeatable
    assert look(mixed, unpack) == look(rows, unpack)
    assert look(rows + outcomes(BLOCK - 1, first=250, seed=4), unpack) == look(rows, unpack)


def test_after_an_alarm_a_new_time_begins() -> None:
    rows = outcomes(200) + outcomes(200, first=200, about=0.7)
    assert look(rows, unpack, since=NOON + timedelta(minutes=200)) is None


@pytest.mark.parametrize("count", [0, 1, 3 * BLOCK - 1])
def test_of_too_little_nothing_is_said(count: int) -> None:
    assert look(outcomes(count), unpack) is None
