"""A bell wakes all who wait for it, once, and nobody who comes later."""

import asyncio
from contextlib import suppress

from pointsman.bell import Bell


async def waiter(bell: Bell, woken: list[str], name: str) -> None:
    await bell.wait()
    woken.append(name)


async def settled() -> None:
    """Let all go on as far as they can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_all_who_wait_wake() -> None:
    bell, woken = Bell(), list[str]()
    bell.ring()  # nobody hears it
    tasks = [asyncio.create_task(waiter(bell, woken, name)) for name in "ab"]
    await settled()
    assert woken == []

    bell.ring()
    await asyncio.gather(*tasks)

    assert woken == ["a", "b"]
    late = asyncio.create_task(waiter(bell, woken, "late"))
    await settled()
    assert not late.done()
    bell.ring()
    await late


async def test_one_that_gives_up_keeps_no_other_from_waking() -> None:
    bell, woken = Bell(), list[str]()
    leaves, stays = (asyncio.create_task(waiter(bell, woken, name)) for name in "ab")
    await settled()

    leaves.cancel()
    with suppress(asyncio.CancelledError):
        await leaves
    bell.ring()
    await stays

    assert woken == ["b"]
