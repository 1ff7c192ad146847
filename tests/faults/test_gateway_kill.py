"""The gateway is killed under load, again and again; what a client got is in the books, once."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from signal import SIGINT, SIGTERM, Signals

import aiohttp
import pytest
from tests.support import exact_books
from tests.support.exact_books import check_files, cost, held_and_spent, reported
from tests.support.gateway import Gateway, eventually
from tests.support.listener import Heard, Listener, listening

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

KILLS = 20
CLIENTS = 8
#: Killed at a random one of so many events: chunks, ends of streams and whole replies.
LATEST_EVENT = 400
REPLY = "All aboard the night train to the coast. " * 4

CONFIG = f"""
[models.brisk]
provider = "scripted"
model = "brisk"
price = {{ input = "1.7", output = "5.3" }}
script = [{{ reply = "{REPLY}", chunks = 12, chunk_delay_s = 0.003, first_byte_delay_s = 0.003 }}]

[ledger]
mark_s = 0.02

[budgets.organisation]
per_day = "1000"

[limits.organisation]
requests_per_minute = 1000000
concurrent = 1000
"""


@dataclass
class Load:
    """Clients that ask on and on, and note what they got."""

    gateway: Gateway
    life: int
    #: The gateway is killed within the event of this number.
    fatal_event: int
    events: int = 0
    heard: list[Heard] = field(default_factory=list)

    async def run(self) -> None:
        """Until the gateway is dead and every client has noticed."""
        async with listening(self.gateway) as listener:
            await asyncio.gather(*(self._ask_on(listener, client) for client in range(CLIENTS)))

    async def _ask_on(self, listener: Listener, client: int) -> None:
        for number in range(LATEST_EVENT):
            name = f"{self.life}-{client}-{number}"
            heard = Heard(name, stream=(client + number) % 2 == 0)
            self.heard.append(heard)
            try:
                await listener.hear(heard, "auto", notice=self._notice)
            except aiohttp.ClientError:
                return

    def _notice(self) -> None:
        self.events += 1
        if self.events == self.fatal_event:
            self.gateway.kill()


def assert_in_the_books(heard: Heard, records: list[dict[str, object]]) -> None:
    """What the client has whole is there completed, once, with the usage that it was told."""
    assert len(records) == 1, heard
    (record,) = records
    assert record["request_id"] == heard.request_id
    assert record["outcome"] == "completed"
    assert record["stream"] == heard.stream
    assert (record["usage"]["input_tokens"], record["usage"]["output_tokens"]) == heard.usage
    assert heard.text == REPLY


async def test_what_a_client_got_is_in_the_books_once(
    tmp_path_factory: pytest.TempPathFactory,
):
    chance = random.Random(20261121)  # noqa: S311 - the same moments in every run
    gateway = Gateway(tmp_path_factory.mktemp("home"), CONFIG)
    heard: list[Heard] = []
    starts: list[float] = []
    try:
        for life in range(KILLS):
            began = time.monotonic()
            gateway.start()
            starts.append(time.monotonic() - began)
            load = Load(gateway, life, chance.randint(1, LATEST_EVENT))
            await load.run()
            assert load.events >= load.fatal_event
            heard += load.heard
        gateway.start()
        records = exact_books.records(gateway)
        spent, balances = reported(gateway), held_and_spent(gateway.home)
        check_files(gateway.home)
        assert (
            gateway.chat({"model": "auto", "messages": [{"role": "user", "content": "Hi"}]}).status
            == 200
        )
    finally:
        gateway.kill()

    by_name: dict[str, list[dict[str, object]]] = {each.name: [] for each in heard}
    for record in records:
        by_name[record["client_request_id"]].append(record)
    whole = [each for each in heard if each.whole]
    for each in whole:
        assert_in_the_books(each, by_name[each.name])
    for each in heard:
        assert len(by_name[each.name]) <= 1
        assert each.request_id is None or by_name[each.name]
    assert spent == cost(*records)
    assert balances == (0, spent)
    marked = [
        record for record in records if record["outcome"] == "interrupted" and record["usage"]
    ]
    # Estimated, but where the upstream had said it all when the gateway died.
    assert all(record["cost"] is not None for record in marked)
    assert any(record["usage"]["estimated"] for record in marked)
    outcomes = Counter(record["outcome"] for record in records)
    assert set(outcomes) <= {"completed", "interrupted"}
    assert outcomes["completed"] - len(whole) <= KILLS * CLIENTS
    assert outcomes["interrupted"] > 0
    assert "Traceback" not in gateway.log
    print(  # noqa: T201
        f"{KILLS} kills, {len(heard)} requests, {len(whole)} replies whole and all of them in the "
        f"books once; {len(records)} entries: {dict(outcomes)}, "
        f"{len(marked)} of the interrupted with what was marked; serving again after "
        f"{sorted(starts)[len(starts) // 2]:.1f} s (median), {max(starts):.1f} s at most"
    )


@pytest.mark.parametrize(("ending", "codes"), [(SIGTERM, {0}), (SIGINT, {0, 130})])
async def test_told_to_end_it_lets_open_replies_finish(
    tmp_path_factory: pytest.TempPathFactory, ending: Signals, codes: set[int]
):
    gateway = Gateway(tmp_path_factory.mktemp("home"), CONFIG.replace("0.003", "0.2"))
    asked = [Heard(f"open-{number}", stream=number % 2 == 0) for number in range(10)]
    with gateway:
        async with listening(gateway) as listener:
            replies = [asyncio.create_task(listener.hear(heard, "auto")) for heard in asked]
            await asyncio.to_thread(
                eventually, lambda: len(gateway.records()) == len(asked), "all are admitted"
            )
            assert not all(heard.whole for heard in asked)
            code = await asyncio.to_thread(gateway.stop, ending)
            await asyncio.gather(*replies)
        # SQLite removes its log where the books were closed as they should be.
        left = sorted(path.name for path in gateway.home.glob("*-wal"))

        gateway.start()
        records = {record["client_request_id"]: record for record in gateway.records()}

    for heard in asked:
        assert heard.whole
        assert_in_the_books(heard, [records[heard.name]])
    assert len(records) == len(asked)
    assert [line for line in gateway.log.splitlines() if "no API key" not in line] == []
    assert code in codes
    assert left == []
