"""The configuration is read again while requests are answered."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from tests.gateway import Gateway, StartGateway, two_tiers
from tests.support.served import Baseline, eventually

from pointsman.app import App
from pointsman.config import (
    BudgetSettings,
    CacheSettings,
    EveryBudget,
    EveryLimit,
    LimitSettings,
    ModelSettings,
    RoutingSettings,
    ServerSettings,
    Settings,
)
from pointsman.errors import ConfigError
from pointsman.providers.scripted import Script, ScriptedProvider

FRESH = two_tiers()


def settings(**more: object) -> Settings:
    """As the gateway has them, but for these."""
    return FRESH.model_copy(update=more)


def models(**more: ModelSettings) -> dict[str, ModelSettings]:
    return {**FRESH.models, **more}


def other(name: str) -> ModelSettings:
    return ModelSettings(provider="scripted", model=name, tier="simple")


async def served_by(gateway: Gateway, model: str) -> str:
    reply = await gateway.chat(model=model)
    assert reply.status_code == 200, reply.text
    return reply.headers["x-pointsman-model"]


async def test_what_an_organisation_changed_meanwhile_undoes_nothing(gateway: Gateway):
    """It is followed with the settings that are in force then, not with those of before."""
    app = gateway.app
    read = settings(routing=RoutingSettings(retries=3))
    reloading = asyncio.create_task(app.renew(read))
    following = asyncio.create_task(app.renew())
    await asyncio.gather(reloading, following)
    assert app.settings.routing.retries == 3


async def test_a_new_deployment_serves_and_one_that_is_gone_does_not(gateway: Gateway):
    renewed = await gateway.app.renew(
        settings(models={"strong": FRESH.models["strong"], "new": other("new-model")})
    )

    assert (renewed.changed, renewed.waiting) == (("models",), ())
    assert await served_by(gateway, "new") == "new"
    gone = await gateway.chat(model="weak")
    assert gone.status_code == 404
    shown = (await gateway.client.get("/v1/models")).json()["data"]
    assert {"new", "strong"} < {each["id"] for each in shown}
    assert "weak" not in {each["id"] for each in shown}


async def test_a_deployment_that_is_configured_as_before_is_the_same_one(gateway: Gateway):
    before = gateway.app.providers()["strong"]

    await gateway.app.renew(settings(models=models(weak=other("otherwise"))))

    assert gateway.app.providers()["strong"] is before
    reply = await gateway.chat(model="weak")
    assert reply.json()["model"] == "otherwise"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_on_its_way_ends_where_it_began(gateway: Gateway, *, stream: bool):
    weak = gateway.tell(
        "weak", Script(reply="From the old one.", first_byte_delay_s=0.05, chunk_delay_s=0.05)
    )
    asked = asyncio.create_task(gateway.chat(model="weak", stream=stream))
    await eventually(lambda: weak.log, "the upstream was asked")

    await gateway.app.renew(settings(models=models(weak=other("otherwise"))))

    after = await gateway.chat(model="weak")
    assert after.json()["model"] == "otherwise"
    reply = await asked
    assert reply.status_code == 200
    assert "old" in reply.text
    entry = await gateway.record(reply)
    assert entry["outcome"] == "completed"


async def test_limits_and_budgets_hold_as_they_are_told_and_what_was_used_is_known(
    start: StartGateway,
):
    limits = EveryLimit(key=LimitSettings(requests_per_minute=2))
    gateway = await start(limits=limits)
    assert (await gateway.chat()).status_code == 200

    await gateway.app.renew(settings(limits=EveryLimit(key=LimitSettings(requests_per_minute=1))))
    assert (await gateway.chat()).status_code == 429

    none_left = EveryBudget(key=BudgetSettings(per_day=Decimal(0)))
    await gateway.app.renew(settings(budgets=none_left))
    assert (await gateway.chat(model="strong")).status_code == 402


async def test_what_the_cache_gives_out_follows(start: StartGateway):
    gateway = await start(cache=CacheSettings())
    first = await gateway.chat(model="weak")
    await gateway.app.caching.keeper.close()
    again = await gateway.chat(model="weak")
    assert again.headers["x-pointsman-cache"].startswith("exact")

    await gateway.app.renew(settings(cache=CacheSettings(), models=models(weak=other("other"))))
    anew = await gateway.chat(model="weak")
    assert anew.headers["x-pointsman-cache"].startswith("miss")
    assert anew.json()["model"] != first.json()["model"]

    await gateway.app.renew(settings(cache=CacheSettings(exact=False)))
    assert "bypass" in (await gateway.chat(model="weak")).headers["x-pointsman-cache"]


async def test_what_needs_a_start_waits_for_it(gateway: Gateway):
    renewed = await gateway.app.renew(
        settings(server=ServerSettings(port=1), aliases={"gpt-4o*": "strong"})
    )

    assert (renewed.changed, renewed.waiting) == (("aliases",), ("server",))
    assert gateway.app.settings.server.port == FRESH.server.port
    assert await served_by(gateway, "gpt-4o-mini") == "strong"


async def test_nothing_changes_where_they_do_not_fit(gateway: Gateway):
    wrong = ModelSettings(
        provider="anthropic", model="x", tier="simple", api_key="k", formats=("chat",)
    )
    with pytest.raises(ConfigError, match="takes"):
        await gateway.app.renew(settings(models=models(wrong=wrong)))

    assert await served_by(gateway, "weak") == "weak"


async def test_learning_goes_on_with_other_routing(start: StartGateway):
    gateway = await start()
    await gateway.app.learning.loaded()

    routing = RoutingSettings(default_tier="simple")
    await gateway.app.renew(settings(routing=routing))

    assert gateway.app.learning.informing.ready
    assert (await gateway.chat()).status_code == 200


async def test_it_is_asked_for_over_http(gateway: Gateway):
    refused = await gateway.client.post("/v1/config/reload")
    assert refused.status_code == 400
    assert "not read from anywhere" in refused.text

    gateway.app.source = lambda: settings(aliases={"mine": "strong"})
    reply = await gateway.client.post("/v1/config/reload")
    assert reply.json() == {"changed": ["aliases"], "waiting": []}
    assert await served_by(gateway, "mine") == "strong"
    again = await gateway.client.post("/v1/config/reload")
    assert again.json() == {"changed": [], "waiting": []}


async def test_tiers_may_be_named_otherwise_and_replies_are_kept_all_the_same(start: StartGateway):
    gateway = await start(cache=CacheSettings())
    names = {"simple": "low", "complex": "high"}
    renamed = {
        name: model.model_copy(update={"tier": names[model.tier]})
        for name, model in FRESH.models.items()
    }
    routing = RoutingSettings(tiers=("low", "high"))
    slow = gateway.tell("weak", Script(reply="Of the old tiers.", first_byte_delay_s=0.05))
    under_way = asyncio.create_task(gateway.chat("slow", model="weak"))
    await eventually(lambda: slow.log, "the upstream was asked")

    await gateway.app.renew(settings(cache=CacheSettings(), models=renamed, routing=routing))

    assert (await under_way).status_code == 200
    assert (await gateway.chat()).status_code == 200
    await gateway.app.caching.keeper.close()
    assert (await gateway.chat()).headers["x-pointsman-cache"].startswith("exact")


async def test_who_watches_keeps_no_deployment_in_use(gateway: Gateway):
    weak = gateway.tell("weak")
    watching = asyncio.create_task(gateway.client.get("/v1/events"))
    await eventually(lambda: gateway.app.live.watchers, "somebody watches")

    await gateway.app.renew(settings(models=models(weak=other("otherwise"))))

    await eventually(lambda: weak.is_closed, "the one before is given back")
    assert not watching.done()
    watching.cancel()


async def test_an_older_one_that_ends_takes_nothing_from_one_that_still_answers(
    start: StartGateway,
):
    gateway = await start(models=models(first=other("first")))
    first = gateway.tell("first", Script(first_byte_delay_s=0.1))
    weak = gateway.tell("weak", Script(first_byte_delay_s=60))
    soon = asyncio.create_task(gateway.chat(model="first"))
    await eventually(lambda: first.log, "the first one answers")
    await gateway.app.renew(settings())
    late = asyncio.create_task(gateway.chat(model="weak"))
    await eventually(lambda: weak.log, "the second one answers")

    await gateway.app.renew(settings(models={"strong": FRESH.models["strong"]}))

    assert (await soon).status_code == 200
    await eventually(lambda: first.is_closed, "the first one has ended")
    assert not weak.is_closed
    late.cancel()
    await eventually(lambda: weak.is_closed, "the second one has ended")


async def test_a_reload_goes_on_without_who_asked_for_it(gateway: Gateway):
    renewing = asyncio.create_task(gateway.app.renew(settings(aliases={"mine": "strong"})))
    await asyncio.sleep(0)
    renewing.cancel()
    await asyncio.gather(renewing, return_exceptions=True)

    await eventually(lambda: gateway.app.settings.aliases, "it is in force all the same")
    assert await served_by(gateway, "mine") == "strong"


async def test_who_wants_to_be_left_alone_is_after_a_reload_too(gateway: Gateway):
    weak = gateway.tell("weak", Script(status=429, headers={"retry-after": "60"}))
    await gateway.chat(model="weak")
    asked = len(weak.log)

    await gateway.app.renew(settings(aliases={"mine": "strong"}))

    assert (await gateway.chat(model="weak")).status_code == 503
    assert len(weak.log) == asked


async def test_without_http_too_what_is_gone_is_given_back() -> None:
    app = App(FRESH, environment={})
    await app.start(in_memory=True)
    weak = app.providers()["weak"]
    assert isinstance(weak, ScriptedProvider)

    await app.renew(settings(models={"strong": FRESH.models["strong"]}))

    await eventually(lambda: weak.is_closed, "the one that is gone is given back")
    await app.close()


async def test_a_start_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    held = Baseline()
    (tmp_path / "file").touch()
    app = App(settings(home=tmp_path / "file" / "home"), environment={})

    with pytest.raises(ConfigError):
        await app.start()

    await held.is_back()


async def test_many_reloads_leave_nothing_behind(gateway: Gateway):
    await gateway.app.renew(settings(aliases={"mine": "weak"}))
    await asyncio.sleep(0)
    held = Baseline()

    for model in ("weak", "strong") * 5:
        await gateway.app.renew(settings(aliases={"mine": model}))

    await held.is_back()
    assert gateway.app.bookkeeping.owed == 0
