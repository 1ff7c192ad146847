"""Every route, with the cookie of every credential: it opens what the credential's key does."""

from collections.abc import AsyncIterator, Mapping

import pytest
from tests.server.test_access_matrix import check
from tests.support.direct import Got, send
from tests.support.house import REFUSED, ROLE_OF, House, furnish
from tests.support.routes import every_route

SESSION = "/dashboard/session"
ROUTES = [route for route in every_route() if route.pattern != SESSION]
GUARDED = [route for route in ROUTES if route.path.access != "open"]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    furnished = await furnish()
    yield furnished
    await furnished.gateway.close()


async def sign_in(house: House, who: str) -> Got:
    body = b'{"key": "%b"}' % house.keys[who].encode()
    return await send(house.app, "POST", SESSION, body=body)


async def as_page(house: House, who: str) -> Mapping[str, str]:
    """What the dashboard's page sends along for them."""
    got = await sign_in(house, who)
    assert got.status == 200, got.body
    cookie = dict(got.headers)[b"set-cookie"].decode().partition(";")[0]
    return {
        "cookie": cookie,
        "x-pointsman-csrf": got.json()["csrf"],
        "origin": "http://localhost",
        "sec-fetch-site": "same-origin",
    }


async def test_a_cookie_opens_what_its_key_opens(house: House) -> None:
    for who in ROLE_OF:
        headers = await as_page(house, who)
        for route in ROUTES:
            check(route, who, await house.ask(route, headers))


async def test_who_is_refused_gets_no_cookie(house: House) -> None:
    for who in REFUSED:
        got = await sign_in(house, who)
        assert got.status == 401, who
        assert b"set-cookie" not in dict(got.headers)


@pytest.mark.parametrize("lacking", ["x-pointsman-csrf", "origin"])
async def test_nothing_is_changed_without_what_only_our_page_has(
    house: House, lacking: str
) -> None:
    headers = dict(await as_page(house, "admin"))
    del headers[lacking]
    headers.pop("sec-fetch-site")
    before = await house.canary()

    for route in GUARDED:
        if route.method not in {"GET", "HEAD"}:
            ids = house.acmes(route)
            got = await house.ask(route, headers, ids=ids)
            assert got.status == 403, f"{route}: {got.body!r}"
    assert await house.canary() == before
