"""`/v1/models`, in OpenAI's shape and in Anthropic's."""

import pytest
from tests.gateway import Gateway, StartGateway

CLAUDE = {"anthropic-version": "2023-06-01"}
NAMES = ["auto", "local", "cloud", "simple", "complex", "weak", "strong"]


async def page(gateway: Gateway, query: str = "") -> dict[str, object]:
    reply = await gateway.client.get(f"/v1/models?{query}", headers=CLAUDE)
    assert reply.status_code == 200
    return reply.json()


def ids(page: dict[str, object]) -> list[str]:
    return [model["id"] for model in page["data"]]


async def test_openais_clients_get_all_at_once(gateway: Gateway) -> None:
    listed = (await gateway.client.get("/v1/models?limit=2&after=auto")).json()

    assert listed["object"] == "list"
    assert ids(listed) == NAMES
    assert {model["owned_by"] for model in listed["data"]} == {"pointsman", "scripted"}
    assert all(model["created"] > 0 for model in listed["data"])


async def test_anthropics_clients_get_their_own_shape(gateway: Gateway) -> None:
    whole = await page(gateway)

    assert set(whole) == {"data", "has_more", "first_id", "last_id"}
    assert ids(whole) == NAMES
    assert (whole["has_more"], whole["first_id"], whole["last_id"]) == (False, "auto", "strong")
    assert whole["data"][0] == {
        "type": "model",
        "id": "auto",
        "display_name": "auto",
        "created_at": "2026-11-21T00:00:00Z",
        "lifecycle": "active",
    }


async def test_anthropics_clients_may_turn_pages(gateway: Gateway) -> None:
    seen: list[str] = []
    query = "limit=3"
    while True:
        part = await page(gateway, query)
        seen += ids(part)
        assert len(part["data"]) <= 3
        if not part["has_more"]:
            break
        query = f"limit=3&after_id={part['last_id']}"

    assert seen == NAMES


@pytest.mark.parametrize(
    ("query", "shown", "more"),
    [
        ("limit=2", ["auto", "local"], True),
        ("limit=7", NAMES, False),
        ("limit=1000", NAMES, False),
        ("limit=2&after_id=weak", ["strong"], False),
        ("after_id=strong", [], False),
        ("limit=2&before_id=strong", ["complex", "weak"], True),
        ("limit=2&before_id=cloud", ["auto", "local"], False),
    ],
)
async def test_a_page(gateway: Gateway, query: str, shown: list[str], *, more: bool) -> None:
    part = await page(gateway, query)

    assert (ids(part), part["has_more"]) == (shown, more)
    assert part["first_id"] == (shown[0] if shown else None)
    assert part["last_id"] == (shown[-1] if shown else None)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "limit=²", "after_id=nope", "before_id=nope"]
)
async def test_a_page_that_does_not_exist(gateway: Gateway, query: str) -> None:
    reply = await gateway.client.get(f"/v1/models?{query}", headers=CLAUDE)

    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"


async def test_a_single_model_in_anthropics_shape(gateway: Gateway) -> None:
    found = await gateway.client.get("/v1/models/weak", headers=CLAUDE)
    unknown = await gateway.client.get("/v1/models/nope", headers=CLAUDE)

    assert (found.json()["type"], found.json()["id"]) == ("model", "weak")
    assert unknown.status_code == 404
    assert unknown.json()["error"]["type"] == "not_found_error"
    assert unknown.json()["request_id"] == unknown.headers["request-id"]


async def test_whatever_may_be_asked_for_is_found(start: StartGateway) -> None:
    """Names that fit a pattern are not listed, but they are there."""
    gateway = await start(aliases={"gpt-4o*": "auto", "mini": "weak"})

    listed = ids((await gateway.client.get("/v1/models")).json())
    found = [await gateway.client.get(f"/v1/models/{name}") for name in ("gpt-4o-mini", "mini")]

    assert "mini" in listed
    assert "gpt-4o*" not in listed
    assert [reply.json()["id"] for reply in found] == ["gpt-4o-mini", "mini"]
    assert [reply.json()["owned_by"] for reply in found] == ["pointsman", "scripted"]
