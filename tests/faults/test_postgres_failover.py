"""A PostgreSQL primary dies under load; its standby takes over, and nobody is told no."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.failover import AGAIN_WITHIN_S, run

pytestmark = [pytest.mark.full, pytest.mark.timeout(180)]


async def test_nothing_is_lost_and_nobody_refused_when_the_servers_change_places(tmp_path: Path):
    outcome = await run(2, tmp_path)

    assert outcome.answered > 0
    assert (outcome.lost, outcome.wrong_sums) == (0, 0)
    assert (outcome.keys_refused, outcome.free_refused) == (0, 0)
    assert outcome.left_behind == 0  # a primary that came back as a standby is left
    assert max(outcome.again_s) <= 5 * AGAIN_WITHIN_S  # the bench measures what is promised
