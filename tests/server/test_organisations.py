"""Organisations, their members, what they pay with and what is their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import httpx2
import pytest
from tests.gateway import FRESH, Gateway, StartGateway
from tests.support.paid_upstream import PaidUpstream
from tests.support.serving import serving

from pointsman.access.directory import place_of
from pointsman.config import ModelSettings, Settings, TenantSettings
from pointsman.storage.vault import Vault, new_key
from pointsman.types import ProviderKey

OPERATORS, ACMES, GLOBEXS = (
    "sk-operator-0123456789abcdef",
    "sk-acme-0123456789abcdef01",
    "sk-globex-0123456789abcdef",
)
PATH = "/v1/organisations"


@dataclass
class Place:
    """A gateway, the upstream that it calls, and keys for it."""

    gateway: Gateway
    upstream: PaidUpstream
    address: str
    operator: dict[str, str]
    acme: dict[str, str]
    globex: dict[str, str]

    async def post(self, path: str, body: object, by: dict[str, str]) -> httpx2.Response:
        return await self.gateway.client.post(path, json=body, headers=by)

    async def get(self, path: str, by: dict[str, str]) -> httpx2.Response:
        return await self.gateway.client.get(path, headers=by)

    async def delete(self, path: str, by: dict[str, str]) -> httpx2.Response:
        return await self.gateway.client.delete(path, headers=by)

    async def names(self, by: dict[str, str]) -> set[str]:
        listed = (await self.get("/v1/models", by)).json()["data"]
        return {each["id"] for each in listed} - {"auto", "local", "cloud", "simple"}

    async def chat(self, by: dict[str, str], model: str = "auto") -> httpx2.Response:
        return await self.gateway.chat(headers=by, model=model)


def settings(address: str, **more: object) -> Settings:
    models = {
        "gpt": ModelSettings(
            provider="openai", model="gpt", tier="simple", base_url=address, api_key=OPERATORS
        ),
        "acmes": ModelSettings(
            provider="scripted", model="a", tier="simple", weight=0, organisations={"acme"}
        ),
    }
    tenants = TenantSettings(encryption_key=new_key(), base_urls=(address,))
    return Settings(models=models, cache=FRESH, **{"tenants": tenants, **more})


async def key(gateway: Gateway, by: dict[str, str], **wish: object) -> dict[str, str]:
    made = await gateway.client.post("/v1/keys", json=wish, headers=by)
    assert made.status_code == 201, made.text
    return {"authorization": f"Bearer {made.json()['key']}"}


@pytest.fixture
async def place(start: StartGateway) -> AsyncIterator[Place]:
    upstream = PaidUpstream()
    async with serving(upstream) as address:
        gateway = await start(settings(f"{address}/v1"))
        operator = await key(gateway, {}, role="admin", everywhere=True)
        acme, globex = [
            await key(gateway, operator, organisation=each, role="admin")
            for each in ("acme", "globex")
        ]
        made = Place(gateway, upstream, f"{address}/v1", operator, acme, globex)
        assert (await made.post(PATH, {"id": "acme", "name": "Acme"}, operator)).status_code == 201
        assert (await made.post(PATH, {"id": "globex"}, globex)).status_code == 201
        yield made


def error_of(reply: httpx2.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def test_no_log_shows_what_organisations_pay_with(place: Place):
    hidden = set[str]()
    place.gateway.app.hide = hidden.update
    own = {"id": "own", "provider": "openai", "model": "m", "base_url": place.address}

    paid = {"provider": "openai", "key": ACMES}
    assert (await place.post(f"{PATH}/acme/provider-keys", paid, place.acme)).status_code == 201
    made = await place.post(
        f"{PATH}/globex/deployments", {**own, "tier": "simple", "api_key": GLOBEXS}, place.globex
    )

    assert made.status_code == 201, made.text
    assert {OPERATORS, ACMES, GLOBEXS} <= hidden


async def test_the_gateways_own_stays(place: Place):
    """Whose admins' keys would go with it."""
    assert (await place.post(PATH, {"id": "default"}, place.operator)).status_code == 201
    refused = await place.delete(f"{PATH}/default", place.operator)
    assert error_of(refused)[0] == 400
    assert (await place.chat(place.operator)).status_code == 200


async def test_an_organisation_is_made_named_and_removed(place: Place):
    made = await place.post(PATH, {"id": "initech"}, place.operator)
    renamed = await place.post(f"{PATH}/initech", {"name": "Initech, Inc."}, place.operator)
    theirs = await key(place.gateway, place.operator, organisation="initech")

    assert (made.status_code, renamed.json()["name"]) == (201, "Initech, Inc.")
    assert (await place.chat(theirs)).status_code == 200
    gone = await place.delete(f"{PATH}/initech", place.operator)
    assert gone.json() == {"id": "initech", "deleted": True}
    assert (await place.chat(theirs)).status_code == 401
    assert error_of(await place.get(f"{PATH}/initech", place.operator)) == (404, "not_found")
    for path, wish in ((PATH, {"id": "initech"}), ("/v1/keys", {"organisation": "initech"})):
        again = await place.post(path, wish, place.operator)
        assert again.status_code == 400, "whoever got the id would get what the first one left"
        assert "there was an organisation 'initech'" in again.json()["error"]["message"]


async def test_who_manages_which(place: Place):
    async def listed(by: dict[str, str]) -> list[str]:
        return [each["id"] for each in (await place.get(PATH, by)).json()["data"]]

    assert await listed(place.operator) == ["acme", "globex"]
    assert await listed(place.acme) == ["acme"]
    for path in (f"{PATH}/globex", f"{PATH}/globex/members", f"{PATH}/globex/provider-keys"):
        assert error_of(await place.get(path, place.acme)) == (404, "not_found")
    assert error_of(await place.post(PATH, {"id": "more"}, place.acme)) == (403, "forbidden")
    assert error_of(await place.delete(f"{PATH}/acme", place.acme)) == (403, "forbidden")
    user = await key(place.gateway, place.acme)
    assert error_of(await place.get(PATH, user)) == (403, "forbidden")


async def test_an_organisation_that_is_only_a_name_goes_on(place: Place):
    only = await key(place.gateway, place.operator, organisation="only-a-name", role="admin")

    assert (await place.chat(only)).status_code == 200
    assert (await place.get(PATH, only)).json()["data"] == []
    missing = await place.get(f"{PATH}/only-a-name/members", only)
    assert error_of(missing) == (404, "not_found")
    assert (await place.post(PATH, {"id": "only-a-name"}, only)).status_code == 201


async def test_a_members_keys_do_no_more_than_they_and_end_with_them(place: Place):
    members = f"{PATH}/acme/members"
    taken_in = await place.post(
        members, {"person": "ann@acme.example", "role": "admin"}, place.acme
    )
    ann = taken_in.json()
    anns = await key(place.gateway, place.acme, organisation="acme", role="admin", member=ann["id"])

    assert (await place.get("/v1/keys", anns)).status_code == 200
    lowered = await place.post(f"{members}/{ann['id']}", {"role": "user"}, place.acme)
    assert lowered.json()["role"] == "user"
    assert (await place.get("/v1/keys", anns)).status_code == 403
    assert (await place.chat(anns)).status_code == 200
    await place.post(f"{members}/{ann['id']}", {"role": "read-only"}, place.acme)
    assert (await place.chat(anns)).status_code == 403
    assert (await place.delete(f"{members}/{ann['id']}", place.acme)).status_code == 200
    assert (await place.chat(anns)).status_code == 401
    assert (await place.get(members, place.acme)).json()["data"] == []


async def test_whose_keys_can_be_made(place: Place):
    members = f"{PATH}/acme/members"
    bob = (await place.post(members, {"person": "bob"}, place.acme)).json()["id"]

    async def refused(by: dict[str, str], **wish: object) -> tuple[int, str]:
        return error_of(await place.post("/v1/keys", {"member": bob, **wish}, by))

    assert await refused(place.acme, role="admin") == (403, "forbidden")
    assert await refused(place.acme, role="read-only") == (403, "forbidden")
    assert (await refused(place.globex))[0] == 400
    assert (await refused(place.operator, organisation="globex"))[0] == 400
    again = await place.post(members, {"person": "BOB"}, place.acme)
    assert again.status_code == 400


async def test_its_own_key_pays_for_its_calls_and_for_nobody_elses(place: Place):
    keys = f"{PATH}/acme/provider-keys"

    put = await place.post(keys, {"provider": "openai", "key": ACMES}, place.acme)

    assert put.status_code == 201
    assert put.json()["last4"] == ACMES[-4:]
    assert ACMES not in put.text + (await place.get(keys, place.acme)).text
    for by in (place.acme, place.globex, place.operator, place.acme):
        assert (await place.chat(by)).status_code == 200
    assert place.upstream.keys == [ACMES, OPERATORS, OPERATORS, ACMES]
    assert (await place.delete(f"{keys}/openai", place.acme)).status_code == 200
    await place.chat(place.acme)
    assert place.upstream.keys[-1] == OPERATORS


async def test_a_key_that_the_provider_refuses_concerns_nobody_else(place: Place):
    keys = f"{PATH}/acme/provider-keys"
    await place.post(keys, {"provider": "openai", "key": ACMES}, place.acme)
    place.upstream.refused.add(ACMES)

    refused = [await place.chat(place.acme, "gpt") for _ in range(20)]

    assert {each.status_code for each in refused} & {200} == set()
    assert ACMES not in "".join(each.text for each in refused)
    records = (await place.get("/v1/decisions", place.acme)).text
    assert '"status":401' in records
    assert ACMES not in records
    assert (await place.chat(place.globex, "gpt")).status_code == 200
    stands = ((place.acme, "open"), (place.globex, "closed"), (place.operator, "closed"))
    for who, breaker in stands:
        shown = (await place.get("/v1/upstreams", who)).json()["upstreams"]
        assert [e["breaker"] for e in shown if e["deployment"] == "gpt"] == [breaker]


async def test_what_is_one_organisations_is_nobody_elses(place: Place):
    assert await place.names(place.acme) == {"gpt", "acmes"}
    assert await place.names(place.globex) == {"gpt"}
    assert error_of(await place.chat(place.globex, "acmes")) == (404, "model_not_found")
    forced = await place.gateway.chat(headers={**place.globex, "x-force-route": "acmes"})
    assert error_of(forced) == (404, "model_not_found")
    assert forced.text.count("acmes") == 1  # what was asked for
    assert (await place.chat(place.acme, "acmes")).status_code == 200
    shown = (await place.get("/v1/upstreams", place.globex)).json()["upstreams"]
    assert [each["deployment"] for each in shown] == ["gpt"]
    everything = (await place.get("/v1/upstreams", place.operator)).json()["upstreams"]
    assert [each["deployment"] for each in everything] == ["gpt", "acmes"]
    for path in ("/health", "/health/ready"):
        assert "acmes" not in (await place.get(path, {})).text
    parts = (await place.get("/health", {})).json()["components"]
    assert parts["deployments"]["detail"].endswith(" of 1 ready")


async def test_it_adds_a_deployment_of_its_own(place: Place):
    own = f"{PATH}/acme/deployments"
    wish = {
        "id": "fine-tuned",
        "provider": "openai-compatible",
        "model": "ft",
        "base_url": place.address,
        "api_key": ACMES,
        "tier": "simple",
    }

    made = await place.post(own, wish, place.acme)

    assert made.status_code == 201, made.text
    assert made.json()["id"] == "acme/fine-tuned"
    assert (made.json()["key"], made.json()["objection"]) == ("own", None)
    assert ACMES not in made.text + (await place.get(own, place.acme)).text
    answered = await place.chat(place.acme, "acme/fine-tuned")
    assert (answered.status_code, place.upstream.keys) == (200, [ACMES])
    assert answered.headers["x-pointsman-model"] == "acme/fine-tuned"
    assert error_of(await place.chat(place.globex, "acme/fine-tuned")) == (404, "model_not_found")
    assert await place.names(place.globex) == {"gpt"}
    refused = await place.delete(f"{own}/fine-tuned", place.globex)
    assert error_of(refused) == (404, "not_found")
    assert (await place.delete(f"{own}/fine-tuned", place.acme)).status_code == 200
    assert error_of(await place.chat(place.acme, "acme/fine-tuned")) == (404, "model_not_found")


async def test_a_deployments_own_key_goes_before_the_organisations(place: Place):
    await place.post(f"{PATH}/acme/provider-keys", {"provider": "openai", "key": ACMES}, place.acme)
    own = {"id": "own", "provider": "openai", "model": "m", "base_url": place.address}

    keyed = await place.post(f"{PATH}/acme/deployments", {**own, "api_key": GLOBEXS}, place.acme)

    unpaid = await place.post(f"{PATH}/acme/deployments", own, place.acme)
    assert "there is no key for openai" in unpaid.text  # the organisation's goes to OpenAI alone
    assert keyed.json()["key"] == "own"
    assert (await place.chat(place.acme, "acme/own")).status_code == 200
    assert place.upstream.keys == [GLOBEXS]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"provider": "scripted"}, "the operator's alone"),
        ({"provider": "embedded"}, "the operator's alone"),
        ({"provider": "made-up"}, "unknown provider"),
        ({"provider": "ollama"}, "does not allow this address"),
        ({"provider": "openai-compatible"}, "needs base_url"),
        ({"base_url": "http://169.254.169.254/latest"}, "does not allow this address"),
        ({"base_url": "http://127.0.0.1:1/v1"}, "does not allow this address"),
        ({"base_url": "file:///etc/passwd"}, "base_url must be http"),
        ({"provider": "anthropic"}, "there is no key for anthropic"),
        ({"api_key": "${OPENAI_API_KEY}"}, "the key itself"),
        ({"api_key": ACMES, "tier": "best"}, "no tier"),
        ({"id": "a/b"}, "`id` must be"),
        ({"model": "m" * 513}, "`model`: "),
        ({"priced_as": "m" * 513}, "`priced_as`: "),
        ({"concurrency": 10_001}, "`concurrency`: "),
        ({"weights": "/etc/passwd"}, "unknown field"),
        ({"price": {"per_request": 0}}, "unknown field"),
    ],
)
async def test_nothing_of_the_operators_serves_it(place: Place, more: dict[str, object], told: str):
    wish = {"id": "x", "provider": "openai", "model": "m", **more}

    refused = await place.post(f"{PATH}/acme/deployments", wish, place.acme)

    assert refused.status_code == 400
    assert told in refused.json()["error"]["message"]
    assert await place.names(place.acme) == {"gpt", "acmes"}


@pytest.mark.parametrize(
    "address",
    ["{}/../v1", "{}@evil.test/v1", "{}evil", "{}/%2e%2e/x", "{}/./x", "{}?x=1", "HTTP{}"],
)
async def test_an_address_that_only_looks_allowed(place: Place, address: str):
    base_url = address.format(place.address).replace("HTTPhttp", "ftp")
    wish = {"id": "x", "provider": "openai-compatible", "model": "m", "base_url": base_url}

    refused = await place.post(f"{PATH}/acme/deployments", wish, place.acme)

    assert refused.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b'{"provider": "openai", "key": ["%b"]}',
        b'{"provider": "openai", "key": "%b"',
        b'{"provider": "openai", "key": "%b", "key": "%b"}',
        b'{"provider": "openai", "key": "%b %b"}',
        b'{"provider": "azure", "key": "%b"}',
        b'["%b"]',
    ],
)
async def test_what_is_wrong_with_a_key_is_said_without_it(place: Place, body: bytes):
    said = await place.gateway.client.post(
        f"{PATH}/acme/provider-keys",
        content=body.replace(b"%b", ACMES.encode()),
        headers=place.acme,
    )

    assert said.status_code == 400
    assert ACMES not in said.text


async def test_without_an_encryption_key_nothing_secret_is_kept(start: StartGateway):
    gateway = await start(settings("http://127.0.0.1:1/v1", tenants=TenantSettings()))
    await gateway.client.post(PATH, json={"id": "default"})

    refused = await gateway.client.post(
        f"{PATH}/default/provider-keys", json={"provider": "openai", "key": ACMES}
    )

    assert error_of(refused) == (400, "no_encryption_key")
    assert ACMES not in refused.text


async def test_a_key_that_cannot_be_opened_lets_nobody_else_pay(place: Place):
    """As after an encryption key was lost."""
    books = place.gateway.app.bookkeeping
    lost = ProviderKey("acme", "openai", datetime(2026, 1, 1, tzinfo=UTC), b"")
    sealed = Vault.parse(new_key()).seal(ACMES, place_of(lost))
    await books.store.put_tenant(replace(lost, sealed=sealed))

    await books.refresh_organisations()

    assert await place.names(place.acme) == {"acmes"}
    assert error_of(await place.chat(place.acme, "gpt")) == (404, "model_not_found")
    assert (await place.chat(place.globex, "gpt")).status_code == 200
    [shown] = (await place.get(f"{PATH}/acme/provider-keys", place.acme)).json()["data"]
    assert (shown["last4"], shown["fingerprint"]) == (None, None)
