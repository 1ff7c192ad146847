"""Pointsman as a Python library."""

import pytest
from tests.gateway import two_tiers

from pointsman import BadRequest, ConfigError, NotFound, Router, Unavailable, UnknownModel
from pointsman.app import App
from pointsman.config import RoutingSettings
from pointsman.providers.scripted import Script, ScriptedProvider


def test_route_needs_no_server_and_nothing_started() -> None:
    decision = Router.from_settings(two_tiers()).route("What is Python?")

    assert decision.deployment == "weak"
    assert decision.tier == "simple"
    assert decision.domain
    assert decision.plan.attempts[0].deployment == "weak"
    assert decision.dropped == ()
    assert "-> simple" in decision.reasoning
    assert decision.estimated_cost_usd == 0
    assert sum(decision.parts.values()) == pytest.approx(decision.score)


def test_route_takes_messages_and_names() -> None:
    router = Router.from_settings(two_tiers())

    assert router.route([{"role": "user", "content": "hi"}], model="cloud").deployment == "strong"
    strong = router.route("hi", model="strong")
    assert strong.estimated_cost_usd is not None
    assert strong.estimated_cost_usd > 0
    with pytest.raises(UnknownModel):
        router.route("hi", model="nobody")


async def test_complete_and_feedback() -> None:
    app = App(two_tiers(), environment={})
    await app.start(in_memory=True)
    router = Router(app)
    try:
        done = await router.complete("What is Python?", parameters={"max_tokens": 20})
        await router.feedback(done.request_id, 1, "good")
        entry = await app.books.get(done.request_id)
        with pytest.raises(NotFound):
            await router.feedback("req_none", 1)
        with pytest.raises(BadRequest):
            await router.complete("hi", parameters={"stream": True})
        with pytest.raises(BadRequest, match="rating"):
            await router.feedback(done.request_id, 500)
        with pytest.raises(BadRequest, match="rating"):
            await router.feedback(done.request_id, float("nan"))
    finally:
        await app.close()

    assert done.text
    assert (done.deployment, done.tier, done.served_tier) == ("weak", "simple", "simple")
    assert done.usage.output_tokens <= 20
    assert done.cost == 0
    assert entry is not None
    assert [said.comment for said in entry.feedback] == ["good"]


async def test_nothing_answers() -> None:
    app = App(two_tiers(routing=RoutingSettings(retries=0)), environment={})
    await app.start(in_memory=True)
    try:
        for provider in app.providers().values():
            assert isinstance(provider, ScriptedProvider)
            provider.tell(Script(unreachable=True))
        with pytest.raises(Unavailable):
            await Router(app).complete("hi")
    finally:
        await app.close()


async def test_what_is_not_started_says_so() -> None:
    with pytest.raises(ConfigError, match="not started"):
        await Router.from_settings(two_tiers()).complete("hi")


async def test_the_books_are_kept_on_disk(tmp_path) -> None:
    settings = two_tiers(home=tmp_path)
    async with Router.from_settings(settings, environment={}) as router:
        done = await router.complete("hi")

    async with App(settings, environment={}) as app:
        entry = await app.books.get(done.request_id)

    assert entry is not None
    assert entry.outcome == "completed"
