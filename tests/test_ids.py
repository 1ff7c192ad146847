"""Ids of requests."""

import os

import pytest

from pointsman.ids import new_request_id


def test_ids_are_ours_and_differ():
    made = [new_request_id() for _ in range(2_000)]
    assert len({*made}) == len(made)
    assert all(each.startswith("req_") and len(each) == 36 for each in made)
    assert int(made[0].removeprefix("req_"), 16) >= 0


def test_later_ids_sort_behind_by_the_time_they_begin_with():
    beginnings = [new_request_id()[:16] for _ in range(2_000)]
    assert beginnings == sorted(beginnings)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_makes_ids_of_its_own():
    new_request_id()
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, new_request_id()[16:].encode())
        os._exit(0)
    os.wait()
    assert os.read(reading, 100).decode() != new_request_id()[16:]
