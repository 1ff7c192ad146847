"""Replies as providers' references show them cost what the providers' pages say, to the last digit."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from tests.ledger.price_records import NOVEMBER, OPENAI, RECORDS, Record

from pointsman.formats import raw
from pointsman.formats.chat import usage as chat
from pointsman.formats.gemini import chunk as gemini
from pointsman.formats.messages import usage as messages
from pointsman.formats.responses import shape as responses
from pointsman.ledger.pricing import Listed, price
from pointsman.types import Json, Usage

MILLION = Decimal(1_000_000)


@pytest.mark.parametrize("record", RECORDS, ids=lambda each: f"{each.model} {each.bill[0]}")
def test_a_documented_reply_costs_what_the_page_says(record: Record) -> None:
    tariff = Listed.named(record.model)

    assert price(tariff, read(record), record.at) == billed(record)


def test_there_are_forty_of_several_providers() -> None:
    assert len(RECORDS) >= 40
    assert len({record.model.partition("/")[0] for record in RECORDS}) >= 10


@pytest.mark.parametrize("service", ["scale", "no-such-tier", "priority"])
def test_a_service_without_a_listed_price_is_unknown(service: str) -> None:
    """Anthropic's priority tier is paid for in advance; nobody lists what a token of it costs."""
    usage = Usage(1000, 100, service=(service,))

    assert price(Listed.named("anthropic/claude-opus-5-5"), usage, NOVEMBER) is None
    assert price(Listed.named("openai/text-embedding-3-large"), usage, NOVEMBER) is None


def test_a_service_has_no_price_before_the_list_knows_it() -> None:
    flex = Usage(1000, 100, service=("flex",))
    sol = Listed.named("openai/gpt-6-sol")

    assert price(sol, flex, datetime(2026, 10, 11, tzinfo=UTC)) is None
    assert price(sol, flex, datetime(2026, 10, 12, tzinfo=UTC)) == Decimal("0.0015")


def test_two_services_at_once() -> None:
    """$8 and $40 a million for speed, and a tenth more in the United States."""
    usage = Usage(1000, 100, service=("fast", "us"))

    assert price(Listed.named("anthropic/claude-opus-5-5"), usage, NOVEMBER) == Decimal("0.0132")


def test_another_sellers_service_is_not_guessed() -> None:
    """Azure lists OpenAI's models, and none of OpenAI's services."""
    assert price(Listed.named("azure/gpt-4o"), Usage(1000, 100), NOVEMBER) is not None
    assert price(Listed.named("azure/gpt-4o"), Usage(9, 9, service=("priority",)), NOVEMBER) is None


def test_searches_that_nobody_lists_a_price_for_make_it_unknown() -> None:
    usage = Usage(1000, 100, searches=1)

    assert price(Listed.named("mistral/mistral-medium-3-5"), usage, NOVEMBER) is None


def test_parts_that_do_not_fit_together_have_no_price() -> None:
    """More audio than there was input."""
    usage = Usage(10, 5, audio_input_tokens=99)

    assert price(Listed.named("openai/gpt-audio"), usage, NOVEMBER) is None


def read(record: Record) -> Usage:
    """The usage as the gateway reads it off the wire."""
    body: dict[str, Json] = {"output": [], **record.beside, "usage": record.usage}
    found: Usage | None
    match record.format:
        case "messages":
            found = messages.stated(record.usage).usage(0, 0)
        case "responses":
            found = responses.usage_of(responses.response(msgspec.json.encode(body)))
        case "gemini":
            found = gemini.usage_of(msgspec.json.encode(record.usage), 0, 0, 0)
        case "raw":
            found = raw.usage(msgspec.json.encode(body))
        case _:
            encoded = msgspec.Raw(msgspec.json.encode(record.usage))
            found = chat.stated(encoded, record.beside.get("service_tier"))
    assert found is not None
    assert not found.estimated
    return found


def billed(record: Record) -> Decimal:
    """The sum of the bill's lines."""
    lines = [line.split(" x ") for line in record.bill]
    tokens = sum((int(count) * Decimal(rate) for count, rate in lines), Decimal(0))
    return tokens / MILLION + Decimal(record.fee)


def test_every_record_names_its_page() -> None:
    assert all(record.page.startswith("https://") for record in RECORDS)
    assert any(record.page == OPENAI for record in RECORDS)
