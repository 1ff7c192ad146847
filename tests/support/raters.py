"""Users of a gateway that learns: they ask, and say how good the answers were."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

import aiohttp
from tests.support.gateway import PATIENCE_S, Gateway, eventually

CLIENTS = 6
REPLY = "All aboard the night train to the coast, which leaves at ten."

CONFIG = f"""
[models.weak]
provider = "scripted"
model = "weak"
tier = "simple"
price = {{ input = "0", output = "0.1" }}
script = [{{ reply = "{REPLY}" }}]

[models.strong]
provider = "scripted"
model = "strong"
tier = "complex"
price = {{ input = "0", output = "0.1" }}
script = [{{ reply = "{REPLY}" }}]

[routing]
tiers = ["simple", "complex"]
session_s = 0

[routing.verify]
when = "off"

[learning]
every_s = 0.05
least = 20

[learning.explore]
share = 0.5
cost = 1

[limits.organisation]
requests_per_minute = 1000000
concurrent = 1000
"""
#: What the weak model is good for, though it looks hard, and what it is not, though it looks easy.
EASY = (
    "Design a fault-tolerant distributed database with {number} nodes, prove step by step that it "
    "is safe under network partitions, and compare the trade-offs with Paxos."
)
HARD = "Name {number} cities in Italy."


@dataclass
class Life:
    """Clients that ask and rate until the gateway is killed."""

    gateway: Gateway
    number: int
    #: Killed when so many ratings were acknowledged; never, where None.
    fatal: int | None
    #: Ratings that were acknowledged, and those that may have come, by request.
    acknowledged: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    sent: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    count: int = 0

    async def run(self, ratings: int) -> None:
        """Until the gateway is dead, or so many ratings were given."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with aiohttp.ClientSession(self.gateway.address, timeout=timeout) as session:
            await asyncio.gather(
                *(self._client(session, client, ratings) for client in range(CLIENTS))
            )

    async def _client(self, session: aiohttp.ClientSession, client: int, ratings: int) -> None:
        for number in range(ratings // CLIENTS):
            try:
                await self._ask_and_rate(session, client * ratings + number)
            except aiohttp.ClientError:
                return

    async def _ask_and_rate(self, session: aiohttp.ClientSession, number: int) -> None:
        hard = number % 2 == 0
        text = (HARD if hard else EASY).format(number=f"{self.number}{number}")
        asked = {"model": "auto", "messages": [{"role": "user", "content": text}]}
        async with session.post("/v1/chat/completions", json=asked) as reply:
            assert reply.status == 200, await reply.text()
            await reply.read()
        request_id = reply.headers["x-request-id"]
        good = not hard or reply.headers["x-pointsman-served-tier"] == "complex"
        rating = 1.0 if good else -1.0
        said = {"request_id": request_id, "rating": rating}
        status = 503
        while status == 503:  # the books were too busy; it may be in them all the same
            self.sent[request_id].append(rating)
            async with session.post("/v1/feedback", json=said) as answer:
                status, words = answer.status, await answer.text()
        assert status == 201, words
        self.acknowledged[request_id].append(rating)
        self.count += 1
        if self.count == self.fatal:
            self.gateway.kill()


def learning(gateway: Gateway) -> dict[str, object]:
    """What it says of what was learned, once it is ready."""

    def look() -> dict[str, object] | None:
        said = gateway.get("/v1/learning").json()
        return said if said["ready"] else None

    return eventually(look, "it has what it learns with")


def in_force(gateway: Gateway) -> str:
    """The version that holds for everybody."""
    return next(
        each["version"] for each in learning(gateway)["in_force"] if each["organisation"] == ""
    )


def version_used(gateway: Gateway) -> str:
    """The version that a decision names now."""
    asked = {"model": "auto", "messages": [{"role": "user", "content": EASY.format(number=2)}]}
    reply = gateway.chat(asked)
    return gateway.record(reply.headers["x-request-id"])["learning"]["version"]


def assert_valid(gateway: Gateway) -> None:
    """What is in force is there, and is what decisions are made with."""
    version = in_force(gateway)  # another may be put in force at any moment, none is taken away
    assert version in {"shipped", *(each["id"] for each in learning(gateway)["versions"])}
    eventually(lambda: version_used(gateway) == in_force(gateway), "decisions name it")
