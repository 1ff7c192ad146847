"""What a request costs a gateway and its servers: processor time, and room in the database.

``python -m bench.capacity [--requests N] [--json FILE]`` prints a table, a row for each way to keep
the books: in a file, in PostgreSQL, and there with limits and cache in Redis. Requests are chat of
some twenty words, half of them streams of eight events, from clients with a key and a limit, each
prompt a new one; processor time is that of all threads of the gateway, and of the server beside it.
A core has 1,000 ms a second: that, by a gateway's milliseconds, is what one core serves at most.
Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from bench._processes import environment, free_port, launch
from bench.replicas_clients import Crowd, Habit, until
from tests.support.gateway import Gateway, eventually
from tests.support.postgres_books import ask, new_database
from tests.support.servers import PostgresServer, RedisServer, Server

KEY = "capacity-admin-key"
#: Requests before anything is measured.
_WARM = 200
_CLIENTS = 16
_CONFIG = """
[models.one]
provider = "openai-compatible"
base_url = "http://127.0.0.1:{upstream}/v1"
model = "one"
location = "cloud"
price = {{ input = "1.7", output = "5.3" }}

[limits.key]
requests_per_minute = 1000000
{more}
"""


@dataclass
class Row:
    """One way to keep the books."""

    books: str
    requests: int
    #: Milliseconds of processor time a request.
    gateway_ms: float
    postgres_ms: float
    redis_ms: float
    #: MiB that the gateway has to itself when all are answered.
    memory_mb: float
    #: Bytes that the books grew by, a request.
    bytes: float

    def line(self) -> str:
        """In a table."""
        return (
            f"{self.books:<20}{self.requests:>9}{self.gateway_ms:>11.2f}{1000 / self.gateway_ms:>9.0f}"
            f"{self.postgres_ms:>11.2f}{self.redis_ms:>8.2f}{self.memory_mb:>8.0f}"
            f"{self.bytes * 1e6 / 1e9:>9.2f}"
        )


HEAD = (
    f"{'books':<20}{'requests':>9}{'gateway ms':>11}{'/s, core':>9}{'PostgreSQL':>11}{'Redis':>8}"
    f"{'MiB':>8}{'GB/1e6':>9}"
)


def _cpu_ms(pid: int) -> float:
    """Of a process and all its descendants that live."""
    root = psutil.Process(pid)
    times = [each.cpu_times() for each in (root, *root.children(recursive=True))]
    dead = root.cpu_times()
    return (
        sum(each.user + each.system for each in times) * 1000
        + (dead.children_user + dead.children_system) * 1000
    )


def _server_ms(server: Server | None) -> float:
    return 0.0 if server is None or server._child() is None else _cpu_ms(server._child().pid)  # noqa: SLF001


@contextmanager
def _started(
    books: str,
) -> Iterator[tuple[Gateway, PostgresServer | None, RedisServer | None, str]]:
    """A gateway whose books are there, its servers, and the books' URL."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = PostgresServer() if "PostgreSQL" in books else None
        redis = RedisServer() if "Redis" in books else None
        for server in (postgres, redis):
            if server is not None:
                stack.callback(server.stop)
                server.start()
        url = "" if postgres is None else asyncio.run(new_database(postgres))
        upstream = free_port()
        serves = f"-m bench.replicas_upstream {upstream} {home / 'truth.jsonl'}"
        launch(stack, "upstream", upstream, serves.split(), environment())
        more = f'[ledger]\nurl = "{url}"\n' if url else ""
        more += f'[redis]\nurl = "{redis.url}"\n' if redis else ""
        config = _CONFIG.format(upstream=upstream, more=more)
        gateway = stack.enter_context(Gateway(home, config, api_key=KEY, cache=True))
        yield gateway, postgres, redis, url


def _size(gateway: Gateway, url: str) -> int:
    """Bytes of the books."""
    if not url:
        return sum(file.stat().st_size for file in gateway.home.glob("pointsman.db*"))
    ((size,),) = asyncio.run(ask(url, "SELECT pg_database_size(current_database())"))
    return int(size)


def _asked(gateway: Gateway, requests: int, key: str) -> None:
    crowd = Crowd(
        gateway.address,
        [Habit("default", key, clients=_CLIENTS, pause_s=0.001, words=(8, 8), gap_s=0.001)],
        prefix=f"r-{requests}",
    )

    async def run() -> None:
        asking = asyncio.create_task(crowd.run())
        await until(lambda: len(crowd.heard) >= requests, math.inf)
        crowd.stop()
        await asking

    asyncio.run(run())
    if failed := [each for each in crowd.heard if not each.whole]:
        raise SystemExit(f"{len(failed)} requests failed, such as {failed[0]}")


def measure(books: str, requests: int) -> Row:
    """Ask so often and look what it took."""
    with _started(books) as (gateway, postgres, redis, url):
        made = gateway.send("POST", "/v1/keys", b'{"name": "bench", "role": "user"}')
        key = made.json()["key"]
        _asked(gateway, _WARM, key)
        servers = (postgres, redis)
        size, before = _size(gateway, url), [_cpu_ms(gateway.pid), *map(_server_ms, servers)]
        count = _count(gateway)
        _asked(gateway, requests, key)
        after = [_cpu_ms(gateway.pid), *map(_server_ms, servers)]
        asked = _count(gateway) - count
        spent = [(late - early) / asked for early, late in zip(before, after, strict=True)]
        memory = psutil.Process(gateway.pid).memory_full_info().uss / 2**20
        return Row(books, asked, *spent, memory, (_size(gateway, url) - size) / asked)


def _count(gateway: Gateway) -> int:
    def total() -> int:
        return int(gateway.get("/v1/report").json()["total"]["requests"])

    return eventually(total, "there are entries")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    print(HEAD)
    for books in ("a file", "PostgreSQL", "PostgreSQL, Redis"):
        rows.append(measure(books, options.requests))
        print(rows[-1].line(), flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
