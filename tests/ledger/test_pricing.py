"""What tokens cost: exact, or unknown."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import genai_prices
import pytest
from genai_prices.types import ModelPrice

from pointsman.assembly.tariffs import REFERENCE_BASELINE, baseline_name
from pointsman.config import ModelSettings, Settings
from pointsman.ledger.pricing import (
    Free,
    Hourly,
    Listed,
    Pricer,
    Rates,
    Tariff,
    Tiered,
    price,
)
from pointsman.types import Usage

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tariff", "usage", "dollars"),
    [
        (Free(), Usage(1000, 1000), "0"),
        (Rates(Decimal("0.10"), Decimal("0.50")), Usage(1_000_000, 1_000_000), "0.60"),
        (
            Rates(Decimal(4), Decimal(20), Decimal("0.2")),
            Usage(1000, 10, cached_tokens=900),
            "0.00078",
        ),
        (Rates(Decimal(4), Decimal(20)), Usage(1000, 10, cached_tokens=900), "0.0042"),
        # Anthropic's price page, November 2026: $4 in, $0.20 cache read, $20 out per million.
        # An upstream that reports more cached tokens than there were: never less than nothing.
        (Rates(Decimal(4), Decimal(20), Decimal(1)), Usage(10, 0, cached_tokens=99), "0.00001"),
        (
            Rates(Decimal(4), Decimal(20), Decimal(1)),
            Usage(10, 0, cached_tokens=8, written_tokens=99),
            "0.000016",
        ),
        # Written as configured; as input where nothing is.
        (
            Rates(Decimal(4), Decimal(20), written=Decimal(5)),
            Usage(1000, 0, written_tokens=400),
            "0.0044",
        ),
        (Rates(Decimal(4), Decimal(20)), Usage(1000, 0, written_tokens=400), "0.004"),
        (Listed("claude-opus-5-5"), Usage(1000, 10, cached_tokens=100), "0.00382"),
        # $5 per million written.
        (Listed("claude-opus-5-5"), Usage(1000, 10, written_tokens=100), "0.0043"),
        (Listed.named("anthropic/claude-haiku-5-5"), Usage(10_000, 100), "0.00105"),
        # The same model above 100,000 prompt tokens costs five times as much.
        (Listed.named("anthropic/claude-haiku-5-5"), Usage(200_000, 0), "0.1"),
        # $0.10 in, $0.01 read, $0.125 written, $0.50 out.
        (
            Listed.named("anthropic/claude-haiku-5-5"),
            Usage(10_000, 100, cached_tokens=2000, written_tokens=4000),
            "0.00097",
        ),
        (
            Listed.named("anthropic/claude-haiku-5-5"),
            Usage(200_000, 0, cached_tokens=20_000, written_tokens=40_000),
            "0.096",
        ),
        # In tiers or not, what can't be is brought down to what can.
        (
            Listed.named("anthropic/claude-haiku-5-5"),
            Usage(10_000, 0, cached_tokens=8000, written_tokens=9000),
            "0.00033",
        ),
    ],
)
def test_prices(tariff: Tariff, usage: Usage, dollars: str) -> None:
    assert price(tariff, usage, NOW) == Decimal(dollars)


@pytest.mark.parametrize(
    "tariff",
    [
        Listed("no-such-model"),
        Listed.named("openai/claude-opus-5-5"),
        Listed.named("no-such-provider/claude-opus-5-5"),
        Listed("claude-opus-5-5", base_url="https://somebody-elses-cloud.example/v1"),
        Listed.named("openai/tts-1"),  # by the character
        Listed.named("groq/whisper-large-v3"),  # by the hour
    ],
)
def test_an_unknown_price_is_unknown_and_never_zero(tariff: Tariff) -> None:
    assert price(tariff, Usage(1000, 1000), NOW) is None


def test_what_is_listed_as_free_is_free() -> None:
    assert (
        price(Listed.named("openrouter/agentica-org/deepcoder-14b-preview:free"), Usage(9, 9), NOW)
        == 0
    )


def test_a_known_address_identifies_the_provider() -> None:
    tariff = Listed("gpt-6-sol", base_url="https://api.openai.com/v1")

    assert price(tariff, Usage(1_000_000, 0), NOW) == price(
        Listed.named("openai/gpt-6-sol"), Usage(1_000_000, 0), NOW
    )


def test_a_deployment_against_the_baseline() -> None:
    pricer = Pricer({"small": Free()}, Rates(Decimal(4), Decimal(20)))

    assert pricer.cost("small", Usage(1000, 100), NOW) == 0
    assert pricer.baseline_cost(Usage(1000, 100), NOW) == Decimal("0.006")


def test_what_a_provider_states_is_what_it_costs_and_no_price_of_another() -> None:
    rates = Rates(Decimal(4), Decimal(20))
    pricer = Pricer({"openrouter": rates, "other": rates}, rates, stating=["openrouter"])
    stated = Usage(1000, 100, stated_cost=Decimal("0.0001"))

    assert pricer.cost("openrouter", stated, NOW) == Decimal("0.0001")
    assert pricer.cost("openrouter", Usage(1000, 100), NOW) == Decimal("0.006")
    assert pricer.cost("other", stated, NOW) == Decimal("0.006")
    assert pricer.baseline_cost(stated, NOW) == Decimal("0.006")


@pytest.mark.parametrize(
    ("tariff", "prices"),
    [
        (Free(), (0, 0)),
        (Rates(Decimal("0.15"), Decimal("0.6")), (Decimal("0.15"), Decimal("0.6"))),
        (
            Tiered(
                ((-1, Rates(Decimal(4), Decimal(20))), (200_000, Rates(Decimal(8), Decimal(30)))),
                per_request=Decimal("0.01"),
            ),
            (4, 20),
        ),
        (Hourly(Decimal(3)), None),
        (Listed.named("nobody/knows-it"), None),
    ],
    ids=str,
)
def test_a_price_in_two_figures(tariff: Tariff, prices: object) -> None:
    assert Pricer({"one": tariff}, Free()).per_million("one", NOW) == prices


def test_the_first_known_price_is_the_baseline() -> None:
    pricer = Pricer({}, Listed("no-such-model"), Rates(Decimal(4), Decimal(20)))

    assert pricer.baseline_cost(Usage(1000, 100), NOW) == Decimal("0.006")
    assert Pricer({}, Listed("no-such-model")).baseline_cost(Usage(1, 1), NOW) is None


def test_rates_give_what_the_library_gives() -> None:
    """Every listed model, with and without tokens of its cache, small and large prompts."""
    usages = [
        Usage(),
        Usage(1000, 10),
        Usage(1000, 10, cached_tokens=900),
        Usage(1000, 10, cached_tokens=300, written_tokens=600),
        Usage(300_000, 5000, cached_tokens=7, written_tokens=7000),
        *(Usage(edge + more, 5) for edge in (100_000, 128_000, 200_000) for more in (0, 1)),
    ]
    compared = 0
    for provider in genai_prices.data_snapshot.get_snapshot().providers:
        for model in provider.models:
            if _is_paid_otherwise(model.get_prices(NOW)):
                continue
            tariff = Listed(model.id, provider.id)
            for usage in usages:
                ours = price(tariff, usage, NOW)
                theirs = _theirs(provider.id, model.id, usage)

                # None in the place of 0 is told by the tests above.
                assert ours == theirs or (ours, theirs) == (None, 0), (model.id, usage)
                compared += ours is not None

    assert compared > 10_000


def _is_paid_otherwise(listed: ModelPrice) -> bool:
    """By what no reply tells: hours, characters, pages, messages, citations."""
    words = ("hours", "mchars", "kpages", "messages", "citation")
    return any(word in name for name in vars(listed) for word in words)


def _theirs(provider: str, model: str, usage: Usage) -> Decimal | None:
    counted = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.written_tokens,
        output_tokens=usage.output_tokens,
    )
    try:
        found = genai_prices.calc_price(
            counted, model, provider_id=provider, genai_request_timestamp=NOW
        )
    except (LookupError, ValueError):
        return None
    return found.total_price


def test_the_baseline_chats_and_costs_money() -> None:
    def model(**more: object) -> ModelSettings:
        return ModelSettings(provider="scripted", model="m", location="cloud", **more)

    priced = {"price": {"input": 1, "output": 2}}
    models = {
        "embed": model(tier="complex", tasks=["embeddings"], **priced),
        "gift": model(tier="complex", price={"input": 0, "output": 0}),
        "chat": model(tier="simple", **priced),
    }
    settings = Settings(home=Path("nowhere"), models=models)

    assert baseline_name(settings, NOW) == "chat"
    del models["chat"]
    assert baseline_name(Settings(home=Path("nowhere"), models=models), NOW) == REFERENCE_BASELINE
