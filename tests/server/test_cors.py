"""Calls from web pages: only from where the operator says, and asked for as browsers ask."""

import pytest
from tests.gateway import Gateway, StartGateway

from pointsman.config import ServerSettings

CHAT = "/v1/chat/completions"
HELLO = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
PAGE = "https://app.example"
ELSEWHERE = "https://evil.example"


def preflight(origin: str, **more: str) -> dict[str, str]:
    """What a browser asks before it sends a JSON body with a key."""
    return {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-force-route",
        **more,
    }


async def for_page(start: StartGateway, *origins: str, **more: object) -> Gateway:
    return await start(server=ServerSettings(cors_origins=origins), **more)


async def test_off_by_default(gateway: Gateway) -> None:
    asked = await gateway.client.options(CHAT, headers=preflight("http://localhost:3000"))
    sent = await gateway.client.post(CHAT, json=HELLO, headers={"origin": "http://localhost:3000"})

    assert asked.status_code == 405
    headers = {*asked.headers, *sent.headers}
    assert not [name for name in headers if name.startswith("access-control-")]


async def test_a_preflight_needs_no_key_and_names_what_may_be_sent(start: StartGateway) -> None:
    gateway = await for_page(start, PAGE, api_key="s3cret")

    asked = await gateway.client.options(CHAT, headers=preflight(PAGE))

    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == PAGE
    assert "POST" in asked.headers["access-control-allow-methods"]
    allowed = asked.headers["access-control-allow-headers"]
    assert {"authorization", "content-type", "x-force-route"} <= set(allowed.split(","))


@pytest.mark.parametrize("stream", [False, True])
async def test_a_page_that_is_let_in_may_read_the_reply_and_its_headers(
    start: StartGateway, *, stream: bool
) -> None:
    gateway = await for_page(start, PAGE)

    reply = await gateway.client.post(
        CHAT, json={**HELLO, "stream": stream}, headers={"origin": PAGE}
    )

    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == PAGE
    assert reply.headers["access-control-expose-headers"] == "*"
    assert reply.headers["x-pointsman-model"] == "weak"


async def test_it_may_read_errors_too(start: StartGateway) -> None:
    gateway = await for_page(start, PAGE, api_key="s3cret")

    no_key = await gateway.client.post(CHAT, json=HELLO, headers={"origin": PAGE})
    no_path = await gateway.client.get("/nowhere", headers={"origin": PAGE})

    assert (no_key.status_code, no_path.status_code) == (401, 404)
    for reply in (no_key, no_path):
        assert reply.headers["access-control-allow-origin"] == PAGE


async def test_a_page_from_elsewhere_is_refused(start: StartGateway) -> None:
    gateway = await for_page(start, PAGE)
    weak = gateway.tell("weak")

    asked = await gateway.client.options(CHAT, headers=preflight(ELSEWHERE))
    sent = await gateway.client.post(CHAT, json=HELLO, headers={"origin": ELSEWHERE})

    assert (asked.status_code, sent.status_code) == (400, 401)
    for reply in (asked, sent):
        assert "access-control-allow-origin" not in reply.headers
    assert weak.log == []


async def test_a_preflight_has_its_id_like_every_reply(start: StartGateway) -> None:
    gateway = await for_page(start, PAGE)

    asked = [
        await gateway.client.options(CHAT, headers=preflight(origin))
        for origin in (PAGE, PAGE, ELSEWHERE)
    ]

    ids = [reply.headers["x-request-id"] for reply in asked]
    assert all(each.startswith("req_") for each in ids)
    assert len(set(ids)) == 3


async def test_any_page_may_call_where_the_operator_says_so(start: StartGateway) -> None:
    gateway = await for_page(start, "*")

    reply = await gateway.client.post(CHAT, json=HELLO, headers={"origin": ELSEWHERE})

    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == "*"


async def test_a_public_page_that_is_let_in_may_reach_into_the_private_network(
    start: StartGateway,
) -> None:
    gateway = await for_page(start, PAGE)
    asking = {"access-control-request-private-network": "true"}

    asked = await gateway.client.options(CHAT, headers=preflight(PAGE, **asking))
    elsewhere = await gateway.client.options(CHAT, headers=preflight(ELSEWHERE, **asking))

    assert asked.status_code == 200
    assert asked.headers["access-control-allow-private-network"] == "true"
    assert elsewhere.status_code == 400
