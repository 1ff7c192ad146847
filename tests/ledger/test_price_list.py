"""A newer list of prices: only where somebody asks, and never in the way."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from genai_prices import data_snapshot
from tests.gateway import Gateway

from pointsman.errors import PointsmanError, UpstreamTimeout
from pointsman.ledger import listed
from pointsman.ledger.price_list import Daily, PriceList, PricesUnavailable
from pointsman.ledger.pricing import Listed, Pricer
from pointsman.types import Usage

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NEW = Listed("model-of-tomorrow", "seller-1")
OLD = Listed("claude-opus-5-5", "anthropic")


class Web:
    """Answers as it is told."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.body = body
        self.status = status
        self.error: PointsmanError | None = None
        self.asked = 0

    async def get(
        self, url: str, headers: Mapping[str, str], timeout_s: float
    ) -> tuple[int, bytes]:
        del url, headers, timeout_s
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.status, self.body


class StoppedClock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()


@pytest.fixture(autouse=True)
def _installed_again() -> Iterator[None]:
    yield
    data_snapshot.set_custom_snapshot(None)
    listed.forget()


@pytest.fixture
def prices(tmp_path: Path) -> PriceList:
    return PriceList(tmp_path / "home" / "prices.json")


def _list(sellers: int = 12) -> bytes:
    model = {"id": "model-of-tomorrow", "match": {"equals": "model-of-tomorrow"}}
    cost = {"prices": {"input_mtok": 1.5, "output_mtok": 3}}
    return msgspec.json.encode(
        [
            {
                "id": f"seller-{n}",
                "name": f"Seller {n}",
                "api_pattern": f"https://api\\.seller-{n}\\.example",
                "models": [{**model, **cost}],
            }
            for n in range(sellers)
        ]
    )


def _cost(tariff: Listed) -> Decimal | None:
    return Pricer({"it": tariff}).cost("it", Usage(1_000_000, 1_000_000), NOW)


async def test_the_fetched_list_is_in_force_at_once_and_after_a_restart(prices: PriceList) -> None:
    assert (_cost(NEW), _cost(OLD)) == (None, Decimal(24))

    edition = await prices.update(Web(_list()), NOW)

    assert (edition.fetched, edition.sellers, edition.models) == (NOW, 12, 12)
    assert (_cost(NEW), _cost(OLD)) == (Decimal("4.5"), None)

    data_snapshot.set_custom_snapshot(None)
    listed.forget()
    assert prices.load() == edition
    assert _cost(NEW) == Decimal("4.5")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>", 200),
        (b"{}", 200),
        (b"[1]", 200),
        (_list(3), 200),
        (_list().replace(b"1.5", b'"much"'), 200),
        (_list()[:-40], 200),
        (b"no", 404),
    ],
)
async def test_what_is_no_list_changes_nothing(prices: PriceList, body: bytes, status: int) -> None:
    with pytest.raises(PricesUnavailable):
        await prices.update(Web(body, status), NOW)

    assert _cost(OLD) == Decimal(24)
    assert prices.load().fetched is None


async def test_a_damaged_file_is_the_installed_list(prices: PriceList, tmp_path: Path) -> None:
    await prices.update(Web(_list()), NOW)
    kept = tmp_path / "home" / "prices.json"
    kept.write_bytes(kept.read_bytes()[:-7])

    assert prices.load().fetched is None
    assert _cost(OLD) == Decimal(24)


async def test_a_list_for_another_version_is_not_used(prices: PriceList, tmp_path: Path) -> None:
    await prices.update(Web(_list()), NOW)
    kept = tmp_path / "home" / "prices.json"
    kept.write_bytes(
        msgspec.json.encode({**msgspec.json.decode(kept.read_bytes()), "version": "0"})
    )

    assert prices.load().fetched is None


async def test_a_folder_that_cant_be_written_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("no folder")

    with pytest.raises(PricesUnavailable):
        await PriceList(tmp_path / "home" / "prices.json").update(Web(_list()), NOW)

    assert _cost(OLD) == Decimal(24)


async def test_once_a_day_and_an_hour_after_a_failure(prices: PriceList) -> None:
    web, clock = Web(_list()), StoppedClock()
    daily = Daily(prices, web, clock)
    await daily.load()
    assert web.asked == 0

    web.error = UpstreamTimeout("no answer within 30 s")
    with pytest.raises(UpstreamTimeout):
        await daily.look()
    await daily.look()
    assert web.asked == 1
    assert _cost(OLD) == Decimal(24)

    web.error = None
    clock.time += timedelta(hours=1)
    await daily.look()
    await daily.look()
    assert web.asked == 2
    assert _cost(NEW) == Decimal("4.5")

    clock.time += timedelta(days=1)
    await daily.look()
    assert web.asked == 3


async def test_what_was_fetched_today_is_not_fetched_again_at_a_restart(prices: PriceList) -> None:
    web, clock = Web(_list()), StoppedClock()
    await prices.update(web, clock.now())

    daily = Daily(prices, web, clock)
    await daily.load()
    await daily.look()

    assert web.asked == 1


async def test_what_is_settled_keeps_its_price(prices: PriceList, gateway: Gateway) -> None:
    before = await gateway.chat(model="strong")
    cost = (await gateway.record(before))["cost"]
    await prices.update(Web(_list()), NOW)  # it knows nothing of that model
    after = await gateway.chat(model="strong")

    assert cost
    assert (await gateway.record(before))["cost"] == cost
    assert (await gateway.record(after))["cost"] is None
