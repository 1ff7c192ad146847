"""The PostgreSQL primary is killed, its synchronous standby promoted, again and again, under load.

``python -m bench.failover [--rounds N] [--json FILE]``

Two real servers, two gateways of `pointsman serve`, and clients with keys: some that no budget
binds, who should notice nothing, and some that one does, who are to wait with a 503. In each round
the primary dies; two seconds later the standby is promoted; then the dead one comes back at its old
address as a standby that only reads. At last every request that a client got an answer to has to be
in the books once, completed, and the sums have to be those of the entries. Exits with 1 where
anything is wrong. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from pathlib import Path

import aiohttp
from tests.support.gateway import Gateway
from tests.support.postgres_books import ask, differences
from tests.support.postgres_pair import Pair

GATEWAYS = 2
#: Clients by the name of their organisation.
CLIENTS = {"free": 6, "bound": 2}
ADMIN = "failover-admin"
#: Seconds between two requests of a client.
PAUSE_S = 0.03
#: Seconds for which a killed primary is missed before the standby is promoted.
MISSED_S = 2.0
#: Seconds of load between two rounds.
QUIET_S = 1.0
#: Seconds within which money may be spent again after the promotion.
AGAIN_WITHIN_S = 3.0
#: Seconds within which all that was promised has to be in the books.
CAUGHT_UP_S = 60.0

CONFIG = """
[models.brisk]
provider = "scripted"
model = "brisk"
price = {{ input = "1.7", output = "5.3" }}
script = [{{ reply = "All aboard.", first_byte_delay_s = 0.005 }}]

[ledger]
url = "{url}"

[organisations.bound.budgets]
per_day = "1000000"
"""
BODY = {"model": "auto", "messages": [{"role": "user", "content": "Which platform?"}]}


@dataclass
class Heard:
    """What clients got, from all gateways."""

    #: Statuses by organisation.
    statuses: dict[str, Counter[int]] = field(
        default_factory=lambda: {name: Counter() for name in CLIENTS}
    )
    #: Ids of requests that were answered.
    answered: set[str] = field(default_factory=set)
    #: When each gateway served somebody last whom a budget binds, in monotonic seconds.
    spent_at: dict[str, float] = field(default_factory=dict)


@dataclass
class Outcome:
    """What there is to say in the end."""

    rounds: int = 0
    requests: int = 0
    answered: int = 0
    #: Of all that were answered.
    lost: int = 0
    #: Sums that are not those of the entries.
    wrong_sums: int = 0
    #: Replies that said a key was not valid.
    keys_refused: int = 0
    #: Requests of those whom no budget binds that got no answer.
    free_refused: int = 0
    #: Those whom one binds, while the server was away.
    bound_refused: int = 0
    #: Seconds from the end of the promotion until every gateway served them again, by round.
    again_s: list[float] = field(default_factory=list)
    #: Connections that gateways still have to the one that only reads.
    left_behind: int = 0
    #: Seconds from the last round until everything promised was in the books.
    caught_up_s: float = 0.0

    @property
    def is_good(self) -> bool:
        """Nothing is wrong."""
        refused = self.keys_refused or self.free_refused
        bad = refused or self.lost or self.wrong_sums or self.left_behind
        return not bad and max(self.again_s) <= AGAIN_WITHIN_S


async def client(heard: Heard, organisation: str, key: str, turns: Sequence[Gateway]) -> None:
    """Ask one gateway after the other, until cancelled."""
    headers = {"authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for gateway in itertools.cycle(turns):
            url = f"{gateway.base_url}/chat/completions"
            async with session.post(url, json=BODY) as reply:
                await reply.read()
            heard.statuses[organisation][reply.status] += 1
            if reply.status == HTTPStatus.OK:
                heard.answered.add(reply.headers["x-request-id"])
                if organisation == "bound":
                    heard.spent_at[gateway.address] = time.monotonic()
            await asyncio.sleep(PAUSE_S)


@asynccontextmanager
async def load(gateways: Sequence[Gateway]) -> AsyncIterator[Heard]:
    """Clients that ask for as long as the block lasts."""
    heard = Heard()
    keys = {name: await asyncio.to_thread(make_key, gateways[0], name) for name in CLIENTS}
    for gateway, key in itertools.product(gateways, keys.values()):
        await known(gateway, key)
    async with asyncio.TaskGroup() as group:
        asking = []
        for organisation, count in CLIENTS.items():
            for number in range(count):
                turns = [*gateways[number % GATEWAYS :], *gateways[: number % GATEWAYS]]
                one = client(heard, organisation, keys[organisation], turns)
                asking.append(group.create_task(one))
        yield heard
        for each in asking:
            each.cancel()


async def known(gateway: Gateway, key: str) -> None:
    """Wait until it lets the key in, which another one made."""
    headers = {"authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        while True:
            async with session.get(f"{gateway.base_url}/models") as reply:
                if reply.status == HTTPStatus.OK:
                    return
            await asyncio.sleep(PAUSE_S)


def make_key(gateway: Gateway, organisation: str) -> str:
    """A key's text."""
    wish = json.dumps({"name": organisation, "organisation": organisation}).encode()
    return gateway.send("POST", "/v1/keys", wish).json()["key"]


async def one_round(pair: Pair, heard: Heard, gateways: Sequence[Gateway]) -> float:
    """Seconds from the promotion until every gateway spent money again."""
    await asyncio.sleep(QUIET_S)
    await pair.kill()
    await asyncio.sleep(MISSED_S)
    await pair.promote()
    promoted = time.monotonic()
    while any(heard.spent_at.get(each.address, 0.0) < promoted for each in gateways):  # noqa: ASYNC110 - clients tell nobody
        await asyncio.sleep(0.01)
    again_s = time.monotonic() - promoted
    await pair.join()
    return again_s


async def missing(pair: Pair, answered: set[str]) -> set[str]:
    """Those that are not in the books as completed."""
    rows = await ask(pair.primary.url, "SELECT request_id FROM entries WHERE outcome = 'completed'")
    return answered - {row["request_id"] for row in rows}


async def at_standby(pair: Pair) -> int:
    """Connections that gateways have to it; one that just looks is gone in a moment."""
    count = 0
    for _ in range(50):
        [(count,)] = await ask(
            pair.standby.url,
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pointsman %'",
        )
        if not count:
            break
        await asyncio.sleep(0.1)
    return count


async def run(rounds: int, folder: Path) -> Outcome:
    """All rounds, and then the books are looked at."""
    outcome = Outcome(rounds)
    async with Pair() as pair, AsyncExitStack() as stack:
        config = CONFIG.format(url=pair.url)
        homes = [Gateway(folder / f"g{n}", config, api_key=ADMIN) for n in range(GATEWAYS)]
        gateways = [await stack.enter_async_context(each) for each in homes]
        async with load(gateways) as heard:
            for _ in range(rounds):
                outcome.again_s.append(await one_round(pair, heard, gateways))
            outcome.left_behind = await at_standby(pair)
        ended = time.monotonic()
        while lost := await missing(pair, heard.answered):
            if time.monotonic() - ended > CAUGHT_UP_S:
                break
            await asyncio.sleep(0.1)
        outcome.caught_up_s = time.monotonic() - ended
        outcome.lost = len(lost)
        outcome.wrong_sums = len(await differences(pair.primary.url) - {0})
    every = sum(heard.statuses.values(), Counter[int]())
    outcome.requests, outcome.answered = every.total(), every[HTTPStatus.OK]
    outcome.keys_refused = every[HTTPStatus.UNAUTHORIZED] + every[HTTPStatus.FORBIDDEN]
    free, bound = heard.statuses["free"], heard.statuses["bound"]
    outcome.free_refused = free.total() - free[HTTPStatus.OK]
    outcome.bound_refused = bound.total() - bound[HTTPStatus.OK]
    return outcome


def main() -> None:
    """Run it and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(run(arguments.rounds, Path(folder)))
    for name, value in asdict(outcome).items():
        shown = " ".join(f"{each:.2f}" for each in value) if isinstance(value, list) else value
        print(f"{name:14} {shown}")
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(outcome), indent=2))
    sys.exit(not outcome.is_good)


if __name__ == "__main__":
    main()
