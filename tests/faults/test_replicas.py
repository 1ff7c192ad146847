"""Replicas behind a balancer: one dies, or all are restarted, and the books stay right.

The benches of the same names are these, for longer: `bench/replicas.py` and `bench/rolling.py`.
"""

from __future__ import annotations

import pytest
from bench import replicas, rolling
from bench.replicas_house import Kind

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]


@pytest.mark.parametrize("balancer", ["haproxy", "nginx"])
def test_nothing_that_was_answered_is_lost_when_one_is_killed(balancer: Kind) -> None:
    found = replicas.run(balancer, seconds=22, every_s=7, swept=False)

    assert found.wrong == [], found.table()
    assert found.whole > 100
    assert found.refused > 0
    assert found.revoked_s
    print(found.table())  # noqa: T201


def test_a_rolling_restart_is_noticed_by_nobody() -> None:
    found = rolling.run("haproxy", requests=500, streams=40)

    assert found.wrong == [], found.table()
    assert found.restarts >= 3
    print(found.table())  # noqa: T201
