"""Who is let in, who waits at the door, and who is told to come back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from starlette.types import Message

from pointsman.access.load import Room
from pointsman.clock import ManualClock
from pointsman.errors import Overloaded
from pointsman.server.door import Door
from pointsman.server.http import ClientLeft

BODY: Message = {"type": "http.request", "body": b"{}", "more_body": False}
PART: Message = {"type": "http.request", "body": b"{", "more_body": True}
GONE: Message = {"type": "http.disconnect"}


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(8):
        await asyncio.sleep(0)


class Client:
    """Sends what it is told to, when it is told to."""

    def __init__(self, *messages: Message) -> None:
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        for message in messages:
            self.sends(message)

    def sends(self, message: Message) -> None:
        self._messages.put_nowait(message)

    async def __call__(self) -> Message:
        return await self._messages.get()


class House:
    """A door with room for so many, and who went through it."""

    def __init__(self, room: int, *, queue: int = 10, max_wait_s: float = 5.0) -> None:
        self.clock = ManualClock()
        self.room = room
        self.door = Door(
            self.clock,
            room=lambda: Room(least=0, most=self.room),
            queue=queue,
            max_wait_s=max_wait_s,
            late_s=0.25,
        )
        self.let_in: list[str] = []

    async def comes(
        self, name: str, client: Client | None = None, headers: Mapping[str, str] | None = None
    ) -> asyncio.Task[Sequence[Message]]:
        """Somebody of the organisation that the name begins with; what is read of them once inside."""
        receive = client or Client(BODY)

        async def enter() -> Sequence[Message]:
            read = await self.door.enter(name[0], headers or {}, receive)
            self.let_in.append(name)
            return [await read()]

        task = asyncio.create_task(enter())
        await settle()
        return task

    async def goes(self, who: str = "a") -> None:
        self.door.leave(who)
        await settle()


async def test_who_finds_room_is_let_in_and_read_as_if_there_were_no_door() -> None:
    house = House(2)
    first = await house.comes("a1")

    assert first.result() == [BODY]
    assert (house.door.inside, house.door.waiting) == (1, 0)
    await house.goes()
    assert house.door.inside == 0


async def test_who_waited_is_read_to_the_last_byte() -> None:
    house = House(1)
    await house.comes("a1")
    waiting = await house.comes("a2", Client(PART, BODY))
    assert house.door.waiting == 1

    await house.goes()

    assert waiting.result() == [PART]
    assert house.let_in == ["a1", "a2"]


async def test_a_quiet_organisation_does_not_wait_behind_a_loud_one() -> None:
    house = House(1)
    for name in ("a1", "a2", "a3", "a4", "b1"):
        await house.comes(name)

    for _ in range(4):
        await house.goes()

    assert house.let_in == ["a1", "a2", "b1", "a3", "a4"]


async def test_an_organisation_that_has_next_to_nothing_inside_need_not_wait() -> None:
    house = House(16)
    for number in range(20):
        await house.comes(f"a{number}")
    assert (house.door.inside, house.door.waiting) == (16, 4)

    quiet = [await house.comes(name) for name in ("b1", "b2", "b3")]

    assert [each.done() for each in quiet] == [True, True, False]  # an eighth more
    await house.goes("b")
    await house.goes("a")
    assert house.door.inside == 16
    assert not quiet[2].done()


async def test_where_the_queue_is_full_the_loud_one_is_told_to_come_back() -> None:
    house = House(1, queue=2)
    await house.comes("a1")
    await house.comes("a2")
    late = await house.comes("a3")

    quiet = await house.comes("b1")

    with pytest.raises(Overloaded):
        late.result()
    assert not quiet.done()
    assert house.door.refused == 1
    again = await house.comes("a4")
    with pytest.raises(Overloaded):
        again.result()


async def test_who_would_be_let_in_too_late_for_its_client_is_told_at_once() -> None:
    house = House(1)
    await house.comes("a1")
    house.clock.advance(3.0)
    await house.goes()
    await house.comes("a2")

    hurried = await house.comes("a3", headers={"x-pointsman-deadline-ms": "2000"})
    patient = await house.comes("a4")

    with pytest.raises(Overloaded) as told:
        hurried.result()
    assert told.value.retry_after == 3.0
    assert not patient.done()


async def test_who_has_waited_too_long_is_not_let_in_any_more() -> None:
    house = House(1)
    await house.comes("a1")
    waited = await house.comes("a2")
    in_time = await house.comes("b1", headers={})
    house.clock.advance(6.0)
    last = await house.comes("c1")

    await house.goes()

    for each in (waited, in_time):
        with pytest.raises(Overloaded):
            each.result()
    assert last.result() == [BODY]


async def test_a_client_that_does_not_wait_leaves_its_place_to_others() -> None:
    house = House(1)
    await house.comes("a1")
    client = Client(BODY)
    leaving = await house.comes("a2", client)
    await house.comes("a3")

    client.sends(GONE)
    await settle()

    with pytest.raises(ClientLeft):
        leaving.result()
    await house.goes()
    assert house.let_in == ["a1", "a3"]
    assert (house.door.inside, house.door.waiting) == (1, 0)


async def test_who_is_stopped_in_the_moment_of_being_let_in_takes_up_no_room() -> None:
    house = House(1)
    await house.comes("a1")
    stopped = await house.comes("a2")

    house.door.leave("a")
    stopped.cancel()
    await settle()

    assert stopped.cancelled()
    assert (house.door.inside, house.door.waiting) == (0, 0)


async def test_background_waits_for_people() -> None:
    house = House(1)
    await house.comes("a1")
    await house.comes("a2", headers={"x-pointsman-priority": "background"})
    await house.comes("a3")

    await house.goes()

    assert house.let_in == ["a1", "a3"]


async def test_there_may_be_more_room_later() -> None:
    house = House(1)
    for name in ("a1", "a2", "a3"):
        await house.comes(name)

    house.room = 2
    house.door.beat(0.0)
    await settle()

    assert house.let_in == ["a1", "a2"]
    assert house.door.limit == 2


async def test_a_process_that_is_behind_its_work_lets_in_fewer() -> None:
    house = House(100)
    for number in range(90):
        await house.comes(f"a{number}")
    for _ in range(5):
        house.door.beat(1.0)
    waiting = await house.comes("a90")

    assert house.door.limit == 81
    assert not waiting.done()
    for _ in range(10):
        await house.goes()
    assert waiting.done()
