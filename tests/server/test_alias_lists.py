"""A name that stands for several deployments: who answers, in which order, and what is said of it."""

from __future__ import annotations

import tomllib
from collections import Counter

import httpx2
import pytest
from tests.gateway import Gateway, StartGateway

from pointsman.config import Settings, checked
from pointsman.errors import ConfigError
from pointsman.providers.scripted import Script

MODELS = """
home = "nowhere"
cache = { exact = false }

[models.gpt-4o]
provider = "scripted"
model = "sol"
tier = "complex"
location = "cloud"

[models.gpt-4o-2]
provider = "scripted"
model = "my-sol"
tier = "complex"
location = "cloud"

[models.claude]
provider = "scripted"
model = "opus"
tier = "medium"
location = "cloud"

[models.luna]
provider = "scripted"
model = "luna"
tier = "simple"
"""
ALIASES = """
[aliases]
gpt-4o = [["gpt-4o", "gpt-4o-2"], "claude"]
fast = ["luna", "claude"]
"""
SECRET = "My card: 4111 1111 1111 1111"  # noqa: S105 - nobody's
DOWN = Script(status=500)


def settings(text: str = ALIASES) -> Settings:
    return checked(tomllib.loads(MODELS + text))


async def started(start: StartGateway, text: str = ALIASES) -> Gateway:
    return await start(settings(text))


def model_of(reply: httpx2.Response) -> str:
    assert reply.status_code == 200, reply.text
    return reply.headers["x-pointsman-model"]


def planned(record: dict[str, object]) -> list[str]:
    return [attempt["deployment"] for attempt in record["plan"]]


def dropped(record: dict[str, object]) -> dict[str, str]:
    return {drop["deployment"]: drop["reason"] for drop in record["dropped"]}


async def key(gateway: Gateway, by: dict[str, str], **wish: object) -> dict[str, str]:
    made = await gateway.client.post("/v1/keys", json=wish, headers=by)
    assert made.status_code == 201, made.text
    return {"authorization": f"Bearer {made.json()['key']}"}


async def test_the_first_group_shares_the_load_and_the_next_one_stands_in(
    start: StartGateway,
) -> None:
    gateway = await started(start)

    served = Counter([model_of(await gateway.chat(model="gpt-4o")) for _ in range(20)])
    for name in ("gpt-4o", "gpt-4o-2"):
        gateway.tell(name, DOWN)
    instead = await gateway.chat(model="gpt-4o")

    assert served == {"gpt-4o": 10, "gpt-4o-2": 10}
    assert model_of(instead) == "claude"
    record = await gateway.record(instead)
    assert planned(record)[2:] == ["claude"]
    assert set(planned(record)[:2]) == {"gpt-4o", "gpt-4o-2"}
    assert dropped(record) == {"luna": "gpt-4o was asked for"}
    assert record["model_asked"] == "gpt-4o"
    assert record["reason"].startswith("gpt-4o was asked for; ")
    assert record["reason"].endswith("fell back to claude")
    assert (record["tier"], record["served_tier"]) == ("complex", "medium")
    reasons = [attempt["reason"] for attempt in record["plan"]]
    assert reasons == [
        *["tier complex, first choice for gpt-4o"] * 2,
        "tier medium, stands in for gpt-4o",
    ]


async def test_the_order_is_the_lists_not_the_tiers(start: StartGateway) -> None:
    """However hard the prompt is, however high the floor, and however long."""
    text = ALIASES + "[routing]\nmax_local_tokens = 1\nfloors = { high_stakes = 'complex' }"
    gateway = await started(start, text)

    for prompt in ("What is Python?", "Is my lease void if the landlord died before he signed?"):
        record = await gateway.record(await gateway.chat(prompt, model="fast"))
        assert planned(record) == ["luna", "claude"]
        assert record["reason"] == "fast was asked for"
        assert record["tier"] == "simple"


async def test_weights_and_readiness_count_within_a_group(start: StartGateway) -> None:
    text = MODELS.replace('model = "sol"', 'model = "sol"\nweight = 3')
    text = text.replace('model = "my-sol"', 'model = "my-sol"\nweight = 1')
    gateway = await start(checked(tomllib.loads(text + ALIASES)))

    served = Counter([model_of(await gateway.chat(model="gpt-4o")) for _ in range(40)])

    assert served == {"gpt-4o": 30, "gpt-4o-2": 10}


async def test_of_those_that_share_the_one_that_costs_less_goes_first(start: StartGateway) -> None:
    dear = 'model = "sol"\nprice = { input = 10, output = 10 }'
    cheap = 'model = "my-sol"\nprice = { input = 1, output = 1 }'
    free = 'model = "opus"\nprice = { input = 0, output = 0 }'
    text = MODELS.replace('model = "sol"', dear).replace('model = "my-sol"', cheap)
    gateway = await start(checked(tomllib.loads(text.replace('model = "opus"', free) + ALIASES)))

    record = await gateway.record(await gateway.chat(model="gpt-4o"))

    assert planned(record) == ["gpt-4o-2", "gpt-4o", "claude"], "no group is left for its price"


async def test_what_must_stay_here_stays_here(start: StartGateway) -> None:
    gateway = await started(start)

    record = await gateway.record(await gateway.chat(SECRET, model="fast"))
    refused = await gateway.chat(SECRET, model="gpt-4o")

    assert planned(record) == ["luna"]
    assert dropped(record)["claude"].startswith("must stay local")
    assert refused.json()["error"]["code"] == "must_stay_local"


async def test_a_key_uses_what_it_may_of_a_list(start: StartGateway) -> None:
    gateway = await started(start)
    admin = await key(gateway, {}, role="admin", everywhere=True)
    narrow = await key(gateway, admin, models=["claude"])
    other = await key(gateway, admin, models=["luna"])

    served = await gateway.chat(model="gpt-4o", headers=narrow)
    listed = [
        {each["id"] for each in (await gateway.client.get("/v1/models", headers=by)).json()["data"]}
        for by in (narrow, other)
    ]

    assert model_of(served) == "claude"
    reason = served.headers["x-pointsman-reason"]
    assert reason == "gpt-4o was asked for, claude stands in (gpt-4o: this key may not use it)"
    refused = await gateway.chat(model="gpt-4o", headers=other)
    assert (refused.status_code, "this key may not use it" in refused.text) == (403, True)
    assert [names & {"gpt-4o", "fast"} for names in listed] == [{"gpt-4o", "fast"}, {"fast"}]


async def test_a_key_may_ask_for_a_list_by_its_name_or_by_all_in_it(start: StartGateway) -> None:
    gateway = await started(start)
    admin = await key(gateway, {}, role="admin", everywhere=True)

    async def asked(*routes: str) -> int:
        by = await key(gateway, admin, routes=list(routes))
        return (await gateway.chat(model="fast", headers=by)).status_code

    async def seen(*routes: str) -> set[str]:
        by = await key(gateway, admin, routes=list(routes))
        listed = (await gateway.client.get("/v1/upstreams", headers=by)).json()["upstreams"]
        return {each["deployment"] for each in listed}

    assert await seen("fast") == {"luna", "claude"}
    assert await asked("fast") == 200
    assert await asked("luna", "claude") == 200
    assert await asked("luna") == 403
    assert await asked("auto") == 403


async def test_without_fallback_there_is_the_first(start: StartGateway) -> None:
    gateway = await started(start, ALIASES + "[routing]\nfallback = false")

    reply = await gateway.chat(model="fast")

    assert model_of(reply) == "luna"
    record = await gateway.record(reply)
    assert planned(record) == ["luna"]
    assert dropped(record)["claude"] == "fallback is off"


async def test_a_header_may_force_it_and_the_list_is_shown_once(start: StartGateway) -> None:
    gateway = await started(start)

    forced = await gateway.chat(headers={"x-force-route": "fast"})
    listed = (await gateway.client.get("/v1/models")).json()["data"]
    looked = (await gateway.client.post("/v1/route", json={"prompt": "Hi", "model": "fast"})).json()

    assert model_of(forced) == "luna"
    assert Counter(each["id"] for each in listed)["gpt-4o"] == 1
    assert {each["id"]: each["owned_by"] for each in listed}["fast"] == "scripted"
    assert (await gateway.client.post("/api/show", json={"model": "gpt-4o"})).status_code == 200
    assert looked["target"]["groups"] == [["luna"], ["claude"]]


async def test_a_pattern_may_stand_for_a_list(start: StartGateway) -> None:
    gateway = await started(start, '[aliases]\n"gpt-*" = ["luna", "claude"]')

    reply = await gateway.chat(model="gpt-9-turbo")

    assert model_of(reply) == "luna"
    assert reply.headers["x-pointsman-reason"] == "gpt-* was asked for"


async def test_no_conversation_and_no_experiment_leads_out_of_a_list(start: StartGateway) -> None:
    gateway = await started(start)
    session = {"x-session-id": "one"}
    assert model_of(await gateway.chat(model="luna")) == "luna"
    begun = await gateway.client.post(
        "/v1/experiments", json={"a": "luna", "b": "claude", "share": 1}
    )
    assert begun.status_code == 201, begun.text
    hard = "Prove that every planar graph is four-colourable, step by step."
    await gateway.chat(hard, headers=session)

    replies = [await gateway.chat(hard, model="fast", headers=session) for _ in range(6)]

    assert {model_of(reply) for reply in replies} == {"luna"}


async def test_a_list_that_was_changed_is_another_one_to_the_cache(start: StartGateway) -> None:
    kept = MODELS.replace("exact = false", "exact = true")
    gateway = await start(checked(tomllib.loads(kept + '[aliases]\nfast = ["luna"]')))
    ask = {"model": "fast", "temperature": 0}
    states = []
    for text in ('fast = ["luna"]', 'fast = ["luna"]', 'fast = ["claude"]'):
        await gateway.app.renew(checked(tomllib.loads(f"{kept}[aliases]\n{text}")))
        reply = await gateway.chat(**ask)
        states.append((reply.headers["x-pointsman-cache"].partition(";")[0], model_of(reply)))

    assert states == [("miss", "luna"), ("exact", "luna"), ("miss", "claude")]


async def test_the_cache_may_have_its_own_rule_for_a_list(start: StartGateway) -> None:
    kept = MODELS.replace("exact = false", "routes = { fast = { exact = false } }")
    gateway = await start(checked(tomllib.loads(kept + ALIASES)))

    states = {
        name: [
            (await gateway.chat(model=name)).headers["x-pointsman-cache"].partition(";")[0]
            for _ in range(2)
        ]
        for name in ("fast", "luna")
    }

    assert states == {"fast": ["bypass"] * 2, "luna": ["miss", "exact"]}


async def test_what_is_an_organisations_own_is_nobody_elses_in_a_list(start: StartGateway) -> None:
    text = MODELS.replace('model = "sol"', 'model = "sol"\norganisations = ["acme"]')
    only = '\n[aliases]\nbest = ["gpt-4o", "claude"]\ntheirs = ["gpt-4o"]\ntheir = "gpt-4o"'
    gateway = await start(checked(tomllib.loads(text + only)))
    admin = await key(gateway, {}, role="admin", everywhere=True)
    acme = await key(gateway, admin, organisation="acme")
    other = await key(gateway, admin, organisation="other")

    assert model_of(await gateway.chat(model="best", headers=acme)) == "gpt-4o"
    reply = await gateway.chat(model="best", headers=other)
    assert model_of(reply) == "claude"
    assert reply.headers["x-pointsman-reason"] == "best was asked for"
    assert (await gateway.chat(model="theirs", headers=other)).status_code == 404
    listed = (await gateway.client.get("/v1/models", headers=other)).json()["data"]
    assert {"gpt-4o", "theirs", "their"}.isdisjoint(each["id"] for each in listed)


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("x = ['nobody']", "there is no deployment 'nobody'; there are: gpt-4o, gpt-4o-2, claude"),
        ("x = []", "a list in it is empty"),
        ("x = ['luna', []]", "a list in it is empty"),
        ("x = ['luna', 'luna']", "names 'luna' more than once"),
        ("x = [['luna', 'claude'], 'luna']", "names 'luna' more than once"),
        ("x = ['auto']", "'auto' is a tier or a route; lists name deployments"),
        ("x = ['simple']", "'simple' is a tier or a route; lists name deployments"),
        ("x = ['y']\ny = 'luna'", "'y' is an alias; lists name deployments"),
        ("x = 5", "give a name, or a list of deployments in the order"),
        ("x = [[['luna']]]", "give a name, or a list of deployments in the order"),
        ("x = { luna = 1 }", "give a name, or a list of deployments in the order"),
    ],
)
def test_what_a_list_can_not_be_is_said(said: str, wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"\[aliases\] 'x': ") as caught:
        settings(f"[aliases]\n{said}")

    assert wrong in str(caught.value)
