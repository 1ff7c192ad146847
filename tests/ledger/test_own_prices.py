"""Prices of one's own: by tokens, requests, hours and kilowatt-hours; and the most that one can cost."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pointsman.assembly.tariffs import pricer
from pointsman.config import ModelSettings, PriceSettings, Settings
from pointsman.ledger.pricing import Free, Hourly, Listed, Pricer, Rates, Tariff, Tiered, price
from pointsman.types import Usage

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
COUNT = st.integers(0, 400_000)


def _cost(own: dict[str, object], usage: Usage, seconds: float | None = None) -> Decimal | None:
    """What a local deployment with that `price` costs."""
    model = ModelSettings(
        provider="ollama", model="qwen3", price=PriceSettings.model_validate(own), tier="simple"
    )
    return pricer(Settings(models={"own": model})).cost("own", usage, NOW, seconds)


@pytest.mark.parametrize(
    ("own", "usage", "dollars"),
    [
        ({"input": 4, "output": 20}, Usage(1000, 100), "0.006"),
        ({"input": "0.1", "output": 0}, Usage(8), "0.0000008"),
        (
            {"input": 4, "output": 20, "cached": "0.2", "written": 5, "written_1h": 8},
            Usage(4096, 503, 1800, 248, written_1h_tokens=100),
            "0.020152",
        ),
        # Kept for an hour as kept for minutes, where nothing else is said.
        (
            {"input": 4, "output": 20, "written": 5},
            Usage(100, 0, written_tokens=100, written_1h_tokens=100),
            "0.0005",
        ),
        ({"per_request": "0.014"}, Usage(1000, 1000), "0.014"),
        ({"input": 3, "output": 15, "per_request": "0.014"}, Usage(26, 832), "0.026558"),
        # Above 100,000 tokens all of them cost more.
        (
            {"input": 1, "output": 2, "tiers": [{"above": 100_000, "input": 5, "output": 10}]},
            Usage(100_000, 10),
            "0.10002",
        ),
        (
            {"input": 1, "output": 2, "tiers": [{"above": 100_000, "input": 5, "output": 10}]},
            Usage(100_001, 10),
            "0.500105",
        ),
        # A service has a factor where one is given, for the tokens alone.
        (
            {"input": 4, "output": 20, "per_request": 1, "services": {"batch": "0.5"}},
            Usage(1000, 100, service=("batch",)),
            "1.003",
        ),
    ],
)
def test_by_tokens_and_requests(own: dict[str, object], usage: Usage, dollars: str) -> None:
    assert _cost(own, usage) == Decimal(dollars)


@pytest.mark.parametrize("services", [{}, {"batch": "0.5"}])
def test_a_service_that_the_price_does_not_name_has_an_unknown_one(
    services: dict[str, str],
) -> None:
    own = {"input": 4, "output": 20, "services": services}
    assert _cost(own, Usage(1000, 100, service=("priority",))) is None
    assert _cost(own, Usage(1000, 100)) == Decimal("0.006")


@pytest.mark.parametrize(
    ("own", "seconds", "dollars"),
    [
        ({"per_hour": "0.12"}, 3600.0, "0.12"),
        ({"per_hour": "0.12"}, 1.5, "0.00005"),
        ({"per_hour": "0.12", "at_once": 4}, 3600.0, "0.03"),
        ({"kwh": "0.30", "watts": 250}, 3600.0, "0.075"),
        ({"kwh": "0.30", "watts": 250}, 2.0, "0.000041666667"),  # to the pico-dollar
        ({"per_hour": 0}, 99.0, "0"),
    ],
)
def test_by_time(own: dict[str, object], seconds: float, dollars: str) -> None:
    assert _cost(own, Usage(10, 10), seconds) == Decimal(dollars)


def test_by_time_that_nobody_knows_is_unknown() -> None:
    assert _cost({"per_hour": "0.12"}, Usage(10, 10)) is None


@pytest.mark.parametrize(
    "own",
    [
        {},
        {"input": 1},
        {"output": 1},
        {"cached": 1},
        {"input": 1, "output": 1, "per_hour": 1},
        {"kwh": 1},
        {"watts": 100},
        {"per_hour": 1, "kwh": 1, "watts": 1},
        {"per_hour": 1, "services": {"batch": 1}},
        {"input": 1, "output": 1, "services": {"batch": -1}},
        {"input": 1, "output": 1, "tiers": [{"above": 5}]},
        {"input": 1, "output": 1, "tiers": [{"above": 0, "input": 1, "output": 1}]},
        {"per_hour": 1, "at_once": 0},
        {"input": -1, "output": 1},
    ],
)
def test_a_price_that_says_nothing_or_two_things_is_refused(own: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PriceSettings.model_validate(own)


@pytest.mark.parametrize(
    ("tariff", "most"),
    [
        (Free(), "0"),
        # The dearest thing that the cache can do with input: $8 a million.
        (Rates(Decimal(4), Decimal(20), Decimal("0.2"), Decimal(5), Decimal(8)), "0.01"),
        (Listed.named("anthropic/claude-opus-5-5"), "0.01"),
        (Listed("no-such-model"), None),
        (Hourly(Decimal(12), at_once=2, most_s=60.0), "0.1"),
        (Tiered(((-1, Rates(Decimal(4), Decimal(20))),), per_request=Decimal(1)), "1.006"),
    ],
)
def test_what_a_request_can_cost_at_most(tariff: Tariff, most: str | None) -> None:
    worst = Pricer({"it": tariff}).worst_cost("it", 1000, 100, NOW)

    assert worst == (None if most is None else Decimal(most))


def test_at_most_counts_the_tiers_that_a_prompt_can_reach() -> None:
    worst = Pricer({"haiku": Listed.named("anthropic/claude-haiku-5-5")}).worst_cost

    assert worst("haiku", 100_000, 0, NOW) == Decimal("0.02")
    assert worst("haiku", 100_001, 0, NOW) == Decimal("0.100001")
    assert worst("haiku", 100_000, 0, NOW, ("batch",)) == Decimal("0.01")


@given(
    tariff=st.sampled_from(
        [
            Rates(Decimal(4), Decimal(20), Decimal("0.2"), Decimal(5), Decimal(8)),
            Rates(Decimal(1), Decimal(2), Decimal(3)),
            Tiered(
                (
                    (-1, Rates(Decimal(4), Decimal(20))),
                    (1000, Rates(Decimal(1), Decimal(2), written=Decimal(9))),
                ),
                per_request=Decimal("0.01"),
            ),
            Listed.named("anthropic/claude-haiku-5-5"),
            Listed.named("openai/gpt-6-sol"),
            Listed.named("google/gemini-2.5-pro"),
        ]
    ),
    figures=st.tuples(COUNT, COUNT, COUNT, COUNT, COUNT),
    more=COUNT,
)
def test_no_usage_costs_more_than_the_most(
    tariff: Tariff, figures: tuple[int, int, int, int, int], more: int
) -> None:
    tokens, output, cached, written, lasting = figures
    usage = Usage(tokens, output, cached, written, written_1h_tokens=lasting)
    cost = price(tariff, usage, NOW)
    most = Pricer({"it": tariff}).worst_cost("it", tokens + more, output + more, NOW)

    assert cost is not None
    assert most is not None
    assert 0 <= cost <= most


def test_the_baseline_is_served_as_usual() -> None:
    """Savings are against the plain price, whatever service this request happened to get."""
    against = Pricer({}, Listed.named("anthropic/claude-opus-5-5"))

    assert against.baseline_cost(Usage(1000, 100, service=("flex",)), NOW) == Decimal("0.006")
