"""Whatever stands in a request, nothing breaks, and nothing of another organisation is touched."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from tests.support.direct import Got, send
from tests.support.house import CANARY, OPERATOR, House, furnish
from tests.support.poison import BODIES, HEADERS, Poisoned, places
from tests.support.routes import every_route

from pointsman.access.keyring import KeyRing
from pointsman.types import Key

#: What reads comes first: while there is little to read, it is quick.
ROUTES = sorted(
    (route for route in every_route() if route.method != "HEAD"),
    key=lambda route: (route.method == "POST", str(route)),
)
PLACES = list(places(ROUTES))
#: Who may see what is acme's, as its own deployments, and change nothing.
OF_ACME = {"reader"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    furnished = await furnish(tmp_path)
    yield furnished
    await furnished.gateway.close()


async def try_out(house: House, place: Poisoned, poison: str, key: str) -> Got:
    path, query, headers, body = place.request(poison)
    shown = [] if place.name in {"authorization", "x-api-key"} else [(b"x-api-key", key.encode())]
    return await send(
        house.app, place.route.method, path, query=query, headers=[*headers, *shown], body=body
    )


def check(place: Poisoned, name: str, got: Got, who: str) -> None:
    about = f"{place}: {name!r} got {got.status} {got.body[:300]!r}"
    assert 200 <= got.status < 500 or got.status == 503, about
    assert who in OF_ACME or CANARY.encode() not in got.body, about
    for header, value in got.headers:
        assert not {13, 10, 0} & set(header + value), about
        assert CANARY.encode() not in value, about


def others(ring: KeyRing) -> Sequence[Key]:
    """All keys that are not globex's."""
    return [key for key in ring.list(OPERATOR) if key.organisation != "globex"]


async def run(house: House, who: str, chosen: Sequence[tuple[Poisoned, str]]) -> None:
    """Try each, and look at acme's records before and after."""
    ring = house.gateway.bookkeeping.keys
    before = await house.canary(), others(ring)
    gate = asyncio.Semaphore(32)

    async def one(place: Poisoned, name: str) -> None:
        async with gate:
            got = await try_out(house, place, place.poisons[name], house.keys[who])
            check(place, name, got, who)

    await asyncio.gather(*(one(place, name) for place, name in chosen))
    assert (await house.canary(), others(ring)) == before


def some(of: Sequence[Poisoned], each: int, *, header: int = 1) -> Sequence[tuple[Poisoned, str]]:
    """So many poisons in each place, others in other places; all paths look at the same headers."""
    return [
        (place, names[(count * each + more) % len(names)])
        for count, place in enumerate(of)
        for names in [list(place.poisons)]
        for more in range(header if place.kind == "header" else each)
    ]


async def test_some_of_everything_everywhere(house: House) -> None:
    own = [place for place in PLACES if place.route.pattern == place.route.path.path]

    await run(house, "admin of globex", some(own, 2))


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("who", "each"), [("admin of globex", 20), ("reader", 5), ("wrong", 5)])
async def test_more_of_it(house: House, who: str, each: int) -> None:
    await run(house, who, some(PLACES, each, header=5))


def test_every_body_is_among_them() -> None:
    """A new path with a body has to say how a right one looks."""
    posts = {route.path.path for route in ROUTES if route.method == "POST"}
    passed_on = {"/v1/audio/{rest:path}", "/v1/images/{rest:path}"}

    assert posts - passed_on == set(BODIES)
    assert len(HEADERS) == len(set(HEADERS))
