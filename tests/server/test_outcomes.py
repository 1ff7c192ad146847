"""What learning has to go by, over HTTP: counts, signals, and quality by version."""

from tests.gateway import Gateway
from tests.server.test_experiments import ADMIN, key_of

PATH = "/v1/learning/outcomes"


async def rated(gateway: Gateway, text: str, rating: float, **headers: str) -> None:
    """Ask something, and say how good the answer was."""
    reply = await gateway.chat(text, headers=headers)
    said = {"request_id": reply.headers["x-request-id"], "rating": rating}
    assert (await gateway.client.post("/v1/feedback", json=said, headers=headers)).is_success


async def test_nothing_is_known_at_first(gateway: Gateway) -> None:
    assert (await gateway.client.get(PATH)).json() == {
        "outcomes": 0,
        "rated": 0,
        "trust": 0,
        "least": 50,
        "last": None,
        "more": False,
        "signals": [],
        "versions": [],
    }


async def test_ratings_and_signals_are_counted_by_version(gateway: Gateway) -> None:
    await gateway.app.learning.loaded()
    for place in range(4):
        await rated(gateway, f"What is {place}?", 1 if place else -1)

    found = (await gateway.client.get(PATH)).json()

    assert (found["outcomes"], found["rated"], found["trust"]) == (4, 4, 4)
    (version,) = found["versions"]
    assert (version["version"], version["outcomes"], version["explored"]) == ("shipped", 4, 0)
    assert version["quality"]["value"] == 0.75
    assert version["quality"]["low"] < 0.75 < version["quality"]["high"]
    assert version["cost"]["n"] == 4
    assert sum(version["tiers"].values()) == 1


async def test_organisations_see_their_own(gateway: Gateway) -> None:
    await gateway.app.learning.loaded()
    owner = await key_of(gateway, **ADMIN)
    acme = await key_of(gateway, owner, role="admin", organisation="acme")
    globex = await key_of(gateway, owner, role="read-only", organisation="globex")
    user = await key_of(gateway, owner, organisation="acme")
    await rated(gateway, "What is Python?", 1, **acme)

    async def outcomes(by: dict[str, str], query: str = "") -> int | None:
        reply = await gateway.client.get(PATH + query, headers=by)
        return reply.json()["outcomes"] if reply.is_success else None

    assert await outcomes(owner) == await outcomes(acme) == 1
    assert await outcomes(owner, "?organisation=acme") == 1
    assert await outcomes(owner, "?organisation=globex") == 0
    assert await outcomes(globex) == 0
    assert await outcomes(globex, "?organisation=acme") is None
    assert await outcomes(user) is None
    assert await outcomes(owner, "?organization=acme") is None
