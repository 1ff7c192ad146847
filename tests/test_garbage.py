"""What stays is no garbage, in a process that is the gateway's alone."""

import gc
from collections.abc import Iterator

import pytest

from pointsman.garbage import look_seldom, pass_over_what_is_here


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    usual = gc.get_threshold()
    yield
    gc.set_threshold(*usual)
    gc.unfreeze()


def test_what_a_gateway_has_loaded_is_passed_over() -> None:
    loaded = [[number] for number in range(1_000)]
    look_seldom()

    pass_over_what_is_here()

    looked_at = set(map(id, gc.get_objects()))
    assert not looked_at & set(map(id, loaded))


def test_a_guest_in_somebody_elses_process_leaves_their_objects_alone() -> None:
    theirs = [[number] for number in range(1_000)]

    pass_over_what_is_here()

    looked_at = set(map(id, gc.get_objects()))
    assert looked_at.issuperset(map(id, theirs))
