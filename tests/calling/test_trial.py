"""A burst of fallbacks on a deployment that has not proved itself."""

import asyncio

from pointsman.calling.breaker import Breaker
from pointsman.calling.trial import MOST, Trials


class Burst:
    """Many requests that fall back at once."""

    def __init__(self, breaker: Breaker, requests: int) -> None:
        self.breaker = breaker
        self.tried = 0
        self.result = asyncio.Event()
        self._trials = Trials(breaker, patience_s=60)  # whatever the machine does meanwhile
        self._tasks = [asyncio.create_task(self._one()) for _ in range(requests)]

    async def _one(self) -> None:
        async with self._trials:
            if not self.breaker.enter(0.0):
                return
            self.tried += 1
            await self.result.wait()
            self.breaker.failed(0.0)

    async def settle(self) -> None:
        """Let every request go as far as it can."""
        for _ in range(5):
            await asyncio.sleep(0)

    async def end(self) -> None:
        self.result.set()
        await asyncio.gather(*self._tasks)


async def test_few_find_out_that_it_is_down_and_the_others_leave_it_alone() -> None:
    burst = Burst(Breaker(), 50)
    await burst.settle()
    assert burst.tried == MOST

    await burst.end()

    assert burst.tried == MOST


async def test_once_it_has_answered_nobody_waits() -> None:
    breaker = Breaker()
    breaker.answered()
    burst = Burst(breaker, 50)

    await burst.settle()

    assert burst.tried == 50
    await burst.end()


async def test_who_leaves_gives_the_place_back() -> None:
    trials = Trials(Breaker())

    async def hold() -> None:
        async with trials:
            await asyncio.sleep(60)

    held = [asyncio.create_task(hold()) for _ in range(MOST)]
    await asyncio.sleep(0)
    for each in held:
        each.cancel()
    await asyncio.gather(*held, return_exceptions=True)

    async with asyncio.timeout(1), trials:
        pass
