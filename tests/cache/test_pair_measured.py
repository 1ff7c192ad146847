"""What the decision to serve is worth on labelled pairs, and that its weights can be made again."""

from __future__ import annotations

import pytest
from tests.support.embedders import minilm_weights
from tests.support.shared import DATA, needs_shared_data
from train.pairs import WEIGHTS, fit, worth
from train.pairs_measure import NUMBERS, Figures, Labelled, decisions, figures, labelled
from train.pairs_rows import Embedded, read_prompts, table

from pointsman.cache.guard import Guard
from pointsman.cache.verifier import PairVerifier
from pointsman.data import read_guard, read_pairs

pytestmark = [pytest.mark.full, pytest.mark.timeout(1_800)]

#: Of the largest set, one pair in so many.
EVERY = {"qqp": 8}


@pytest.fixture(scope="module")
def embedded() -> Embedded:
    return Embedded(minilm_weights())


def measured(rows: list[Labelled]) -> Figures:
    return figures(rows, decisions(PairVerifier.parse(read_pairs()))["as shipped"])


def read(embedded: Embedded, name: str) -> list[Labelled]:
    return labelled(DATA, name, embedded, every=EVERY.get(name, 1))


def test_the_shipped_weights_are_what_is_fitted(embedded: Embedded):
    learned = table(read_prompts(), embedded, Guard.parse(read_guard()), worth)

    again, shipped = (
        PairVerifier.parse(fit(learned)),
        PairVerifier.parse(WEIGHTS.read_text(encoding="utf-8")),
    )

    # Bit for bit on one kind of processor (`python -m train.pairs --check`), nearly so on others.
    assert again.intercept == pytest.approx(shipped.intercept, abs=0.1)
    for name, steps in shipped.steps.items():
        for value in (0.0, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 2.0, 3.0):
            assert again.steps[name].of(value) == pytest.approx(steps.of(value), abs=0.3)


@needs_shared_data
def test_questions_of_people(embedded: Embedded):
    """A third of this set's wrong hits are wrong labels."""
    got = measured(read(embedded, "qqp"))

    assert got.precision >= 0.88
    assert got.recall >= 0.22


@needs_shared_data
def test_questions_of_patients(embedded: Embedded):
    got = measured(read(embedded, "mqp"))

    assert got.precision >= 0.97
    assert got.recall >= 0.15


@needs_shared_data
def test_changed_numbers_are_not_served(embedded: Embedded):
    rows = [row for row in read(embedded, "gsmplus") if row.category in NUMBERS]

    assert measured(rows).traps <= 0.01


@needs_shared_data
def test_minimal_edits_are_not_served_and_paraphrases_are(embedded: Embedded):
    got = measured(read(embedded, "own_adversarial"))

    assert got.traps <= 0.02
    assert got.recall >= 0.45
