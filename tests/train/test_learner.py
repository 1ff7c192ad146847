"""What the learner believes before any outcome comes out of the shared data."""

from __future__ import annotations

import pytest
from tests.support.shared import DATA, needs_shared_data
from train.learner import main


@pytest.mark.full
@needs_shared_data
@pytest.mark.timeout(600)
def test_the_shipped_belief_is_what_the_data_gives(capsys: pytest.CaptureFixture[str]):
    assert main(["--data", str(DATA), "--check"]) == 0, capsys.readouterr().out
