"""What the benches of replicas stand on: real servers, gateways, and a balancer in front of them."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Literal

from bench._processes import environment, free_port, launch
from bench.replicas_audit import INPUT, OUTPUT
from tests.support.balancers import Balancer, HAProxy, Nginx
from tests.support.gateway import Gateway, eventually
from tests.support.postgres_books import new_database
from tests.support.replicas import Replicas
from tests.support.servers import PostgresServer, RedisServer

Kind = Literal["haproxy", "nginx"]

#: Requests a minute, open requests, and US dollars a day: of one organisation each.
PER_MINUTE, OPEN, BUDGET = 60, 4, Decimal("0.005")
_CONFIG = """
[models.one]
provider = "openai-compatible"
base_url = "http://127.0.0.1:{upstream}/v1"
model = "one"
location = "cloud"
price = {{ input = "{input}", output = "{output}" }}

[ledger]
url = "{books}"
mark_s = 1

[redis]
url = "{redis}"
timeout_s = 1  # it waits for this machine's disk

[server]
drain_s = 2
shutdown_grace_s = 60

[learning]
enabled = false

[organisations.limited.limits]
requests_per_minute = {per_minute}

[organisations.crowded.limits]
concurrent = {open}

[organisations.spender.budgets]
per_day = "{budget}"
"""


@dataclass
class House:
    """All of it, running."""

    replicas: Replicas
    balancer: Balancer
    #: The upstream's log.
    log: Path
    #: The database of the books.
    books: str

    def key(self, organisation: str, *, at: int = 0) -> tuple[str, str]:
        """Make a key of that organisation's, at one of the gateways; its id and its text."""
        wish = {"name": organisation, "organisation": organisation, "role": "user"}
        made = self.replicas.gateways[at].send("POST", "/v1/keys", json.dumps(wish).encode())
        if made.status != HTTPStatus.CREATED:
            raise SystemExit(f"no key could be made: {made.body!r}")
        return made.json()["id"], made.json()["key"]

    def keys(self, *organisations: str) -> Mapping[str, str]:
        """A key for each, that all gateways know."""
        made = {each: self.key(each)[1] for each in organisations}
        for gateway in self.replicas.gateways:
            for key in made.values():
                eventually(partial(lets_in, gateway, key), "the key is known")
        return made


def lets_in(gateway: Gateway, key: str) -> bool | None:
    """Whether a gateway lets a key in; None where the gateway is not there."""
    connection = HTTPConnection(gateway.address.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", "/v1/models", headers={"authorization": f"Bearer {key}"})
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


@contextmanager
def house(kind: Kind, *, count: int = 3) -> Iterator[House]:
    """Start everything; it ends with the block."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres, redis = PostgresServer(), RedisServer()
        for server in (postgres, redis):
            stack.callback(server.stop)
            server.start()
        books = asyncio.run(new_database(postgres))
        upstream, log = free_port(), home / "truth.jsonl"
        serves = f"-m bench.replicas_upstream {upstream} {log}"
        launch(stack, "upstream", upstream, serves.split(), environment())
        config = _CONFIG.format(
            upstream=upstream,
            input=INPUT * 10**6,
            output=OUTPUT * 10**6,
            books=books,
            redis=redis.url,
            per_minute=PER_MINUTE,
            open=OPEN,
            budget=BUDGET,
        )
        replicas = stack.enter_context(Replicas(home, config, count))
        balancer = (HAProxy if kind == "haproxy" else Nginx)(replicas.ports)
        stack.callback(balancer.stop)
        balancer.start()
        yield House(replicas, balancer, log, books)
