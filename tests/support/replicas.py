"""Several gateways that share a PostgreSQL and a Redis, each behind a port of its own."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.support.gateway import Gateway

#: What lets the operator in at each of them.
ADMIN_KEY = "replicas-admin-key"


@dataclass(frozen=True)
class Kill:
    """A gateway that was killed."""

    #: Its address, without the scheme.
    gateway: str
    #: When, in seconds of `time.monotonic`.
    at: float


@dataclass
class Replicas:
    """Gateways with the same configuration; `with` starts them all and ends them."""

    home: Path
    config: str
    count: int = 3
    api_key: str = ADMIN_KEY
    #: Processes of each.
    workers: int = 1
    gateways: list[Gateway] = field(default_factory=list)
    ports: Sequence[int] = ()
    kills: list[Kill] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ports = list(_free_ports(self.count))
        self.gateways = [
            Gateway(
                self.home / f"gateway-{number}",
                self.config,
                api_key=self.api_key,
                port=port,
                workers=self.workers,
            )
            for number, port in enumerate(self.ports, start=1)
        ]

    def __enter__(self) -> Self:
        try:
            self.gateways[0].start()  # alone: it makes the tables
            with ThreadPoolExecutor() as starting:
                list(starting.map(Gateway.start, self.gateways[1:]))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for gateway in self.gateways:
            gateway.kill()

    @property
    def addresses(self) -> list[str]:
        """Of all, without the scheme."""
        return [f"127.0.0.1:{port}" for port in self.ports]

    def kill(self, number: int) -> None:
        """As a crash does; `number` from 0 on."""
        self.kills.append(Kill(self.addresses[number], time.monotonic()))
        self.gateways[number].kill()

    def errors(self) -> list[str]:
        """What they did not expect, over all their lives."""
        return [
            line
            for gateway in self.gateways
            for line in gateway.log.splitlines()
            if "Traceback" in line
        ]


def _free_ports(count: int) -> Iterator[int]:
    """Ports that nobody listens on now, and none twice."""
    with ExitStack() as held:
        for _ in range(count):
            listener = held.enter_context(socket.create_server(("127.0.0.1", 0)))
            yield int(listener.getsockname()[1])
