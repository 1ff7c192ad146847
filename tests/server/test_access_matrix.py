"""Every route, every role, every credential, both carriers: as the table of paths declares."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Mapping
from typing import get_args

import pytest
from msgspec.structs import fields
from starlette.routing import Route as Routed
from tests.support.direct import Got
from tests.support.house import CANARY, CARRIERS, REFUSED, ROLE_OF, House, furnish
from tests.support.raw_client import connected
from tests.support.routes import Route, every_route
from tests.support.serving import serving

from pointsman.access.permissions import ROLES, Access
from pointsman.server.protocol import BoundedProtocol
from pointsman.server.routes import PATHS, Path

ROUTES = every_route()
GUARDED = [route for route in ROUTES if route.path.access != "open"]
#: What a proxy, a page or a joker may say of where a request comes from.
HOSTILE = (
    {"host": "evil.test"},
    {"host": "127.0.0.1.evil.test"},
    {"host": "localhost", "x-forwarded-host": "localhost", "x-forwarded-for": "127.0.0.1"},
    {"x-original-url": "/health", "x-rewrite-url": "/health", "x-http-method-override": "GET"},
    {"origin": "http://localhost", "forwarded": "for=127.0.0.1;host=localhost"},
)
#: Other spellings of a path, as they stand in a request's first line.
SPELLINGS = (
    "http://evil.test{0}",
    "http://localhost{0}",
    "/{0}",
    "/.{0}",
    "/health/..{0}",
    "/health/%2e%2e{0}",
    "/%2e{0}",
    "/health;{0}",
    "/health%2f..{0}",
    "/health%00{0}",
    "/health\\..{0}",
    "{0}/",
    "{0}/.",
    "{0}/..;/",
    "{0};.css",
    "{0}.json",
    "{0}%00",
    "{0}%20",
    "{0}?/health",
    "{0}%3f/health",
    "{0}%252e",
    "{0}//",
    "{0}#/health",
    "{1}",
    "{2}",
)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    furnished = await furnish()
    yield furnished
    await furnished.gateway.close()


def check(route: Route, who: str, got: Got) -> None:
    """The answer to a credential is the one that the table declares; what comes after is not asked."""
    access, role = route.path.access, ROLE_OF.get(who)
    about = f"{route} as {who}: {got.status} {got.body[:200]!r}"
    lacks_a_role = got.status == 403 and b"a key of the role" in got.body
    if access == "open":
        assert got.status not in {401, 403}, about
    elif role is None:
        assert got.status == 401, about
        assert (b"www-authenticate", b"Bearer") in got.headers, about
    elif role not in ROLES[access]:
        assert got.status == 403, about
        assert lacks_a_role or route.method == "HEAD", about
    else:
        assert got.status != 401, about
        assert not lacks_a_role, about
    assert got.status < 500 or got.status == 503, about


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_every_route_with_every_credential(house: House, carrier: str) -> None:
    for route in ROUTES:
        check(route, "nobody", await house.ask(route))
        for who in (*ROLE_OF, *REFUSED):
            headers = CARRIERS[carrier](house.keys[who])
            check(route, who, await house.ask(route, headers))


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_nothing_that_is_said_of_the_origin_opens_a_door(house: House, carrier: str) -> None:
    for route in ROUTES:
        for lie in HOSTILE:
            check(route, "nobody", await house.ask(route, lie))
            for who in ("wrong", "expired", "user", "reader"):
                headers = {**CARRIERS[carrier](house.keys[who]), **lie}
                check(route, who, await house.ask(route, headers))


async def test_two_keys_at_once_are_none(house: House) -> None:
    for route in GUARDED:
        for one, other in (("user", "admin"), ("admin", "wrong"), ("wrong", "admin")):
            both = {**CARRIERS["bearer"](house.keys[one]), "x-api-key": house.keys[other]}
            check(route, "nobody", await house.ask(route, both))


@pytest.mark.parametrize("who", ["admin of globex"])
async def test_anothers_records_are_not_there(house: House, who: str) -> None:
    before = await house.canary()
    headers = CARRIERS["bearer"](house.keys[who])
    asked = 0
    for route in GUARDED:
        if (ids := house.acmes(route)) and route.parameters:
            got = await house.ask(route, headers, ids=ids)
            made_up = await house.ask(route, headers, ids=dict.fromkeys(ids, "pm_made_up"))
            asked += 1
            assert (got.status, made_up.status) == (404, 404), f"{route}: {got.body!r}"
    about = {"request_id": house.acme["/v1/decisions"]["request_id"]}
    feedback = next(route for route in ROUTES if route.pattern == "/v1/feedback")
    body = b'{"request_id": "%b", "rating": -1}' % about["request_id"].encode()

    assert (await house.ask(feedback, headers, body=body)).status == 404
    assert asked >= 8
    assert await house.canary() == before


@pytest.mark.parametrize("who", ["admin of globex", "nobody"])
async def test_no_path_names_another_organisation_or_what_is_its_own(
    house: House, who: str
) -> None:
    """Its id is in the ids of its deployments, too."""
    headers = CARRIERS["bearer"](house.keys[who]) if who in house.keys else {}
    for route in ROUTES:
        if route.method == "GET" and not route.parameters and not route.path.is_long:
            got = await house.ask(route, headers)
            assert b"acme" not in got.body, f"{route}: {got.body!r}"
            assert CANARY.encode() not in got.body, f"{route}: {got.body!r}"


async def test_methods_that_no_path_has(house: House) -> None:
    for pattern in {route.pattern: route for route in ROUTES}.values():
        for method in ("PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "POST\n"):
            odd = dataclasses.replace(pattern, method=method)
            got = await house.ask(odd)
            assert got.status == 405, f"{odd}: {got.body!r}"


async def test_no_other_spelling_of_a_path_opens_a_door(house: House) -> None:
    """As they come over a wire, without a key and with one that may not manage."""
    async with serving(house.app, protocol=BoundedProtocol) as address:
        gate = asyncio.Semaphore(16)

        async def ask(route: Route, target: str, headers: Mapping[str, str]) -> None:
            said = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
            head = f"{route.method} {target} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n"
            async with gate, connected(address) as connection:
                await connection.send(f"{head}{said}connection: close\r\n\r\n".encode("latin-1"))
                heard = await connection.hear()
            assert heard.status in {400, 401, 403, 404, 405}, f"{target}: {heard}"

        user = CARRIERS["bearer"](house.keys["user"])
        await asyncio.gather(
            *(
                ask(route, target, headers)
                for route in GUARDED
                if route.method != "HEAD"
                for target in spellings(route.at())
                for headers in ([{}, user] if route.path.access == "manage" else [{}])
            )
        )


def spellings(path: str) -> list[str]:
    first = "".join(f"%{ord(char):02x}" for char in path[1:3])
    return [each.format(path, path.upper(), f"/{first}{path[3:]}") for each in SPELLINGS]


def test_a_path_states_who_may_call_it() -> None:
    access = next(each for each in fields(Path) if each.name == "access")

    assert access.required
    assert {path.access for path in PATHS} == set(get_args(Access))
    assert {route.pattern for route in ROUTES if route.path.access == "open"} == {
        "/", "/health", "/health/live", "/health/ready", "/api/version", "/docs", "/openapi.json",
        "/dashboard", "/dashboard/session", "/dashboard/{file:path}",
    }  # fmt: skip
    changing = [route for route in ROUTES if route.method == "DELETE"]
    assert {str(each) for each in changing if each.path.access != "manage"} == {
        "DELETE /dashboard/session",
        "DELETE /v1/files/{file_id}",
    }


async def test_nothing_is_routed_that_the_table_does_not_have(house: House) -> None:
    router = house.app.app.app
    routed = {route.path for route in router.routes if isinstance(route, Routed)}

    assert routed == {route.pattern for route in ROUTES}
