"""Who has to go where room ends: clients come and go, and the shelf says who stays."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.caches import NOW, SECOND, reply

from pointsman.storage.eviction import DOLLARS_PER_SECOND, Kept, Shelf, kept, worth


def item(name: str, *, size: int = 1, dollars: float = 1.0, seconds: int = 60) -> Kept:
    return Kept(name, f"key of {name}", size, dollars, NOW + seconds * SECOND)


def shelf(*, replies: int = 100, size: int = 10_000) -> Shelf:
    return Shelf(max_replies=replies, max_bytes=size)


@pytest.mark.parametrize(
    ("cost", "latency_ms", "dollars"),
    [
        (Decimal("0.25"), 1000.0, 0.25),
        (Decimal(0), 3000.0, 3 * DOLLARS_PER_SECOND),
        (None, 3000.0, 3 * DOLLARS_PER_SECOND),
        (None, 0.0, 0.0),
    ],
)
def test_a_reply_is_worth_its_price_or_else_its_time(
    cost: Decimal | None, latency_ms: float, dollars: float
):
    assert worth(replace(reply(1), cost=cost, latency_ms=latency_ms)) == pytest.approx(dollars)


def test_what_is_not_asked_for_again_is_overtaken_in_the_end_however_dear():
    full = shelf(replies=3)
    full.add(item("dear", dollars=5))
    gone = [each for n in range(20) for each in full.add(item(f"cheap {n}", dollars=1))]

    assert gone.index("dear") > 5
    assert "dear" in gone


def test_what_is_asked_for_again_and_again_stays():
    full = shelf(replies=3)
    full.add(item("popular"))
    for number in range(50):
        full.add(item(f"once {number}"))
        assert full.used("popular")

    assert "popular" in full
    assert len(full) == 3


def test_among_equals_the_one_used_longest_ago_goes():
    full = shelf(replies=2)
    for name in ("a", "b"):
        full.add(item(name, dollars=0))
    full.used("a")
    assert full.add(item("c", dollars=0)) == ["b"]
    assert full.add(item("d", dollars=0)) == ["a"]


def test_the_expired_go_in_portions():
    holding = shelf()
    for number in range(10):
        holding.add(item(str(number), seconds=number * 30))

    assert holding.expired(NOW - SECOND, limit=5) == []
    later = NOW + timedelta(minutes=2)
    assert holding.expired(later, limit=3) == ["0", "1", "2"]
    assert holding.expired(later, limit=3) == ["3", "4"]
    assert len(holding) == 5


def test_without_room_nothing_is_kept():
    for none in (shelf(replies=0), shelf(size=0)):
        assert none.add(item("a")) == []
        assert "a" not in none


steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "used", "remove", "expired"]),
        st.integers(0, 12),  # who
        st.integers(0, 60),  # size
        st.sampled_from([0.0, 0.5, 1.0, 8.0]),  # worth
        st.integers(1, 300),  # seconds
    ),
    max_size=80,
)


@given(steps)
def test_whatever_happens_the_bounds_hold_and_nobody_is_lost(
    done: list[tuple[str, int, int, float, int]],
):
    full, held, now = shelf(replies=6, size=150), dict[str, Kept](), NOW
    for number, (what, who, size, dollars, seconds) in enumerate(done):
        name, now = f"r{who}", NOW + number * 10 * SECOND
        if what == "add":
            # A key may come under another id, and an id with another key.
            new = dataclasses.replace(item(name), key=f"k{who // 2}", size=size, worth=dollars)
            new = dataclasses.replace(new, expires=now + seconds * SECOND)
            for gone in full.add(new, now=now):
                del held[gone]
            if name in full:
                held[name] = new
        elif what == "used":
            assert full.used(name) == (name in held)
        elif what == "remove":
            assert full.remove(name) == (held.pop(name, None) is not None)
        else:
            due = {each.id for each in held.values() if each.expires <= now}
            assert set(full.expired(now, limit=100)) == due
            held = {name: each for name, each in held.items() if name not in due}
        assert len(full) == len(held) <= 6
        assert full.size == sum(each.size for each in held.values()) <= 150
        assert all(full.of(each.id) is full.at(each.key) is each for each in held.values())


@given(st.lists(st.tuples(st.floats(0, 9), st.booleans()), min_size=1, max_size=60))
def test_the_lowest_goes_first_whoever_left_before(ranked: list[tuple[float, bool]]):
    full = shelf(replies=len(ranked))
    for number, (dollars, _) in enumerate(ranked):
        full.add(item(str(number), dollars=dollars))
    for number, (_, leaves) in enumerate(ranked):
        if leaves:
            full.remove(str(number))
    stayed = [(each[0], n) for n, each in enumerate(ranked) if not each[1]]
    for number in range(len(ranked) - len(stayed)):
        full.add(item(f"filler {number}", dollars=1e9))

    gone = [full.add(item(f"new {n}", dollars=1e9)) for n in range(len(stayed))]
    assert gone == [[str(number)] for _, number in sorted(stayed)]


def test_a_reply_takes_its_body_its_turn_and_its_vector():
    assert kept(reply(1, body=b"12345")).size == 5


def test_of_what_was_there_before_the_most_valuable_stay():
    full = shelf(replies=3)
    before = [item(str(number), dollars=number % 10) for number in range(1, 31)]
    assert len(full.restore(before)) == 27
    assert [each.id for each in before if each.id in full] == ["9", "19", "29"]
