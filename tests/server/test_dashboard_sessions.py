"""`/dashboard/session`: signing in with a key, what a session may do, and when it ends."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass

import httpx2
import pytest
from tests.gateway import Gateway, StartGateway

from pointsman.access.sessions import IDLE_S, MOST_PER_KEY
from pointsman.clock import ManualClock

SESSION = "/dashboard/session"
ADMIN = {"role": "admin", "everywhere": True}
OWN = {"sec-fetch-site": "same-origin", "origin": "http://localhost"}
HELLO = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}]}


@dataclass
class Browser:
    """One that keeps a cookie and the token."""

    gateway: Gateway
    cookie: str
    csrf: str

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self.gateway.client.get(path, headers={"cookie": self.cookie, **headers})

    async def send(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] = OWN
    ) -> httpx2.Response:
        """As the dashboard's own page does."""
        shown = {"cookie": self.cookie, "x-pointsman-csrf": self.csrf, **headers}
        return await self.gateway.client.request(method, path, json=body, headers=shown)

    async def is_let_in(self) -> bool:
        status = (await self.get("/v1/report")).status_code
        assert status in {200, 401}
        return status == 200


async def make(gateway: Gateway, by: Mapping[str, str] | None = None, **wish: object) -> str:
    """A new key, whole."""
    made = await gateway.client.post("/v1/keys", json=wish or ADMIN, headers=by)
    assert made.status_code == 201, made.text
    return made.json()["key"]


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def sign_in(gateway: Gateway, key: str, **headers: str) -> Browser:
    """Sign in as a page does."""
    reply = await gateway.client.post(SESSION, json={"key": key}, headers={**OWN, **headers})
    assert reply.status_code == 200, reply.text
    cookie = reply.headers["set-cookie"].partition(";")[0]
    gateway.client.cookies.clear()
    return Browser(gateway, cookie, reply.json()["csrf"])


def code(reply: httpx2.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def test_without_any_key_nobody_needs_to_sign_in(gateway: Gateway) -> None:
    now = await gateway.client.get(SESSION)
    anyway = await gateway.client.post(SESSION, json={"key": "any"})

    assert now.json() == anyway.json() == {
        "needs_key": False,
        "signed_in": True,
        "principal": {"organisation": "default", "key": "anonymous", "role": "admin"},
        "csrf": None,
        "version": now.json()["version"],
        "baseline": "strong",
    }  # fmt: skip
    assert "set-cookie" not in anyway.headers
    assert now.headers["cache-control"] == "no-store"


async def test_a_page_from_elsewhere_is_still_nobody(gateway: Gateway) -> None:
    for headers in ({"origin": "http://evil.test"}, {"host": "evil.test"}):
        now = (await gateway.client.get(SESSION, headers=headers)).json()

        assert (now["signed_in"], now["principal"]) == (False, None)
        assert (await gateway.client.get("/v1/report", headers=headers)).status_code == 401


async def test_a_key_becomes_a_session(gateway: Gateway) -> None:
    key = await make(gateway)
    before = (await gateway.client.get(SESSION)).json()
    reply = await gateway.client.post(SESSION, json={"key": key}, headers=OWN)
    gateway.client.cookies.clear()

    assert (before["needs_key"], before["signed_in"], before["csrf"]) == (True, False, None)
    told = reply.json()
    assert (told["needs_key"], told["signed_in"]) == (True, True)
    assert told["principal"] == {"organisation": "default", "key": key[:11], "role": "admin"}
    cookie, _, rules = reply.headers["set-cookie"].partition("; ")
    assert rules == "Path=/; HttpOnly; SameSite=Strict"
    token = cookie.removeprefix("pointsman-session=")
    assert len(token) == len(told["csrf"]) == 43
    assert token not in reply.text
    assert key not in reply.text + str(reply.headers)
    browser = Browser(gateway, cookie, told["csrf"])
    assert (await browser.get(SESSION)).json() == told
    assert (await browser.get("/v1/keys")).status_code == 200
    assert (await browser.send("POST", "/v1/chat/completions", HELLO)).status_code == 200
    assert (await browser.send("POST", "/v1/keys", {"name": "ci"})).status_code == 201


async def test_who_comes_by_https_gets_a_cookie_that_stays_there(gateway: Gateway) -> None:
    key = await make(gateway)

    for headers in ({"origin": "https://localhost"}, {"x-forwarded-proto": "https"}):
        reply = await gateway.client.post(SESSION, json={"key": key}, headers=headers)
        assert reply.headers["set-cookie"].endswith("; SameSite=Strict; Secure")


@pytest.mark.parametrize("key", ["", "wrong", "pm_aaaaaaaa_x", "\u00fc\U0001f600"])
async def test_what_is_no_key_opens_nothing(gateway: Gateway, key: str) -> None:
    await make(gateway)

    refused = await gateway.client.post(SESSION, json={"key": key}, headers=OWN)

    assert code(refused) == (401, "invalid_api_key")
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", SESSION), ("DELETE", SESSION), ("GET", SESSION), ("GET", "/health")],
)
async def test_of_who_shows_no_key_little_is_read(gateway: Gateway, method: str, path: str) -> None:
    await make(gateway)

    for packed in (False, True):
        body = json.dumps({"key": "x" * 70_000}).encode()
        headers = {**OWN, "content-encoding": "gzip"} if packed else OWN
        sent = gzip.compress(body) if packed else body
        reply = await gateway.client.request(method, path, content=sent, headers=headers)
        assert code(reply) == (413, "request_too_large")


async def test_what_could_come_from_another_page_is_refused(gateway: Gateway) -> None:
    browser = await sign_in(gateway, await make(gateway))
    foreign = (
        {"sec-fetch-site": "cross-site", "origin": "https://evil.test"},
        {"sec-fetch-site": "same-site", "origin": "http://localhost:3000"},
        {"sec-fetch-site": "cross-site", "origin": "http://localhost"},
        {"origin": "http://localhost:3000"},
        {"origin": "null"},
        {"origin": "http://localhost.evil.test"},
    )

    for headers in (*foreign, {}):
        for method, path in (("POST", "/v1/keys"), ("DELETE", "/v1/cache"), ("DELETE", SESSION)):
            refused = await browser.send(method, path, {}, headers)
            assert code(refused) == (403, "forbidden"), headers
    for headers in foreign:
        assert (await browser.get("/v1/export", **headers)).status_code == 403
        assert (await browser.get(SESSION, **headers)).json()["csrf"] is None
    assert len((await browser.get("/v1/keys")).json()["data"]) == 1


@pytest.mark.parametrize("headers", [OWN, {"origin": "http://LOCALHOST"}])
async def test_our_own_page_without_its_token_is_refused(
    gateway: Gateway, headers: Mapping[str, str]
) -> None:
    browser = await sign_in(gateway, await make(gateway))
    other = await sign_in(
        gateway, await make(gateway, {"cookie": "", **bearer(await _admin(browser))})
    )

    for token in ("", "x", browser.csrf[:-1], other.csrf, "\u00fc"):
        tried = Browser(gateway, browser.cookie, token)
        refused = await gateway.client.request(
            "POST",
            "/v1/keys",
            json={},
            headers=[
                (b"cookie", tried.cookie.encode()),
                (b"x-pointsman-csrf", token.encode()),
                *((name.encode(), text.encode()) for name, text in headers.items()),
            ],
        )
        assert code(refused) == (403, "forbidden")
    assert (await browser.send("POST", "/v1/keys", {}, headers)).status_code == 201


async def _admin(browser: Browser) -> str:
    """Another admin's key, made in the browser."""
    return (await browser.send("POST", "/v1/keys", ADMIN)).json()["key"]


async def test_a_foreign_page_signs_nobody_in(gateway: Gateway) -> None:
    key = await make(gateway)

    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "http://evil.test"}):
        refused = await gateway.client.post(SESSION, json={"key": key}, headers=headers)
        assert code(refused) == (403, "forbidden")
        assert "set-cookie" not in refused.headers


async def test_a_key_in_a_header_goes_before_the_cookie(gateway: Gateway) -> None:
    key = await make(gateway)
    browser = await sign_in(gateway, key)
    user = await make(gateway, bearer(key), organisation="acme")

    for headers in (bearer(user), {"x-api-key": user}):
        now = (await browser.get(SESSION, **headers)).json()
        assert now["principal"] == {"organisation": "acme", "key": user[:11], "role": "user"}
        assert now["csrf"] is None
        assert (await browser.get("/v1/keys", **headers)).status_code == 403
    assert (await browser.get("/v1/keys", authorization="Bearer wrong")).status_code == 401
    proxys = "Basic dXNlcjpwYXNz"
    assert (await browser.get("/v1/keys", authorization=proxys)).status_code == 200


async def test_signing_out(gateway: Gateway) -> None:
    browser = await sign_in(gateway, await make(gateway))
    assert (await browser.send("DELETE", SESSION, headers={})).status_code == 403
    assert await browser.is_let_in()

    for _ in range(2):
        out = await browser.send("DELETE", SESSION)
        assert out.status_code == 200
        assert (out.json()["signed_in"], out.json()["csrf"]) == (False, None)
        assert out.headers["set-cookie"] == (
            "pointsman-session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
        )
        assert not await browser.is_let_in()


async def test_signing_in_anew_ends_the_session_that_was(gateway: Gateway) -> None:
    key = await make(gateway)
    first = await sign_in(gateway, key)

    second = await sign_in(gateway, key, cookie=first.cookie)

    assert not await first.is_let_in()
    assert await second.is_let_in()


async def test_idleness_ends_a_session(timed: Gateway, clock: ManualClock) -> None:
    browser = await sign_in(timed, await make(timed))
    for _ in range(3):
        clock.advance(IDLE_S)
        assert await browser.is_let_in()

    clock.advance(IDLE_S + 1)

    assert not await browser.is_let_in()
    assert (await browser.get(SESSION)).json()["signed_in"] is False


async def test_a_session_ends_with_its_key(timed: Gateway, clock: ManualClock) -> None:
    admin = bearer(await make(timed))

    async def change(key: str, method: str, rest: str = "", **wish: object) -> None:
        path = f"/v1/keys/{key[:11]}{rest}"
        body = None if method == "DELETE" else wish
        done = await timed.client.request(method, path, json=body, headers=admin)
        assert done.status_code == 200, done.text

    keys = [await make(timed, admin, role="user") for _ in range(5)]
    browsers = [await sign_in(timed, key) for key in keys]
    deleted, deactivated, rotated, with_grace, expiring = keys
    soon = f"{clock.now().replace(minute=1):%Y-%m-%dT%H:%M:%SZ}"
    await change(with_grace, "POST", "/rotate", grace_s=60)
    await change(expiring, "POST", expires=soon)
    assert [await each.is_let_in() for each in browsers] == [True] * 5

    await change(deleted, "DELETE")
    await change(deactivated, "POST", active=False)
    await change(rotated, "POST", "/rotate", grace_s=0)

    assert [await each.is_let_in() for each in browsers] == [False, False, False, True, True]
    await change(deactivated, "POST", active=True)
    clock.advance(60)
    assert [await each.is_let_in() for each in browsers] == [False] * 5


async def test_a_session_may_at_once_no_more_than_its_key(gateway: Gateway) -> None:
    admin = bearer(await make(gateway))
    key = await make(gateway, admin, role="user")
    browser = await sign_in(gateway, key)
    assert (await browser.send("POST", "/v1/chat/completions", HELLO)).status_code == 200

    wish = {"routes": ["local"]}
    changed = await gateway.client.post(f"/v1/keys/{key[:11]}", json=wish, headers=admin)

    assert changed.status_code == 200, changed.text
    refused = await browser.send("POST", "/v1/chat/completions", HELLO)
    with_key = await gateway.client.post("/v1/chat/completions", json=HELLO, headers=bearer(key))
    assert code(refused) == code(with_key) == (403, "forbidden")


async def test_a_key_has_so_many_sessions_and_ends_none_of_anothers(
    timed: Gateway, clock: ManualClock
) -> None:
    key = await make(timed)
    other = await sign_in(timed, await make(timed, bearer(key), role="user"))
    browsers = []
    for _ in range(MOST_PER_KEY):
        clock.advance(1)
        browsers.append(await sign_in(timed, key))
    clock.advance(1)
    assert await browsers[0].is_let_in()

    clock.advance(1)
    browsers.append(await sign_in(timed, key))

    let_in = [await each.is_let_in() for each in browsers]
    assert let_in == [True, False, *[True] * (MOST_PER_KEY - 1)]
    assert await other.is_let_in()


async def test_a_cookie_that_is_none(gateway: Gateway) -> None:
    browser = await sign_in(gateway, await make(gateway))
    token = browser.cookie.partition("=")[2]
    cases = {
        f"a=b; {browser.cookie}; c": 200,
        f"{browser.cookie}; pointsman-session=slipped-in": 401,
        f"pointsman-session=slipped-in; {browser.cookie}": 401,
        f"pointsman-session={token[:-1]}": 401,
        f"pointsman-sessio={token}": 401,
        f"pointsman-session = {token}": 401,
        "pointsman-session=": 401,
        ";;=;": 401,
    }
    for cookie, status in cases.items():
        got = await gateway.client.get("/v1/report", headers={"cookie": cookie})
        assert got.status_code == status, cookie


async def test_two_gateways_on_one_host_keep_their_sessions_apart(gateway: Gateway) -> None:
    key = await make(gateway)
    there = {"host": "localhost:7071", "origin": "http://localhost:7071"}

    here, other = await sign_in(gateway, key), await sign_in(gateway, key, **there)

    assert other.cookie.startswith("pointsman-session-7071=")
    both = f"{here.cookie}; {other.cookie}"
    for browser, host in ((here, "localhost"), (other, "localhost:7071")):
        got = await browser.get(SESSION, cookie=both, host=host)
        assert got.json()["csrf"] == browser.csrf
    assert (await other.get("/v1/report", host="localhost:7072")).status_code == 401


async def test_the_configured_key_signs_in_too(start: StartGateway) -> None:
    gateway = await start(api_key="s3cret \u00fc")

    browser = await sign_in(gateway, "s3cret \u00fc")

    now = (await browser.get(SESSION)).json()
    assert now["principal"] == {"organisation": "default", "key": "static", "role": "admin"}
