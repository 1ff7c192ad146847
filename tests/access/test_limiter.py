"""What is particular to the limiter in memory; the rest is in the contract suite."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.limiters import ANN, of_key, refusal

from pointsman.access.buckets import Bucket
from pointsman.access.limits import MemoryLimiter
from pointsman.clock import ManualClock
from pointsman.types import Allowance, Limits, Subject


async def test_who_has_been_idle_is_forgotten() -> None:
    clock = ManualClock()
    limiter = MemoryLimiter(clock)
    await limiter.admit("open", [Allowance(ANN, Limits(concurrent=1))], 0)
    for i in range(5000):
        user = Subject("user", "acme", f"user {i}")
        await limiter.admit(f"r{i}", [Allowance(user, Limits(requests_per_minute=60))], 0)
        await limiter.leave(f"r{i}", None)
        clock.advance(0.01)
        assert len(limiter) <= 150  # a hundred in the second until their request is there again
    clock.advance(3600)
    for i in range(100):
        await limiter.admit(f"s{i}", of_key(requests_per_minute=600), 0)
    assert len(limiter) == 2  # the key, and who still has a request open
    await refusal(limiter, (Allowance(ANN, Limits(concurrent=1)),))


async def test_what_somebody_else_admits_counts_but_is_never_owed() -> None:
    clock = ManualClock()
    limiter, ten = MemoryLimiter(clock), of_key(requests_per_minute=10, tokens_per_minute=600)
    for i in range(25):
        limiter.count(f"r{i}", ten, 100)
    assert (await refusal(limiter, ten, 1)).retry_after == 6.0
    clock.advance(6)
    await limiter.admit("now", ten, 60)


@given(per_minute=st.integers(1, 10**7), taken=st.integers(0, 10**8), amount=st.integers(0, 10**8))
def test_a_bucket_says_to_the_nanosecond_when_so_much_is_there(
    per_minute: int, taken: int, amount: int
) -> None:
    bucket = Bucket(per_minute, 0)
    bucket.take(taken, 0)
    wait = bucket.wait(amount, 0)
    enough = min(amount, per_minute)
    if wait:
        assert bucket.left(wait - 1) < enough
    assert bucket.left(wait) >= enough
    assert bucket.wait(amount, wait) == 0
