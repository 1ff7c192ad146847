"""Which requests are drawn to learn from them: what goes in, where it goes, what is written down."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from pointsman.app import App
from pointsman.config import (
    ExploreSettings,
    LearningSettings,
    ModelSettings,
    PriceSettings,
    PrincipalSettings,
    RoutingSettings,
    Settings,
)
from pointsman.feedback.experiment_view import NewExperiment
from pointsman.formats.chat.request import chat_body, parse_chat
from pointsman.ids import new_request_id
from pointsman.stages.informing import Minds, Said
from pointsman.storage.memory import MemoryStore
from pointsman.types import (
    SHIPPED,
    Call,
    Confined,
    Decision,
    Grant,
    Principal,
    Score,
    Stay,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


#: Of a conversation that began elsewhere.
SECOND_TURN = [
    {"role": "user", "content": "What is Python?"},
    {"role": "assistant", "content": "A language."},
    {"role": "user", "content": "And Ruby?"},
]


@dataclass(frozen=True)
class Reads:
    """Measures nothing, and says so."""

    def measure(self, scored: Score, text: str) -> str:
        return f"{scored.value} {text}"

    def pack(self, measured: str) -> str:
        return f"packed {measured}"


@dataclass(frozen=True)
class Thinks:
    """Adds points, and doubts by so many."""

    version: str = SHIPPED
    points: float = 0.0
    doubt: float = 1000.0
    until: datetime | None = None

    def say(self, measured: str, scored: Score) -> Said:
        del measured
        return Said(scored.value + self.points, (self.doubt,))


def price(dollars: int) -> PriceSettings:
    return PriceSettings(input=Decimal(dollars), output=Decimal(dollars))


def app_of(
    *,
    share: float = 0.5,
    cost: float = 1.0,
    tiers: tuple[str, ...] = ("simple", "medium", "complex"),
    prices: tuple[int, ...] = (1, 2, 3),
    **more: object,
) -> App:
    """Deployments in these tiers, at rising prices; what was learned is scripted."""
    models = {
        f"{tier}-one": ModelSettings(
            provider="scripted",
            model=tier,
            tier=tier,
            location="cloud" if tier == "complex" else "local",
            price=price(dollars),
        )
        for tier, dollars in zip(tiers, prices, strict=True)
    }
    explore = ExploreSettings(share=share, cost=cost)
    learning = LearningSettings(least=1, explore=explore)
    app = App(Settings(home=Path("nowhere"), models=models, learning=learning, **more))
    app.learning.informing.start(Reads(), Thinks())
    return app


def call(text: str | list[object] = "What is Python?", **more: object) -> Call:
    parameters = more.pop("parameters", {})
    request = parse_chat(chat_body(str(more.pop("model", "auto")), text, parameters))
    return Call(new_request_id(), NOON, Principal(), request, **more)


def served(app: App, asked: Call, **more: object) -> Decision:
    """Decided and carried out."""
    decision = app.decider.decide(asked, live=True, **more)
    app.decider.carry_out(asked, decision)
    return decision


def many(app: App, count: int = 60, **more: object) -> list[Decision]:
    return [served(app, call(**more)) for _ in range(count)]


def explored(decisions: list[Decision]) -> int:
    return sum(each.informed is not None and each.informed.explored for each in decisions)


def test_a_drawn_request_says_so_and_what_was_likely() -> None:
    decisions = many(app_of())
    drawn = next(each for each in decisions if each.informed and each.informed.explored)
    informed = drawn.informed
    assert informed is not None
    assert drawn.tier == "medium"
    assert drawn.deployment == "medium-one"
    assert "-> simple, drawn to learn from it: medium" in drawn.reasoning
    assert sum(informed.propensities.values()) == pytest.approx(1)
    assert list(informed.propensities) == ["simple", "medium"]
    assert informed.extra is not None
    assert informed.extra > 0
    assert informed.features.startswith("packed")
    assert informed.cold == drawn.score


def test_what_was_learned_is_a_part_of_the_score() -> None:
    app = app_of(share=0.0)
    cold = served(app, call())
    app.learning.informing.minds = Minds({"": Thinks("v_1", points=20.0)})
    warm = served(app, call())
    assert warm.score == pytest.approx(cold.score + 20)
    assert warm.parts["traffic"] == 20
    assert warm.informed is not None
    assert (warm.informed.version, warm.informed.cold) == ("v_1", cold.score)
    assert sum(warm.parts.values()) == pytest.approx(warm.score)


def test_an_organisation_has_its_own() -> None:
    app = app_of(share=0.0)
    app.learning.informing.minds = Minds(
        {"": Thinks("v_all", points=5.0), "acme": Thinks("v_acme", points=9.0)}
    )
    acme = replace(call(), principal=Principal("acme"))
    assert [served(app, each).informed.version for each in (call(), acme)] == ["v_all", "v_acme"]


def test_deciding_again_draws_the_same() -> None:
    app = app_of()
    for _ in range(20):
        asked = call()
        assert app.decider.decide(asked, live=True) == served(app, asked)


def test_a_look_ahead_never_draws() -> None:
    app = app_of()
    many(app, 10)
    decisions = [app.decider.decide(call()) for _ in range(50)]
    assert not explored(decisions)
    assert all(each.informed and not each.informed.propensities for each in decisions)


@pytest.mark.parametrize(
    "asked",
    [
        {"explore": False},
        {"model": "simple"},
        {"model": "simple-one"},
        {"force_route": "simple"},
        {"text": "What dose of ibuprofen may my child take? It has a fever."},
        {"parameters": {"tools": [{"type": "function", "function": {"name": "look"}}]}},
        {"text": SECOND_TURN},
    ],
    ids=["header", "tier", "deployment", "forced", "floor", "tools", "conversation"],
)
def test_some_requests_are_never_drawn(asked: dict[str, object]) -> None:
    app = app_of()
    many(app, 10)
    decisions = many(app, **asked)
    assert not explored(decisions)
    assert all(each.informed and not each.informed.propensities for each in decisions)


def test_a_conversation_stays_undrawn() -> None:
    app = app_of()
    many(app, 10)
    stay = Stay("simple-one", "simple")
    assert not explored([served(app, call(), stay=stay) for _ in range(50)])


@pytest.mark.parametrize("whose", ["organisations", "keys"])
def test_somebody_can_be_left_out(whose: str) -> None:
    name = {"organisations": "default", "keys": "anonymous"}[whose]
    app = app_of(**{whose: {name: PrincipalSettings(explore=False)}})
    assert not explored(many(app))


def test_off_is_off() -> None:
    off = LearningSettings(explore=ExploreSettings(enabled=False))
    app = App(Settings(home=Path("nowhere"), learning=off))
    app.learning.informing.start(Reads(), Thinks())
    decision = served(app, call())
    assert decision.informed is not None
    assert decision.informed.propensities == {decision.tier: 1.0}
    nothing = App(Settings(home=Path("nowhere"), learning=LearningSettings(enabled=False)))
    assert served(nothing, call()).informed is None


def test_money_bounds_it() -> None:
    app = app_of(prices=(1, 1000, 1000), cost=0.05)
    decisions = many(app, 300)
    account = app.learning.drawing.account
    assert explored(decisions) == 0
    assert account.extra <= 0.05 * account.spent
    free = app_of(prices=(1, 1, 1), cost=0.0)
    assert explored(many(free))


def test_what_has_no_price_beside_what_has_one_is_not_drawn() -> None:
    models = {
        "a": ModelSettings(provider="scripted", model="a", tier="simple", price=price(1)),
        "b": ModelSettings(provider="scripted", model="b", tier="complex"),
    }
    learning = LearningSettings(least=1, explore=ExploreSettings(share=0.5, cost=1.0))
    app = App(Settings(home=Path("nowhere"), models=models, learning=learning))
    app.learning.informing.start(Reads(), Thinks())
    assert not explored(many(app))


def test_where_learning_breaks_requests_go_on() -> None:
    @dataclass(frozen=True)
    class Breaks(Thinks):
        def say(self, measured: str, scored: Score) -> Said:
            raise ValueError(measured, scored)

    app = app_of()
    app.learning.informing.start(Reads(), Breaks())
    assert served(app, call()).informed is None


@pytest.mark.parametrize(
    "count", [2_000, pytest.param(100_000, marks=pytest.mark.full)], ids=["few", "many"]
)
async def test_no_draw_crosses_a_floor_or_a_gate(count: int) -> None:
    floors = RoutingSettings.model_validate({"floors": {"domains": {"coding": "medium"}}})
    app = app_of(routing=floors, cost=0.05)
    chance = random.Random(8)  # noqa: S311 - the same in each run
    asked = call()
    drawn = 0
    look = await app.decider.look(asked, None, [])
    kinds = [
        replace(look, scored=replace(look.scored, domain=domain), confined=confined)
        for domain in ("general", "coding")
        for confined in (None, Confined((), "request"))
    ]
    for _ in range(count):
        seen = chance.choice(kinds)
        scored = replace(seen.scored, value=round(100 * chance.random(), 2))
        tiers = frozenset(chance.sample(("simple", "medium", "complex"), 2))
        principal = Principal(grant=Grant(tiers=chance.choice((None, tiers))))
        one = replace(asked, request_id=f"req_{chance.random()}", principal=principal)
        decision = served(app, one, seen=replace(seen, scored=scored))
        drawn += bool(decision.informed and decision.informed.explored)
        allowed = principal.grant.tiers
        if decision.deployment is None:
            continue
        tier = decision.plan.attempts[0].tier
        assert allowed is None or tier in allowed
        if seen.confined is not None:
            assert app.decider.deployments[decision.deployment or ""].location == "local"
        possible = {"simple", "medium", "complex"} if allowed is None else allowed
        possible = possible if seen.confined is None else possible - {"complex"}
        if seen.scored.domain == "coding" and possible - {"simple"}:
            assert tier != "simple"
    account = app.learning.drawing.account
    assert 0 < drawn <= 0.5 * count
    assert account.extra <= account.cost * account.spent


def test_what_nobody_answered_counts_for_nothing() -> None:
    app = app_of()
    asked = call()
    decision = served(app, asked)
    account = app.learning.drawing.account
    assert account.spent > 0
    app.decider.served(asked, decision, None)
    assert account.spent == 0


def test_what_a_gateway_asks_itself_is_not_drawn() -> None:
    assert not explored(many(app_of(), is_own=True))


async def test_what_takes_part_in_an_experiment_is_not_drawn_as_well() -> None:
    app = app_of()
    await app.experimenting.open(MemoryStore())
    wish = NewExperiment(a="simple-one", b="complex-one", share=1.0)
    await app.experimenting.start(Principal(key="operator", grant=Grant(role="admin")), wish)

    decisions = many(app)

    assert {each.deployment for each in decisions} == {"simple-one", "complex-one"}
    assert explored(decisions) == 0
    assert all(each.informed and not each.informed.propensities for each in decisions)
