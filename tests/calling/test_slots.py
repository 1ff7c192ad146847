"""Who gets a slot, who waits for one and who is sent away."""

import asyncio
from math import inf

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pointsman.calling.slots import Slots
from pointsman.clock import ManualClock
from pointsman.errors import Busy
from pointsman.turns import IN_A_ROW

INTERACTIVE, BACKGROUND = 0, 1


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


class Line:
    """Requests by name; `served` are those that got a slot, in order."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.served: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def join(
        self, name: str, priority: int = INTERACTIVE, *, who: str = "", wait_s: float = inf
    ) -> None:
        async def wait() -> None:
            await self.slots.acquire(priority, wait_s, who)
            self.served.append(name)

        self.tasks[name] = asyncio.create_task(wait())
        await settle()

    async def serve_all(self) -> list[str]:
        while self.slots.busy:
            self.slots.release()
            await settle()
        return self.served


async def test_so_many_are_served_at_once_and_the_others_in_the_order_they_came() -> None:
    line = Line(Slots(2, queue=10, clock=ManualClock()))
    for name in "abcd":
        await line.join(name)
    assert (line.served, line.slots.busy, line.slots.waiting) == (["a", "b"], 2, 2)

    line.slots.release()
    await settle()

    assert line.served == ["a", "b", "c"]
    assert await line.serve_all() == ["a", "b", "c", "d"]
    assert (line.slots.busy, line.slots.waiting) == (0, 0)


async def test_without_a_limit_all_are_served_and_counted() -> None:
    slots = Slots(None, queue=0, clock=ManualClock())
    for _ in range(100):
        await slots.acquire(INTERACTIVE, wait_s=0.0)

    assert slots.busy == 100


async def test_interactive_goes_first_but_background_is_not_starved() -> None:
    line = Line(Slots(1, queue=100, clock=ManualClock()))
    await line.join("first")
    for name in ("B1", "B2", "B3"):
        await line.join(name, BACKGROUND)
    for number in range(2 * IN_A_ROW + 1):
        await line.join(f"i{number}")

    served = await line.serve_all()

    assert " ".join(served) == "first i0 i1 i2 i3 B1 i4 i5 i6 i7 B2 i8 B3"


async def test_a_full_queue_sends_away() -> None:
    line = Line(Slots(1, queue=1, clock=ManualClock()))
    await line.join("a")
    await line.join("b")

    with pytest.raises(Busy, match="1 requests wait for a slot already"):
        await line.slots.acquire(INTERACTIVE, inf)

    assert await line.serve_all() == ["a", "b"]


async def test_whoever_waited_long_enough_is_sent_away_and_leaves_no_trace() -> None:
    slots = Slots(1, queue=5, clock=ManualClock())
    await slots.acquire(INTERACTIVE, inf)

    with pytest.raises(Busy, match="no slot was free within"):
        await slots.acquire(INTERACTIVE, 0.001)

    assert slots.waiting == 0
    slots.release()
    await slots.acquire(INTERACTIVE, 0.0)
    assert slots.busy == 1


async def test_whoever_would_be_served_too_late_is_told_at_once() -> None:
    clock = ManualClock()
    slots = Slots(2, queue=100, clock=clock)
    for _ in range(2):
        await slots.acquire(INTERACTIVE, inf)
    clock.advance(8.0)
    for _ in range(2):
        slots.release()
    line = Line(slots)
    for name in "abcd":
        await line.join(name)

    with pytest.raises(Busy, match=r"expected in 12\.0 s") as sent_away:
        await slots.acquire(INTERACTIVE, 11.0)

    assert sent_away.value.retry_after == 12.0
    assert await line.serve_all() == ["a", "b", "c", "d"]


async def test_background_waits_behind_all_and_interactive_only_behind_its_kind() -> None:
    clock = ManualClock()
    slots = Slots(1, queue=100, clock=clock)
    line = Line(slots)
    await line.join("past")
    clock.advance(10.0)
    slots.release()
    await line.join("now")
    await line.join("later", BACKGROUND)

    with pytest.raises(Busy, match=r"expected in 20\.0 s"):
        await slots.acquire(BACKGROUND, 15.0)
    await line.join("next")

    assert await line.serve_all() == ["past", "now", "next", "later"]


async def test_a_higher_limit_lets_waiters_in_and_a_lower_one_turns_nobody_out() -> None:
    line = Line(Slots(1, queue=10, clock=ManualClock()))
    for name in "abcde":
        await line.join(name)

    line.slots.limit = 3
    await settle()
    assert line.served == ["a", "b", "c"]

    line.slots.limit = 1
    line.slots.release()
    line.slots.release()
    await settle()
    assert (line.served, line.slots.busy) == (["a", "b", "c"], 1)

    line.slots.limit = None
    await settle()
    assert (line.served, line.slots.waiting) == (["a", "b", "c", "d", "e"], 0)


async def test_a_server_that_says_it_has_no_slots_has_one() -> None:
    slots = Slots(0, queue=0, clock=ManualClock())
    assert slots.limit == 1

    slots.limit = -1
    assert slots.limit == 1


async def test_a_slot_given_to_someone_who_left_in_that_moment_goes_to_the_next() -> None:
    line = Line(Slots(1, queue=10, clock=ManualClock()))
    for name in "abc":
        await line.join(name)

    line.slots.release()
    line.tasks["b"].cancel()
    await settle()

    assert line.tasks["b"].cancelled()
    assert line.served == ["a", "c"]
    assert line.slots.busy == 1


async def test_organisations_take_turns_however_much_one_of_them_asks() -> None:
    line = Line(Slots(1, queue=10, clock=ManualClock()))
    for name in ("a1", "a2", "a3", "a4", "b1", "c1", "b2"):
        await line.join(name, who=name[0])

    assert await line.serve_all() == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


async def test_a_full_queue_has_a_place_for_whoever_has_fewer_in_it() -> None:
    line = Line(Slots(1, queue=2, clock=ManualClock()))
    for name in ("a1", "a2", "a3", "b1"):
        await line.join(name, who=name[0])

    with pytest.raises(Busy, match="went to another organisation's request"):
        line.tasks["a3"].result()
    with pytest.raises(Busy, match="2 requests wait"):
        await line.slots.acquire(INTERACTIVE, inf, "a")
    assert await line.serve_all() == ["a1", "a2", "b1"]


async def test_a_slot_that_comes_free_too_late_goes_to_the_next() -> None:
    clock = ManualClock()
    line = Line(Slots(1, queue=10, clock=clock))
    await line.join("first")
    await line.join("hurried", wait_s=5.0)
    await line.join("patient")
    clock.advance(6.0)

    assert await line.serve_all() == ["first", "patient"]
    with pytest.raises(Busy, match="no slot was free within 5 s"):
        line.tasks["hurried"].result()


class AnyOrder(RuleBasedStateMachine):
    """Requests come, leave, are served and give up, between any two steps of the event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.slots = Slots(2, queue=6, clock=self.clock)
        self.limit: int | None = 2
        self.holding = 0
        self.tasks: list[asyncio.Task[None]] = []

    async def request(self, priority: int, who: str) -> None:
        await self.slots.acquire(priority, inf, who)
        self.holding += 1

    @rule(priority=st.sampled_from([INTERACTIVE, BACKGROUND]), who=st.sampled_from("abc"))
    def comes(self, priority: int, who: str) -> None:
        self.tasks.append(self.loop.create_task(self.request(priority, who)))

    @precondition(lambda self: self.holding)
    @rule(seconds=st.floats(0, 10))
    def is_served(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.holding -= 1
        self.slots.release()

    @precondition(lambda self: self.tasks)
    @rule(data=st.data())
    def gives_up(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.tasks)).cancel()

    @rule(limit=st.integers(1, 4) | st.none())
    def the_limit_changes(self, limit: int | None) -> None:
        self.slots.limit = self.limit = limit

    @rule()
    def one_step(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0))

    @rule()
    def all_settles(self) -> None:
        self.loop.run_until_complete(settle())
        self.tasks = [task for task in self.tasks if not task.done()]
        assert self.slots.busy == self.holding
        assert self.slots.waiting == len(self.tasks)

    @invariant()
    def nobody_waits_while_a_slot_is_free(self) -> None:
        if self.slots.waiting:
            assert self.limit is not None
            assert self.slots.busy >= self.limit

    def teardown(self) -> None:
        self.all_settles()
        while self.holding:
            self.is_served(1.0)
            self.all_settles()
        assert (self.slots.busy, self.slots.waiting, self.tasks) == (0, 0, [])
        self.loop.close()


TestAnyOrder = AnyOrder.TestCase
