"""Work that is done again and again, and what is said of rounds that fail."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from tests.support.gateways import until

from pointsman.errors import LedgerUnavailable
from pointsman.rounds import Rounds
from pointsman.types import Entry


@dataclass
class Told:
    faults: list[BaseException] = field(default_factory=list)

    def settled(self, entry: Entry) -> None:
        raise NotImplementedError(entry)

    def fault(self, stage: str, error: BaseException) -> None:
        assert stage == "work"
        self.faults.append(error)


@dataclass
class Work:
    """Fails as it is told, round after round."""

    errors: list[Exception | None]
    done: int = 0

    async def __call__(self) -> None:
        error = self.errors[min(self.done, len(self.errors) - 1)]
        self.done += 1
        if error is not None:
            raise error


async def reported(*errors: Exception | None) -> list[BaseException]:
    """What is said of these rounds, one after the other, the last again and again."""
    told, work = Told(), Work([*errors])
    rounds = Rounds(told)
    rounds.every(0, "work", work)
    await until(lambda: work.done > len(errors) + 3)
    await rounds.close()
    return told.faults


async def test_what_is_away_is_reported_once_until_it_is_back() -> None:
    away, again = LedgerUnavailable("away"), LedgerUnavailable("away again")

    assert await reported(away, away, away, None, again, None) == [away, again]


async def test_another_fault_is_reported_each_time() -> None:
    wrong = ValueError("wrong")

    assert await reported(wrong, wrong, None) == [wrong, wrong]


async def test_what_is_wanted_soon_is_done_once_however_often_it_is_wanted() -> None:
    told, work = Told(), Work([None])
    rounds = Rounds(told)
    soon = rounds.soon("work", work)
    for _ in range(5):
        soon()
    await until(lambda: work.done)
    await asyncio.sleep(0)

    assert work.done == 1
    await rounds.close()
