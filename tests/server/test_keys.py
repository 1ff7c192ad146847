"""Keys over HTTP: the first one, what each role may do, and when one ends."""

from collections.abc import Mapping

import httpx2
import pytest
from tests.gateway import Gateway, StartGateway

from pointsman.clock import ManualClock
from pointsman.config import CacheSettings

ADMIN = {"role": "admin", "everywhere": True}


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def make(gateway: Gateway, by: Mapping[str, str] | None = None, **wish: object) -> str:
    """A new key, whole."""
    made = await gateway.client.post("/v1/keys", json=wish, headers=by)
    assert made.status_code == 201, made.text
    return made.json()["key"]


async def owner(gateway: Gateway) -> dict[str, str]:
    """The first key, as headers."""
    return bearer(await make(gateway, **ADMIN))


def error_of(reply: httpx2.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def test_the_first_key_ends_the_time_when_anybody_is_let_in(gateway: Gateway) -> None:
    assert (await gateway.chat()).status_code == 200

    admin = await owner(gateway)

    for headers in ({}, bearer("any"), {"x-api-key": "any"}, {"host": "localhost"}):
        refused = await gateway.chat(headers=headers)
        assert error_of(refused) == (401, "invalid_api_key")
        assert refused.headers["www-authenticate"] == "Bearer"
    assert (await gateway.chat(headers=admin)).status_code == 200
    assert (await gateway.client.get("/health")).status_code == 200


async def test_a_key_is_shown_whole_once(gateway: Gateway) -> None:
    admin = await owner(gateway)
    made = (await gateway.client.post("/v1/keys", json={"name": "ci"}, headers=admin)).json()
    key_id, text = made["id"], made["key"]
    assert text.startswith(f"{key_id}_")

    shown = await gateway.client.get(f"/v1/keys/{key_id}", headers=admin)
    listed = await gateway.client.get("/v1/keys", headers=admin)
    changed = await gateway.client.post(f"/v1/keys/{key_id}", json={}, headers=admin)

    del made["key"]
    assert shown.json() == changed.json() == listed.json()["data"][1] == made
    for reply in (shown, changed, listed):
        assert text not in reply.text
        assert text.removeprefix(f"{key_id}_") not in reply.text
    assert made == {
        "id": key_id,
        "object": "api_key",
        "name": "ci",
        "organisation": "default",
        "role": "user",
        "everywhere": False,
        "active": True,
        "created": made["created"],
        "expires": None,
        "grace_until": None,
        "models": None,
        "tiers": None,
        "routes": None,
        "privacy": None,
        "limits": {"requests_per_minute": None, "tokens_per_minute": None, "concurrent": None},
        "budgets": {"per_day": None, "per_month": None, "allow_unpriced": None},
        "member": None,
    }


async def test_a_revocation_takes_effect_with_the_next_request(gateway: Gateway) -> None:
    admin = await owner(gateway)
    text = await make(gateway, admin)
    key_id = text[:11]

    async def with_it() -> int:
        return (await gateway.chat(headers=bearer(text))).status_code

    async def set_active(*, active: bool) -> None:
        path = f"/v1/keys/{key_id}"
        done = await gateway.client.post(path, json={"active": active}, headers=admin)
        assert done.json()["active"] is active

    assert await with_it() == 200
    await set_active(active=False)
    assert await with_it() == 401
    await set_active(active=True)
    assert await with_it() == 200
    gone = await gateway.client.delete(f"/v1/keys/{key_id}", headers=admin)
    assert gone.json() == {"id": key_id, "deleted": True}
    assert await with_it() == 401
    assert error_of(await gateway.client.get(f"/v1/keys/{key_id}", headers=admin)) == (
        404,
        "not_found",
    )


async def test_rotation_and_expiry(timed: Gateway, clock: ManualClock) -> None:
    admin = await owner(timed)
    old = await make(timed, admin, expires="2026-01-03T00:00:00Z")
    rotating = f"/v1/keys/{old[:11]}/rotate"

    rotated = await timed.client.post(rotating, json={"grace_s": 3600}, headers=admin)

    new = rotated.json()["key"]
    assert (new != old, new[:11]) == (True, old[:11])
    assert rotated.json()["grace_until"] == "2026-01-01T01:00:00Z"

    async def statuses() -> list[int]:
        return [(await timed.chat(headers=bearer(key))).status_code for key in (old, new)]

    assert await statuses() == [200, 200]
    clock.advance(3600)
    assert await statuses() == [401, 200]
    newest = (await timed.client.post(rotating, headers=admin)).json()
    assert newest["grace_until"] == "2026-01-02T01:00:00Z"
    clock.advance(48 * 3600)
    expired = await timed.chat(headers=bearer(newest["key"]))
    assert error_of(expired) == (401, "invalid_api_key")
    assert "has expired" in expired.json()["error"]["message"]
    extended = {"expires": None, "name": "for good"}
    await timed.client.post(f"/v1/keys/{old[:11]}", json=extended, headers=admin)
    assert (await timed.chat(headers=bearer(newest["key"]))).status_code == 200


async def test_what_each_role_may_do(gateway: Gateway) -> None:
    admin = await owner(gateway)
    user = bearer(await make(gateway, admin))
    reader = bearer(await make(gateway, admin, role="read-only"))

    async def statuses(headers: dict[str, str]) -> list[int]:
        call, read, manage = (
            await gateway.chat(headers=headers),
            await gateway.client.get("/v1/report", headers=headers),
            await gateway.client.get("/v1/keys", headers=headers),
        )
        return [call.status_code, read.status_code, manage.status_code]

    assert await statuses(admin) == [200, 200, 200]
    assert await statuses(user) == [200, 200, 403]
    assert await statuses(reader) == [403, 200, 403]


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/chat/completions", {"error"}),
        ("/v1/messages", {"type", "error", "request_id"}),
        ("/api/chat", {"error"}),
    ],
)
async def test_a_refusal_is_in_the_clients_own_format(
    gateway: Gateway, path: str, shape: set[str]
) -> None:
    reader = bearer(await make(gateway, await owner(gateway), role="read-only"))

    refused = await gateway.client.post(path, json={}, headers=reader)

    assert refused.status_code == 403
    assert "role `read-only` may not call models" in refused.text
    assert set(refused.json()) == set(shape)


async def test_both_carriers(gateway: Gateway) -> None:
    admin = await owner(gateway)
    one, two = await make(gateway, admin), await make(gateway, admin)

    async def status(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await gateway.chat(headers=named)).status_code

    assert await status(x_api_key=one) == 200
    assert await status(authorization=f"bearer  {one} ") == 200
    assert await status(authorization=f"Bearer {one}", x_api_key=one) == 200
    assert await status(authorization=f"Bearer {one}", x_api_key=two) == 401
    assert await status(authorization=one) == 401
    assert await status(authorization=f"Basic {one}") == 401


async def test_an_admin_of_one_organisation_manages_its_own_keys_only(gateway: Gateway) -> None:
    everywhere = await owner(gateway)
    acme = bearer(await make(gateway, everywhere, organisation="acme", role="admin"))
    theirs = await make(gateway, everywhere, organisation="globex")
    mighty = await make(gateway, everywhere, organisation="acme", **ADMIN)

    mine = await make(gateway, acme, name="mine")

    listed = (await gateway.client.get("/v1/keys", headers=acme)).json()["data"]
    assert [key["name"] for key in listed if key["role"] == "user"] == ["mine"]
    assert {key["organisation"] for key in listed} == {"acme"}
    for text, status in ((theirs, 404), ("pm_nothere1", 404), (mighty, 403)):
        path = f"/v1/keys/{text[:11]}"
        replies = [
            await gateway.client.post(path, json={"active": False}, headers=acme),
            await gateway.client.post(f"{path}/rotate", headers=acme),
            await gateway.client.delete(path, headers=acme),
        ]
        assert [reply.status_code for reply in replies] == [status] * 3
    for wish in (ADMIN, {"organisation": "globex"}):
        refused = await gateway.client.post("/v1/keys", json=wish, headers=acme)
        assert error_of(refused) == (403, "forbidden")
    for text in (theirs, mighty, mine):
        assert (await gateway.chat(headers=bearer(text))).status_code == 200


async def test_whose_records_a_key_sees(gateway: Gateway) -> None:
    everywhere = await owner(gateway)
    acme = bearer(await make(gateway, everywhere, organisation="acme", role="admin"))
    ann = bearer(await make(gateway, acme))
    bob = bearer(await make(gateway, acme))
    eve = bearer(await make(gateway, everywhere, organisation="globex", role="admin"))
    asked = await gateway.chat("Where is the key?", headers=ann)
    request_id = asked.headers["x-request-id"]

    async def seen(headers: dict[str, str]) -> tuple[int, int, int, int]:
        one = await gateway.client.get(f"/v1/decisions/{request_id}", headers=headers)
        page = await gateway.client.get("/v1/decisions", headers=headers)
        sums = await gateway.client.get("/v1/report", headers=headers)
        said = {"request_id": request_id, "rating": 1}
        rated = await gateway.client.post("/v1/feedback", json=said, headers=headers)
        listed, total = page.json()["data"], sums.json()["total"]
        return one.status_code, len(listed), total["requests"], rated.status_code

    for headers, what in (
        (everywhere, (200, 1, 1, 201)),
        (acme, (200, 1, 1, 201)),
        (ann, (200, 1, 1, 201)),
        (bob, (404, 0, 0, 404)),
        (eve, (404, 0, 0, 404)),
    ):
        assert await seen(headers) == what


async def test_whose_cached_replies_an_admin_sees(start: StartGateway) -> None:
    gateway = await start(cache=CacheSettings())
    everywhere = await owner(gateway)
    acme, globex = [
        bearer(await make(gateway, everywhere, organisation=name, role="admin"))
        for name in ("acme", "globex")
    ]
    user = bearer(await make(gateway, acme))
    first = await gateway.chat(headers=user)
    assert (await gateway.chat(headers=globex)).headers["x-pointsman-cache"] == "miss"

    async def held(headers: dict[str, str], query: str = "") -> httpx2.Response:
        return await gateway.client.get(f"/v1/cache{query}", headers=headers)

    reply_id = (await held(acme)).json()["data"][0]["id"]
    assert first.status_code == 200
    assert [(await held(each)).json()["count"] for each in (everywhere, acme, globex)] == [2, 1, 1]
    assert (await held(user)).status_code == 403
    assert error_of(await held(globex, "?organisation=acme")) == (403, "forbidden")
    path = f"/v1/cache/{reply_id}"
    assert (await gateway.client.get(path, headers=globex)).status_code == 404
    assert (await gateway.client.delete(path, headers=globex)).status_code == 404
    cleared = await gateway.client.delete("/v1/cache?all=true", headers=globex)
    assert cleared.json() == {"removed": 1}
    assert (await gateway.client.get(path, headers=acme)).status_code == 200
    stats = "/v1/analytics/cache-stats"
    assert (await gateway.client.get(stats, headers=acme)).json()["replies"] == 1
    anew = await gateway.client.delete(f"{stats}/auto", headers=acme)
    assert error_of(anew) == (403, "forbidden")


async def test_a_key_is_shown_the_models_that_it_may_use(gateway: Gateway) -> None:
    admin = await owner(gateway)
    narrow = bearer(await make(gateway, admin, models=["weak"], routes=["auto", "weak"]))

    async def names(path: str, headers: dict[str, str]) -> list[str]:
        told = (await gateway.client.get(path, headers=headers)).json()
        return [each.get("id") or each["name"] for each in told.get("data") or told["models"]]

    everything = ["auto", "local", "cloud", "simple", "complex", "weak", "strong"]
    assert await names("/v1/models", admin) == everything
    assert await names("/v1/models", narrow) == ["auto", "weak"]
    assert len(await names("/api/tags", narrow)) == 2
    unknown = await gateway.client.get("/v1/models/strong", headers=narrow)
    assert error_of(unknown) == (404, "model_not_found")
    assert (await gateway.client.get("/v1/models/weak", headers=narrow)).status_code == 200
    misspelt = await gateway.chat(model="weal", headers=narrow)
    assert "there are: auto, weak. " in misspelt.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "not valid JSON"),
        (b"[]", "the body does not fit: expected an object, got a list"),
        (b'{"role": "owner"}', "role"),
        (b'{"digest": "00"}', "unknown field `digest`"),
        (b'{"name": "a\\u0000b"}', "`name` must be"),
        (b'{"name": "a", "name": "b"}', "twice"),
        (b'{"organisation": "a/b"}', "`organisation` must be"),
        (b'{"expires": "yesterday"}', "expires"),
        (b'{"expires": "2020-01-01T00:00:00Z"}', "a time to come"),
        (b'{"models": {"$ne": null}}', "models"),
        (b'{"limits": {"requests_per_minute": 1e3}}', "requests_per_minute"),
        (b'{"budgets": {"per_day": -1}}', "`budgets.per_day` must be"),
        (b'{"budgets": {"per_day": "1e-13"}}', "`budgets.per_day` must be"),
    ],
)
async def test_what_is_no_wish(gateway: Gateway, body: bytes, told: str) -> None:
    refused = await gateway.client.post("/v1/keys", content=body)

    assert refused.status_code == 400
    assert told in refused.json()["error"]["message"]
    assert (await gateway.client.get("/v1/keys")).json()["data"] == []


async def test_a_static_key_goes_on_beside_others(start: StartGateway) -> None:
    gateway = await start(api_key="sesame")
    assert (await gateway.chat()).status_code == 401

    made = await make(gateway, bearer("sesame"))

    assert (await gateway.chat(headers=bearer("sesame"))).status_code == 200
    assert (await gateway.chat(headers=bearer(made))).status_code == 200


async def test_money_is_exact(gateway: Gateway) -> None:
    budgets = b'{"budgets": {"per_day": 0.1, "per_month": "12.000000000001"}}'

    made = await gateway.client.post("/v1/keys", content=budgets)

    assert b'"per_day":0.1,"per_month":12.000000000001' in made.content
