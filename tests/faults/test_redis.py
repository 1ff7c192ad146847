"""Two gateways that share limits by Redis, and what Redis may do to them: nothing that clients see."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest
from redis import Redis
from tests.support.gateway import Gateway, eventually
from tests.support.servers import RedisServer

pytestmark = pytest.mark.full

#: Requests per minute of each end user, all gateways together.
LIMIT = 120
CONFIG = f"""
[redis]
url = "{{url}}"
timeout_s = 1

[limits.user]
requests_per_minute = {LIMIT}
concurrent = 50

[models.small]
provider = "scripted"
model = "small"
tier = "simple"
"""


@dataclass
class House:
    server: RedisServer
    gateways: list[Gateway]

    def redis(self) -> list[str]:
        """How each gateway says that Redis does."""
        return [part(gateway)["state"] for gateway in self.gateways]

    def all_say(self, wanted: str) -> None:
        eventually(lambda: set(self.redis()) == {wanted}, f"redis is {wanted}", within_s=30)

    def tell(self, *command: object) -> None:
        with Redis.from_url(self.server.url) as client:
            client.execute_command(*command)


def part(gateway: Gateway) -> dict[str, str]:
    return gateway.get("/health").json()["components"]["redis"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    server = RedisServer()
    server.start()
    config = CONFIG.format(url=server.url)
    homes = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
    with gateway(homes[0], config) as one, gateway(homes[1], config) as two:
        made = House(server, [one, two])
        eventually(lambda: all(sees_two(each) for each in made.gateways), "they see each other")
        yield made
    server.stop()


@contextmanager
def gateway(home: Path, config: str) -> Iterator[Gateway]:
    with Gateway(home, config, cache=True) as made:
        yield made
        assert "Traceback" not in made.log


def sees_two(gateway: Gateway) -> bool:
    return "2 gateways" in part(gateway)["detail"]


@dataclass
class Traffic:
    """One user's requests at all gateways, as fast as they are answered."""

    house: House
    user: str
    #: Of each phase, by gateway: statuses.
    seen: dict[str, list[Counter[int]]] = field(default_factory=dict)
    phase: str = ""
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, phase: str) -> None:
        self.seen[phase] = [Counter() for _ in self.house.gateways]
        self.phase = phase

    def __enter__(self) -> Self:
        self.begin("before")
        for number, each in enumerate(self.house.gateways):
            thread = threading.Thread(target=self._ask, args=(number, each))
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def passed(self, phase: str) -> list[int]:
        return [each[200] for each in self.seen[phase]]

    def _ask(self, number: int, gateway: Gateway) -> None:
        asked = {
            "model": "auto",
            "user": self.user,
            "messages": [{"role": "user", "content": "Hi"}],
        }
        while not self._over.is_set():
            phase = self.phase
            self.seen[phase][number][gateway.chat(asked).status] += 1


def kill(house: House) -> None:
    house.server.kill()


def restart(house: House) -> None:
    house.server.start()


def freeze(house: House) -> None:
    house.server.freeze()


def thaw(house: House) -> None:
    house.server.thaw()


def fill(house: House) -> None:
    house.tell("CONFIG", "SET", "maxmemory-policy", "noeviction")
    house.tell("CONFIG", "SET", "maxmemory", "1")


def make_room(house: House) -> None:
    house.tell("CONFIG", "SET", "maxmemory", "0")


def demote(house: House) -> None:
    house.tell("REPLICAOF", "127.0.0.1", "1")


def promote(house: House) -> None:
    house.tell("REPLICAOF", "NO", "ONE")


Act = Callable[[House], None]
FAULTS: dict[str, tuple[Act, Act]] = {
    "killed": (kill, restart),
    "hanging": (freeze, thaw),
    "full": (fill, make_room),
    "read-only": (demote, promote),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_client_sees_a_fault_and_limits_hold_by_share(house: House, fault: str) -> None:
    break_it, mend_it = FAULTS[fault]
    house.all_say("ok")
    began = time.monotonic()
    with Traffic(house, user=fault) as traffic:
        eventually(lambda: sum(traffic.passed("before")) >= LIMIT // 2, "half of it is used")
        traffic.begin("away")
        break_it(house)
        house.all_say("degraded")
        eventually(lambda: all(each[429] for each in traffic.seen["away"]), "the shares are used")
        mend_it(house)
        house.all_say("ok")
        traffic.begin("after")
        eventually(lambda: all(sum(each.values()) > 20 for each in traffic.seen["after"]), "more")
    seconds = time.monotonic() - began

    statuses = {status for each in traffic.seen.values() for one in each for status in one}
    assert statuses <= {200, 429}, traffic.seen
    share = LIMIT / 2 * (1 + seconds / 60)
    assert all(passed <= share + 1 for passed in traffic.passed("away")), traffic.seen
    in_all = sum(sum(traffic.passed(phase)) for phase in traffic.seen)
    assert in_all <= 1.5 * LIMIT * (1 + seconds / 60), traffic.seen


def test_together_they_let_through_what_is_allowed_and_no_more(house: House) -> None:
    house.all_say("ok")
    began = time.monotonic()
    with Traffic(house, user="together") as traffic:
        eventually(lambda: all(each[429] > 3 for each in traffic.seen["before"]), "it is used")
    seconds = time.monotonic() - began
    assert LIMIT <= sum(traffic.passed("before")) <= LIMIT * (1 + seconds / 60) + 1


def test_open_requests_of_a_gateway_that_is_killed_come_free(house: House, tmp_path: Path) -> None:
    config = CONFIG.format(url=house.server.url).replace("concurrent = 50", "concurrent = 1")
    slow = config + "script = [{first_byte_delay_s = 600}]\n"
    asked = {"model": "auto", "user": "bounded", "messages": [{"role": "user", "content": "Hi"}]}
    with Gateway(tmp_path / "slow", slow) as dies, Gateway(tmp_path / "quick", config) as lives:
        threading.Thread(target=_quietly, args=(lambda: dies.chat(asked),), daemon=True).start()
        eventually(lambda: lives.chat(asked).status == 429, "its only one is open elsewhere")
        assert lives.chat(asked).status == 429
        dies.kill()
        eventually(lambda: lives.chat(asked).status == 200, "it is free again", within_s=30)


def _quietly(work: Callable[[], object]) -> None:
    try:
        work()
    except OSError:
        return
