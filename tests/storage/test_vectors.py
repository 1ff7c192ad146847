"""The index in memory, held against comparing with everything in double precision."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.support.caches import DAY, NOW, SECOND, near, unit, vector

from pointsman.storage.vector_rows import BLOCK, RESCORED, Rows
from pointsman.storage.vectors import Vectors, cosine
from pointsman.storage.word_index import SHARE, WordIndex, weight
from pointsman.types import Vector

#: What rounding to bytes may change of a cosine of so few dimensions.
ROUNDING = 2e-2

parts = st.floats(-1, 1, width=16)
directions = (
    st.lists(parts, min_size=5, max_size=5).filter(lambda v: sum(abs(x) for x in v) > 0.1).map(unit)
)
steps = st.lists(
    st.tuples(st.sampled_from("aab"), st.integers(0, 30), directions, st.booleans()), max_size=60
)


def exact(a: Vector, b: Vector) -> float:
    x, y = (np.frombuffer(v.data, "<f4").astype(np.float64) for v in (a, b))
    return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))


@given(steps, directions, st.integers(1, 8))
async def test_the_nearest_are_those_that_comparing_with_all_would_find(
    done: list[tuple[str, int, Vector, bool]], asked: Vector, limit: int
):
    index, held = Vectors(), dict[str, tuple[str, Vector]]()
    for partition, who, at, stays in done:
        name = f"r{who}"
        if stays:
            index.add(name, partition, at, words=(who,), expires=NOW + DAY)
            held[name] = (partition, at)
        else:
            index.remove(name)
            held.pop(name, None)
    assert len(index) == len(held)

    for partition in "ab":
        mine = {name: at for name, (where, at) in held.items() if where == partition}
        ids = await index.nearest(partition, asked, limit=limit, now=NOW)
        assert set(ids) <= mine.keys()
        got = [exact(asked, mine[name]) for name in ids]
        best = sorted((exact(asked, at) for at in mine.values()), reverse=True)[:limit]
        assert got == pytest.approx(best, abs=ROUNDING)


@given(directions, directions)
def test_the_cosine_is_exact(a: Vector, b: Vector):
    assert cosine(a, b) == pytest.approx(exact(a, b), abs=1e-6)
    assert -1 <= cosine(a, a) <= 1


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 2)), max_size=120))
def test_rows_stay_side_by_side(done: list[tuple[int, int]]):
    rows, held = Rows(5), list[float]()
    for value, what in done:
        if what or not held:
            rows.append(np.array([0, value, 0, 0, 0], dtype=np.float32), 10)
            held.append(value)
        else:
            rows.remove(value % len(held))
            held[value % len(held)] = held[-1]
            held.pop()
    asked = np.array([0, 1, 0, 0, 0], dtype=np.float32)
    found = dict(rows.search(asked, limit=200, now=0))
    assert found == pytest.approx(dict(enumerate(held)))


async def test_among_many_blocks_the_near_one_is_found():
    index, rng = Vectors(), np.random.default_rng(5)
    many = rng.standard_normal((2 * BLOCK + 700, 64)).astype(np.float32)
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    for number, row in enumerate(many):
        index.add(str(number), "p", Vector(row.tobytes(), "e"), words=(), expires=NOW + DAY)
    for number in range(0, len(many), 2):
        index.remove(str(number))
    assert RESCORED < len(index) < BLOCK + BLOCK // 2

    for number in range(1, len(many), 501):
        to = Vector(many[number].tobytes(), "e")
        found = await index.nearest("p", near(to, 0.85, seed=number), limit=1, now=NOW)
        assert found == ([str(number)] if number % 2 else found)
        assert str(number) in found or number % 2 == 0


async def test_however_many_have_expired_the_living_are_found():
    index = Vectors()
    for number in range(3 * RESCORED):
        close = near(vector(0), 0.99, seed=number + 1)
        index.add(str(number), "p", close, words=(), expires=NOW + SECOND)
    index.add("alive", "p", near(vector(0), 0.3, seed=99_999), words=(), expires=NOW + DAY)

    assert await index.nearest("p", vector(0), limit=5, now=NOW + SECOND) == ["alive"]
    assert len(await index.nearest("p", vector(0), limit=5, now=NOW)) == 5


async def test_memory_goes_back_with_the_prompts():
    index = Vectors()
    for number in range(1000):
        index.add(str(number), f"p{number % 3}", vector(1), words=(), expires=NOW + DAY)
    assert 440 * 1000 < index.memory < 3 * 440 * 1000
    for number in range(1000):
        index.remove(str(number))
    assert (index.memory, len(index)) == (0, 0)
    assert await index.nearest("p1", vector(1), limit=1, now=NOW) == []


async def test_while_it_searches_in_a_thread_it_may_change():
    index, base = Vectors(), vector(0, size=64)
    for number in range(9000):
        index.add(str(number), "p", base, words=(), expires=NOW + DAY)
    searching = index.nearest("p", base, limit=10, now=NOW)

    async def forget() -> None:
        for number in range(8990):
            index.remove(str(number))

    ids, _ = await asyncio.gather(searching, forget())
    assert all(int(found) >= 8990 for found in ids)


# Words


def indexed(*prompts: set[int], partition: str = "p") -> WordIndex:
    index = WordIndex()
    for number, words in enumerate(prompts):
        index.add(partition, number, words)
    return index


@pytest.mark.parametrize(
    ("asked", "plausible"),
    [
        ({1, 2, 3, 4, 5, 6}, True),
        ({3, 4}, True),
        ({3, 71, 72, 73}, True),
        ({3, 71, 72, 73, 74, 75, 76}, False),  # one of seven
        ({3, 13, 71, 72, 73, 74, 75}, False),  # two of seven, of different prompts
        ({3, 4, 71, 72, 73, 74, 75}, True),
        ({71}, False),
        (set(), True),
    ],
)
def test_one_prompt_must_share_enough_of_the_words(asked: set[int], *, plausible: bool):
    index = indexed({1, 2, 3, 4, 5, 6}, {11, 12, 13})
    assert index.plausible("p", frozenset(asked)) is plausible
    assert not index.plausible("q", frozenset(asked))


def test_a_word_that_everybody_has_counts_little():
    index = indexed(*({1, 100 + n} for n in range(2000)))
    assert not index.plausible("p", frozenset({1, 71, 72, 73}))
    assert index.plausible("p", frozenset({104, 71, 72, 73}))
    assert index.plausible("p", frozenset({1}))


def test_a_word_that_too_many_have_is_taken_to_be_in_all():
    index = indexed(*({1} for _ in range(4000)), {2})
    assert index.plausible("p", frozenset({1, 2}))
    for number in range(4000):
        index.remove("p", number, {1})
    assert not index.plausible("p", frozenset({1}))
    assert index.plausible("p", frozenset({2}))


@given(
    st.lists(st.frozensets(st.integers(0, 12), max_size=8), min_size=1, max_size=40),
    st.randoms(use_true_random=False),
    st.frozensets(st.integers(0, 15)),
)
def test_no_means_that_nobody_shares_enough(
    prompts: list[frozenset[int]], rng: random.Random, asked: frozenset[int]
):
    index = indexed(*map(set, prompts))
    gone = set(rng.sample(range(len(prompts)), rng.randrange(len(prompts) + 1)))
    for number in gone:
        index.remove("p", number, prompts[number])

    left = [words for number, words in enumerate(prompts) if number not in gone]
    weights = {w: weight(sum(w in words for words in left), len(left)) for w in asked}
    shared = [sum(weights[w] for w in words & asked) for words in left]
    best = max(shared, default=-1.0) - SHARE * sum(weights.values())
    assume(abs(best) > 1e-9 or not asked)
    assert index.plausible("p", asked) == (best >= 0)


async def test_the_words_of_one_partition_say_nothing_of_another():
    index = Vectors()
    index.add("r1", "p1", vector(1), words=(1, 2), expires=NOW + timedelta(hours=1))
    assert index.plausible("p1", frozenset({2}))
    assert not index.plausible("p2", frozenset({2}))
    index.add("r1", "p2", vector(1), words=(3,), expires=NOW + timedelta(hours=1))
    assert not index.plausible("p1", frozenset({2}))
    assert index.plausible("p2", frozenset({3}))


def test_a_partition_that_shrinks_can_still_be_asked():
    """A word that was too common to be looked up by, and is not any more."""
    index, word = WordIndex(), 2089920066
    for number in range(2_100):
        index.add("p", number, (word,))
    for number in range(600):
        index.remove("p", number, (word,))
    assert index.plausible("p", frozenset({word}))
