from __future__ import annotations

import pytest

from pointsman.data import read_lexicons
from pointsman.scoring import HeuristicScorer, Lexicon


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return Lexicon.parse(read_lexicons())


@pytest.fixture(scope="session")
def scorer(lexicon: Lexicon) -> HeuristicScorer:
    return HeuristicScorer(lexicon)
