"""Experiments over HTTP: who takes part, what is shown, who may, and what can't be."""

from collections.abc import Mapping
from datetime import UTC, datetime

import httpx2
import pytest
from tests.gateway import Gateway, StartGateway, two_tiers

from pointsman import data
from pointsman.config import ModelSettings, RoutingSettings
from pointsman.types import Version

#: Of a tier of its own there are two, so that both sides can serve it.
TWIN = ModelSettings(provider="scripted", model="twin-model", tier="simple")
#: Conversations by which both sides have some, however they are drawn.
SESSIONS = 40
ADMIN = {"role": "admin", "everywhere": True}


async def three(start: StartGateway) -> Gateway:
    """Two deployments of the lowest tier, and a strong one."""
    settings = two_tiers()
    return await start(two_tiers(models={**settings.models, "twin": TWIN}))


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def key_of(gateway: Gateway, by: Mapping[str, str] | None = None, **wish: object):
    made = await gateway.client.post("/v1/keys", json=wish, headers=by)
    assert made.status_code == 201, made.text
    return bearer(made.json()["key"])


async def begin(gateway: Gateway, by: Mapping[str, str] | None = None, **wish: object):
    body = {"a": "weak", "b": "twin", "share": 1, **wish}
    return await gateway.client.post("/v1/experiments", json=body, headers=by)


async def figures(gateway: Gateway, experiment: str, by: Mapping[str, str] | None = None):
    return (await gateway.client.get(f"/v1/experiments/{experiment}", headers=by)).json()


def refusal(reply: httpx2.Response) -> tuple[int, str | None, str]:
    error = reply.json()["error"]
    return reply.status_code, error["param"], error["message"]


async def talk(gateway: Gateway, session: str, text: str = "What is Python?") -> httpx2.Response:
    reply = await gateway.chat(text, headers={"x-session-id": session})
    assert reply.status_code == 200, reply.text
    return reply


async def test_conversations_are_shared_out_and_stay_where_they_are(start: StartGateway) -> None:
    gateway = await three(start)
    made = (await begin(gateway)).json()
    served: dict[str, set[str]] = {}
    for turn in range(2):
        for session in map(str, range(SESSIONS)):
            reply = await talk(gateway, session, f"What is {turn}?")
            record = await gateway.record(reply)
            assert record["learning"]["experiment"] == made["id"]
            side = {"a": "weak", "b": "twin"}[record["learning"]["variant"]]
            assert record["deployment"] == record["plan"][0]["deployment"] == side
            assert f"of {made['id']}" in record["reason"]
            served.setdefault(session, set()).add(side)
    assert {len(sides) for sides in served.values()} == {1}
    assert set.union(*served.values()) == {"weak", "twin"}

    shown = await figures(gateway, made["id"])
    sides = shown["figures"]
    assert sides["a"]["requests"] + sides["b"]["requests"] == 2 * SESSIONS
    assert sides["a"]["conversations"] + sides["b"]["conversations"] == SESSIONS
    assert sides["a"]["latency_ms"]["n"] == sides["a"]["conversations"]
    assert sides["better"] is None


async def test_ratings_are_of_the_side_that_answered(start: StartGateway) -> None:
    gateway = await three(start)
    made = (await begin(gateway, name="who is better")).json()
    for session in map(str, range(2 * SESSIONS)):
        reply = await talk(gateway, session)
        variant = (await gateway.record(reply))["learning"]["variant"]
        said = {"request_id": reply.headers["x-request-id"], "rating": 1 if variant == "b" else -1}
        await gateway.client.post("/v1/feedback", json=said)

    sides = (await figures(gateway, made["id"]))["figures"]

    assert (sides["a"]["quality"]["value"], sides["b"]["quality"]["value"]) == (0, 1)
    assert sides["difference"]["quality"]["value"] == 1
    assert (sides["better"], "b, twin, answers better" in sides["verdict"]) == ("b", True)


async def test_a_stopped_one_changes_nothing_any_more(start: StartGateway) -> None:
    gateway = await three(start)
    made = (await begin(gateway)).json()
    await talk(gateway, "1")

    path = f"/v1/experiments/{made['id']}/stop"
    ended = (await gateway.client.post(path, json={"reason": "seen enough"})).json()
    again = (await gateway.client.post(path)).json()

    assert (ended["state"], ended["reason"]) == ("stopped", "seen enough")
    assert again == ended
    for session in map(str, range(8)):
        learning = (await gateway.record(await talk(gateway, session)))["learning"]
        assert learning is None or learning["experiment"] is None
    assert (await figures(gateway, made["id"]))["figures"] == ended["figures"]
    changes = await gateway.app.bookkeeping.store.changes()
    assert [(each.kind, each.text) for each in changes] == [
        ("experiment", "experiment weak against twin ended, seen enough"),
        (
            "experiment",
            "experiment weak against twin began: weak against twin on 100% of the conversations",
        ),
    ]


async def test_it_is_listed_the_newest_first(start: StartGateway) -> None:
    gateway = await three(start)
    first = (await begin(gateway, name="one")).json()
    await gateway.client.post(f"/v1/experiments/{first['id']}/stop")
    second = (await begin(gateway, name="two", share=0.25, until_decided=True)).json()

    listed = (await gateway.client.get("/v1/experiments")).json()

    assert [each["name"] for each in listed["data"]] == ["two", "one"]
    assert second == {
        "id": second["id"],
        "object": "experiment",
        "name": "two",
        "organisation": "",
        "of": "deployments",
        "a": "weak",
        "b": "twin",
        "share": 0.25,
        "state": "running",
        "started": second["started"],
        "stopped": None,
        "reason": "",
        "until_decided": True,
        "note": "",
        "figures": None,
    }


async def test_another_tier_is_said(gateway: Gateway) -> None:
    made = (await begin(gateway, b="strong")).json()

    assert made["note"].startswith("weak is in tier simple, strong in tier complex")
    for session in map(str, range(20)):
        record = await gateway.record(await talk(gateway, session))
        strong = record["learning"]["variant"] == "b"
        assert record["deployment"] == ("strong" if strong else "weak")
        assert record["tier"] == "simple"


async def test_who_is_not_to_be_learned_from_takes_no_part(gateway: Gateway) -> None:
    await begin(gateway, b="strong")
    for session in map(str, range(10)):
        headers = {"x-session-id": session, "x-pointsman-explore": "off"}
        record = await gateway.record(await gateway.chat("What is Python?", headers=headers))
        assert (record["deployment"], record["learning"]["experiment"]) == ("weak", None)


async def test_a_long_prompt_is_not_taken_from_the_cloud(start: StartGateway) -> None:
    routing = RoutingSettings(max_local_tokens=50)
    gateway = await start(two_tiers(routing=routing))
    await begin(gateway, b="strong")
    short, long = [
        [await gateway.record(await talk(gateway, f"{text[:9]} {n}", text)) for n in range(10)]
        for text in ("What is Python?", "What is Python? " * 50)
    ]
    assert {each["deployment"] for each in short} == {"weak", "strong"}
    assert {each["learning"]["variant"] for each in short} == {"a", "b"}
    assert {each["deployment"] for each in long} == {"strong"}
    assert {each["learning"]["variant"] for each in long} == {None}


@pytest.mark.parametrize("reason", ["x" * 501, "a\nb"])
async def test_what_can_not_be_a_reason(gateway: Gateway, reason: str) -> None:
    path = f"/v1/experiments/{(await begin(gateway, b='strong')).json()['id']}/stop"
    status, named, message = refusal(await gateway.client.post(path, json={"reason": reason}))
    assert (status, named) == (400, "reason")
    assert "500 printable characters" in message


@pytest.mark.parametrize(
    ("wish", "param", "words"),
    [
        ({"b": "nobody"}, "b", "there is no deployment 'nobody', only strong, twin, weak"),
        ({"a": "simple"}, "a", "there is no deployment 'simple'"),
        ({"a": "twin"}, "b", "both 'twin'"),
        ({"share": 0}, "share", "above 0 and at most 1"),
        ({"share": 1.01}, "share", "above 0 and at most 1"),
        ({"of": "versions"}, "a", "there is no version 'weak', only shipped"),
        ({"name": "x" * 101}, "name", "100 printable characters"),
        ({"name": "a\nb"}, "name", "100 printable characters"),
        ({"organisation": "no such/name"}, "organisation", "ASCII letters"),
        ({"size": 3}, "size", "unknown field `size`"),
    ],
)
async def test_what_can_not_be_compared(
    start: StartGateway, wish: dict[str, object], param: str | None, words: str
) -> None:
    gateway = await three(start)

    status, named, message = refusal(await begin(gateway, **wish))

    assert (status, named) == (400, param)
    assert words in message
    assert (await gateway.client.get("/v1/experiments")).json()["data"] == []


async def test_no_deployment_is_in_two_at_once(start: StartGateway) -> None:
    gateway = await three(start)
    made = (await begin(gateway)).json()

    again = refusal(await begin(gateway, a="strong", b="twin"))
    elsewhere = refusal(await begin(gateway, organisation="acme"))

    said = f"the experiment {made['id']} has"
    assert (again[0], f"{said} twin in it already" in again[2]) == (400, True)
    assert f"{said} twin and weak in it already" in elsewhere[2]
    await gateway.client.post(f"/v1/experiments/{made['id']}/stop")
    assert (await begin(gateway, organisation="acme")).status_code == 201
    assert (await begin(gateway, organisation="globex")).status_code == 201
    assert (await begin(gateway)).status_code == 400


async def test_organisations_keep_to_themselves(start: StartGateway) -> None:
    gateway = await three(start)
    owner = await key_of(gateway, **ADMIN)
    acme = await key_of(gateway, owner, role="admin", organisation="acme")
    globex = await key_of(gateway, owner, role="admin", organisation="globex")
    made = (await begin(gateway, acme)).json()
    path = f"/v1/experiments/{made['id']}"

    assert made["organisation"] == "acme"
    assert (await gateway.client.get(path, headers=globex)).status_code == 404
    assert (await gateway.client.post(f"{path}/stop", headers=globex)).status_code == 404
    assert (await gateway.client.get("/v1/experiments", headers=globex)).json()["data"] == []
    assert (await begin(gateway, globex, organisation="acme")).status_code == 403
    assert (await begin(gateway, globex, organisation="")).status_code == 403
    assert (await gateway.client.get(path, headers=owner)).status_code == 200

    for key, takes_part in ((acme, True), (globex, False)):
        record = (await gateway.chat(headers=key)).headers["x-request-id"]
        found = await gateway.client.get(f"/v1/decisions/{record}", headers=key)
        learning = found.json()["learning"] or {}
        assert (learning.get("experiment") == made["id"]) is takes_part


async def test_who_sees_its_own_requests_sees_no_figures(start: StartGateway) -> None:
    gateway = await three(start)
    owner = await key_of(gateway, **ADMIN)
    admin = await key_of(gateway, owner, role="admin", organisation="acme")
    made = (await begin(gateway, admin)).json()
    for role, sees in (("user", False), ("read-only", True)):
        key = await key_of(gateway, owner, role=role, organisation="acme")

        assert ((await figures(gateway, made["id"], key))["figures"] is not None) is sees
        assert (await begin(gateway, key)).status_code == 403
        path = f"/v1/experiments/{made['id']}/stop"
        assert (await gateway.client.post(path, headers=key)).status_code == 403


async def test_a_page_from_elsewhere_starts_none(start: StartGateway) -> None:
    gateway = await three(start)

    refused = await begin(gateway, {"origin": "http://evil.test"})

    assert refused.status_code in {401, 403}
    assert (await gateway.client.get("/v1/experiments")).json()["data"] == []


async def test_who_is_named_answers(start: StartGateway) -> None:
    gateway = await three(start)
    await begin(gateway)

    for number in range(6):
        named = await gateway.chat(f"What is {number}?", model="weak")
        record = await gateway.record(named)
        assert record["deployment"] == "weak"
        assert (record["learning"] or {}).get("experiment") is None


async def test_side_calls_take_no_part(start: StartGateway) -> None:
    gateway = await three(start)
    await begin(gateway)
    title = "You are a title generator. You output ONLY a thread title. Nothing else.\nBe brief."

    for number in range(6):
        said = [{"role": "system", "content": title}, {"role": "user", "content": str(number)}]
        record = await gateway.record(await gateway.chat(messages=said))
        assert "side call" in record["reason"]
        assert (record["learning"] or {}).get("experiment") is None


async def test_versions_are_compared_once_they_are_there(start: StartGateway) -> None:
    gateway = await three(start)
    app, now = gateway.app, datetime.now(UTC)
    version = Version("v_1", "", now, "bandit", data.read_belief(), 100, "")
    await app.bookkeeping.store.add_version(version)
    await app.learning.loaded()
    made = (await begin(gateway, a="shipped", b="v_1", of="versions")).json()
    await app.learning.know(app.experimenting.versions)

    used = set()
    for session in map(str, range(SESSIONS)):
        learning = (await gateway.record(await talk(gateway, session)))["learning"]
        assert learning["experiment"] == made["id"]
        used.add((learning["variant"], learning["version"]))

    assert used == {("a", "shipped"), ("b", "v_1")}
    for model in ("weak", "simple", "complex"):
        named = await gateway.record(await gateway.chat(model=model))
        assert (named["learning"] or {}).get("experiment") is None
