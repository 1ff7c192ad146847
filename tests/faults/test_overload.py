"""Real processes under more than they can serve: short runs of what `bench/` measures at length.

Other work on the machine lowers every figure, so the bounds here are what a collapse would miss by
far; what is promised is measured by the benches themselves.
"""

from __future__ import annotations

import pytest
from bench import overload, soak, streams

pytestmark = pytest.mark.full


@pytest.mark.timeout(240)
def test_above_what_can_be_served_most_of_it_is_served_on() -> None:
    found = overload.run(3.0, 4.0, (1.0, 4.0, 10.0))

    assert found.share[4.0] > 0.5, found.table()
    assert found.share[10.0] > 0.4, found.table()
    assert found.levels[-1].refused > found.levels[-1].given_up, found.table()
    assert found.recovery_s <= 5.0, found.table()
    assert found.quiet_failed == 0, found.table()
    assert found.quiet < 8.0, found.table()
    assert found.refusal_cpu_us < 1000, found.table()


@pytest.mark.timeout(120)
def test_streams_that_are_open_at_once_all_come_to_their_end() -> None:
    found = streams.run(500, 4.0, rate=200.0)

    assert (found.refused, found.dropped) == (0, 0), found.table()
    assert found.chunks > 500, found.table()
    assert found.memory_kb_per_stream < 70, found.table()  # some of it is no stream's


@pytest.mark.timeout(120)
def test_mixed_traffic_leaves_no_files_and_no_threads_behind() -> None:
    found = soak.run(10.0)

    assert set(found.statuses) == {"200", "400", "404", "503", "left"}
    first, last = found.looks[len(found.looks) // 2], found.looks[-1]
    assert last.files <= first.files + soak.CLIENTS
    assert last.threads <= first.threads + 4
