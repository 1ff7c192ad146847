"""It learns, over HTTP: what users say changes where requests go, and that can be taken back."""

import gzip
import random

import msgspec
import pytest
from tests.gateway import Gateway, StartGateway

from pointsman import data
from pointsman.config import (
    EscalateSettings,
    ExploreSettings,
    LearningSettings,
    RoutingSettings,
    VerifySettings,
)
from pointsman.providers.scripted import Script

#: Where the weak model fails, though the shipped scorer takes it for easy; and the other way round.
HARD, EASY = "sample_knowledge", "sample_reading"


class Row(msgspec.Struct):
    """A row of the shipped sample."""

    source: str
    prompt: str


def rows() -> list[Row]:
    """One of the hard kind for two of the easy one, mixed."""
    with data.sample() as file:
        lines = gzip.decompress(file.read_bytes()).splitlines()
    found = [msgspec.json.decode(line, type=Row) for line in lines]
    mixed = [row for row in found if row.source == HARD]
    mixed += 2 * [row for row in found if row.source == EASY]
    random.Random(8).shuffle(mixed)  # noqa: S311 - the same in each run
    return mixed


def settings(kind: str = "bandit", share: float = 0.5) -> dict[str, object]:
    """Explores half of the time, so that few requests are enough; nobody looks at drafts."""
    explore = ExploreSettings(share=share, cost=1.0)
    return {
        "routing": RoutingSettings(
            escalate=EscalateSettings(score=61.0), verify=VerifySettings(when="off")
        ),
        "learning": LearningSettings(kind=kind, every_s=3600, explore=explore),
    }


async def begun(start: StartGateway, kind: str = "bandit", share: float = 0.5) -> Gateway:
    """A gateway that has loaded what it learns with; its models answer whatever is asked."""
    gateway = await start(**settings(kind, share))
    gateway.tell("weak", *[Script(reply="It is probably so.")] * 1000)
    gateway.tell("strong", *[Script(reply="It is so, and this is why.")] * 1000)
    await gateway.app.learning.loaded()
    return gateway


async def ask(gateway: Gateway, row: Row) -> tuple[str, bool]:
    """Answered by one or the other: the request, and whether that was good."""
    reply = await gateway.chat(row.prompt)
    tier = reply.headers["x-pointsman-served-tier"]
    return reply.headers["x-request-id"], tier == "complex" or row.source == EASY


async def use(gateway: Gateway, asked: list[Row]) -> None:
    """Ask all of it; every third user says how it was."""
    for at, row in enumerate(asked):
        request_id, good = await ask(gateway, row)
        if at % 3 == 0:
            said = {"request_id": request_id, "rating": 1 if good else -1}
            assert (await gateway.client.post("/v1/feedback", json=said)).status_code == 201


async def routes(gateway: Gateway, asked: list[Row]) -> list[tuple[str, float]]:
    """Where each would go now, and its score."""
    found = []
    for row in asked:
        decided = await gateway.client.post("/v1/route", json={"prompt": row.prompt})
        found.append((decided.json()["tier"], decided.json()["score"]))
    return found


def strong_share(source: str, asked: list[Row], found: list[tuple[str, float]]) -> float:
    tiers = [tier for row, (tier, _) in zip(asked, found, strict=True) if row.source == source]
    return tiers.count("complex") / len(tiers)


async def learned(gateway: Gateway, mixed: list[Row]) -> dict[str, object]:
    """The promotion that 300 requests lead to; in one of many runs chance takes some more."""
    for begin, end in ((0, 300), (200, 330), (0, 200)):
        await use(gateway, mixed[begin:end])
        said = (await gateway.client.post("/v1/retrain")).json()["changes"]
        promoted = [change for change in said if change["kind"] == "promoted"]
        if promoted:
            return promoted[0]
        assert "kept" in {change["kind"] for change in said}
    raise AssertionError(said)


async def test_thumbs_change_the_routes_and_revert_brings_them_back(start: StartGateway) -> None:
    gateway, mixed = await begun(start), rows()
    probe = mixed[::7]
    before = await routes(gateway, probe)
    assert strong_share(HARD, probe, before) < 0.3
    assert strong_share(EASY, probe, before) > 0.9

    promoted = await learned(gateway, mixed)
    assert promoted["version"]
    assert promoted["evidence"]["quality"]["low"] > -0.02
    after = await routes(gateway, probe)
    assert strong_share(HARD, probe, after) > strong_share(HARD, probe, before) + 0.3
    assert strong_share(EASY, probe, after) < strong_share(EASY, probe, before) - 0.3

    entry = await gateway.record(await gateway.chat(mixed[0].prompt))
    assert entry["learning"]["version"] == promoted["version"]
    assert "traffic" in entry["parts"]
    assert "features" not in entry["learning"]

    for path in ("/v1/report", "/v1/analytics/summary"):
        effect = (await gateway.client.get(path)).json()["learning"]
        assert effect["version"] == promoted["version"]
        assert effect["instead_of"] == "shipped"
        assert effect["before"]["requests"] >= 300
        assert effect["before"]["ratings"] >= 100
        assert set(effect["before"]["tiers"]) == {"simple", "complex"}
        assert effect["after"]["requests"] == 1

    change = (await gateway.client.post("/v1/learning/revert")).json()
    assert change["version"] == "shipped"
    assert await routes(gateway, probe) == before

    status = (await gateway.client.get("/v1/learning")).json()
    assert status["in_force"][0]["version"] == "shipped"
    assert status["in_force"][0]["held"]
    assert [each["kind"] for each in status["changes"]][:2] == ["reverted", "promoted"]
    assert status["exploring"]["drawn"] > 0
    assert status["exploring"]["extra"] <= status["exploring"]["spent"]

    named = {"version": promoted["version"]}
    await gateway.client.post("/v1/learning/revert", json=named)
    assert await routes(gateway, probe) == after


async def test_as_it_comes_what_users_call_bad_is_raised_until_more_is_proven(
    start: StartGateway,
) -> None:
    gateway, mixed = await begun(start, LearningSettings().kind, ExploreSettings().share), rows()
    probe = mixed[::7]
    before = await routes(gateway, probe)
    await use(gateway, mixed[:300])

    said = (await gateway.client.post("/v1/retrain")).json()["changes"]

    kinds = {change["kind"] for change in said}
    assert kinds in ({"kept", "threshold"}, {"promoted"})  # the latter where chance drew enough
    after = await routes(gateway, probe)
    assert strong_share(HARD, probe, after) > strong_share(HARD, probe, before) + 0.15
    effect = (await gateway.client.get("/v1/report")).json()["learning"]
    assert effect["instead_of"] == "shipped"
    assert effect["before"]["requests"] == 300

    await gateway.client.post("/v1/learning/revert", json={})
    assert await routes(gateway, probe) == before


async def test_the_plain_rule_raises_what_goes_wrong(start: StartGateway) -> None:
    gateway, mixed = await begun(start, "rule"), rows()
    hard = [row for row in mixed if row.source == HARD][:60]
    before = await routes(gateway, hard[:20])
    await use(gateway, hard)
    moved = (await gateway.client.post("/v1/retrain")).json()["changes"]
    assert {change["kind"] for change in moved} == {"threshold"}
    assert "0 to +5 points" in moved[0]["text"]
    after = await routes(gateway, hard[:20])
    risen = [score - was for (_, score), (_, was) in zip(after, before, strict=True)]
    assert {round(points, 2) for points in risen} <= {0.0, 5.0}
    assert strong_share(HARD, hard[:20], after) > strong_share(HARD, hard[:20], before) + 0.3
    patterns = (await gateway.client.get("/v1/learning")).json()["patterns"]
    assert {each["points"] for each in patterns} == {5.0}
    await gateway.client.post("/v1/learning/revert", json={})
    assert await routes(gateway, hard[:20]) == before


async def test_without_anything_to_learn_from_nothing_changes(gateway: Gateway) -> None:
    assert (await gateway.client.post("/retrain")).json() == {"changes": []}
    refused = await gateway.client.post("/v1/learning/revert")
    assert refused.status_code == 400
    assert "nothing to go back from" in refused.json()["error"]["message"]
    unknown = await gateway.client.post("/v1/learning/revert", json={"version": "v_none"})
    assert unknown.status_code == 404


async def test_learning_can_be_off(start: StartGateway) -> None:
    gateway = await start(learning=LearningSettings(enabled=False))
    entry = await gateway.record(await gateway.chat())
    assert entry["learning"] is None
    assert (await gateway.client.get("/v1/learning")).json()["enabled"] is False
    refused = await gateway.client.post("/v1/retrain")
    assert refused.status_code == 503
    assert "learning is off" in refused.json()["error"]["message"]


@pytest.mark.parametrize("word", ["off", " False", "0"])
async def test_a_header_keeps_a_request_from_being_drawn(start: StartGateway, word: str) -> None:
    explore = ExploreSettings(share=0.5, cost=1.0)
    gateway = await start(learning=LearningSettings(least=1, explore=explore))
    await gateway.app.learning.loaded()
    off = {"x-pointsman-explore": word}
    for _ in range(30):
        entry = await gateway.record(await gateway.chat(headers=off))
        assert entry["learning"]["propensities"] == {}
    assert not (await gateway.client.get("/v1/learning")).json()["exploring"]["drawable"]
