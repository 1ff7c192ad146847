"""The books as they are read over HTTP: filters, pages, sums, files, and forgetting."""

import asyncio
import csv
import io
import json
import time
from datetime import datetime, timedelta
from decimal import Decimal

import httpx2
import pytest
from tests.gateway import Gateway
from tests.support.entries import NOON, entry

from pointsman.types import Entry, Feedback

DAY = timedelta(days=1)


@pytest.fixture
async def books(gateway: Gateway) -> Gateway:
    """Two organisations, two days, and one of nearly everything."""
    await keep(
        gateway,
        entry("small", NOON, user="ann"),
        entry("hit", NOON, cache="exact", cost="0"),
        entry(
            "strong", NOON + DAY, key="k2", deployment="strong", tier="complex",
            model_asked="strong", cost="0.005", overhead="0.001", baseline="0.004",
        ),
        entry(
            "umbrella", NOON + DAY, organisation="umbrella", key="k3", cost=None, estimated=True,
        ),
        entry(
            "failed", NOON + DAY, outcome="failed", deployment=None, tier=None, tokens=None,
            cost=None, baseline=None,
        ),
        entry("open", NOON + DAY, outcome="open"),
    )  # fmt: skip
    await store(gateway).add(Feedback("small", NOON, 1.0))
    return gateway


def store(gateway: Gateway):
    return gateway.app.bookkeeping.store


async def keep(gateway: Gateway, *entries: Entry) -> None:
    for each in entries:
        await store(gateway).reserve(each)


async def get(gateway: Gateway, path: str, **query: object):
    reply = await gateway.client.get(path, params=query)
    assert reply.status_code == 200, reply.text
    return json.loads(reply.text, parse_float=Decimal)


async def ids(gateway: Gateway, **query: object) -> list[str]:
    return [
        record["request_id"] for record in (await get(gateway, "/v1/decisions", **query))["data"]
    ]


def by_name(lines: list[dict[str, object]]) -> dict[object, dict[str, object]]:
    return {line["name"]: line for line in lines}


async def test_a_summary(books: Gateway) -> None:
    found = await get(books, "/v1/analytics/summary", since=NOON.isoformat())

    assert found["total"]["requests"] == 6
    assert found["total"]["cost"] == Decimal("0.005012")
    assert found["total"]["saved"] == Decimal("0.0006") * 2 - Decimal("0.000012") - Decimal("0.001")
    assert (found["total"]["compared"], found["total"]["unpriced"]) == (3, 1)
    assert found["total"]["estimated"] == 1
    assert by_name(found["outcomes"])["failed"]["requests"] == 1
    assert by_name(found["cache"])["exact"]["of_requests"] == pytest.approx(Decimal(1) / 6)
    assert datetime.fromisoformat(found["since"]) == NOON


async def test_the_cost_by_what_is_asked_for(books: Gateway) -> None:
    found = await get(books, "/v1/stats/cost", by="model,day")

    assert list(found["by"]) == ["model", "day"]
    models = by_name(found["by"]["model"])
    assert {name: line["requests"] for name, line in models.items()} == {
        "strong": 1, "small": 2, "cache": 1, "none": 2,
    }  # fmt: skip
    assert [line["name"] for line in found["by"]["day"]] == ["2026-05-01", "2026-05-02"]
    assert models["strong"]["overhead"] == Decimal("0.001")


async def test_savings_say_what_they_are(books: Gateway) -> None:
    found = await get(books, "/v1/analytics/savings-report")

    total = found["total"]
    assert found["baseline"] == "strong"
    assert "baseline_cost - cost" in found["formula"]
    assert set(found["by"]) == {"day", "tier", "deployment", "key"}
    assert total["baseline_cost"] - total["cost"] == total["saved"]
    assert total["saved_by_cache"] == Decimal("0.0006")
    assert (total["compared"], total["excluded"], total["unpriced"]) == (3, 3, 1)
    assert by_name(found["by"]["tier"])["complex"]["saved"] == Decimal("-0.001")


async def test_quality(books: Gateway) -> None:
    found = await get(books, "/v1/stats/quality")

    assert found["total"]["open"] == 1
    assert found["total"]["failed"] == pytest.approx(Decimal("0.2"))
    small = by_name(found["by"]["deployment"])["small"]
    assert (small["good"], small["bad"], small["rating"]) == (1, 0, 1)
    assert small["latency_ms"] == 250


async def test_the_report_is_the_sum_of_the_entries(books: Gateway) -> None:
    found = await get(books, "/v1/report")
    records = (await get(books, "/v1/decisions"))["data"]

    for name in ("cost", "saved"):
        assert found["total"][name] == sum(record[name] or 0 for record in records)
    for group in ("by_deployment", "by_tier", "by_outcome", "by_cache", "by_day"):
        assert sum(line["cost"] for line in found[group]) == found["total"]["cost"]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"organisation": "umbrella"}, {"umbrella"}),
        ({"key": "k2"}, {"strong"}),
        ({"user": "ann"}, {"small"}),
        ({"deployment": "strong"}, {"strong"}),
        ({"tier": "complex"}, {"strong"}),
        ({"outcome": "failed"}, {"failed"}),
        ({"cache": "exact"}, {"hit"}),
        ({"model": "strong"}, {"strong"}),
        ({"until": (NOON + DAY).isoformat()}, {"small", "hit"}),
        ({"since": (NOON + DAY).isoformat(), "outcome": "completed"}, {"strong", "umbrella"}),
        ({"key": "nobody"}, set()),
    ],
    ids=str,
)
async def test_filters_hold_for_records_and_for_sums(
    books: Gateway, query: dict[str, str], wanted: set[str]
) -> None:
    assert set(await ids(books, **query)) == wanted
    found = await get(books, "/v1/analytics/summary", **query)
    assert found["total"]["requests"] == len(wanted)


@pytest.mark.parametrize("size", [1, 2, 5])
async def test_pages_lose_nothing_among_equal_times(books: Gateway, size: int) -> None:
    shown: list[str] = []
    query: dict[str, object] = {"limit": size}
    while True:
        page = await get(books, "/v1/decisions", **query)
        shown += [record["request_id"] for record in page["data"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]

    assert shown == ["umbrella", "strong", "open", "failed", "small", "hit"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/decisions", {"cursor": "x"}),
        ("/v1/decisions", {"cursor": "OTk5OS0xMi0zMVQyMzo1OTo1OS45OTk5OTlaIHI="}),
        ("/v1/decisions", {"organization": "acme"}),
        ("/v1/decisions", {"key": ""}),
        ("/v1/decisions", {"key": ["one", "other"]}),
        ("/v1/analytics/summary", {"outcome": ["failed", "failed"]}),
        ("/v1/decisions", {"user": "a\0b"}),
        ("/v1/decisions", {"outcome": "perfect"}),
        ("/v1/report", {"cache": "yes"}),
        ("/v1/report", {"since": "9999-12-31"}),
        ("/v1/report", {"until": "0001-01-01T00:00:00+14:00"}),
        ("/v1/stats/cost", {"by": "moon"}),
        ("/v1/stats/cost", {"by": ""}),
        ("/v1/export", {"format": "xls"}),
    ],
    ids=str,
)
async def test_what_is_not_understood_is_refused(
    gateway: Gateway, path: str, query: dict[str, str | list[str]]
) -> None:
    reply = await gateway.client.get(path, params=query)

    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == next(iter(query))


async def test_export_as_csv(books: Gateway) -> None:
    reply = await books.client.get("/v1/export", params={"organisation": "acme"})

    rows = list(csv.DictReader(io.StringIO(reply.text)))
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"].endswith('.csv"')
    assert {row["request_id"] for row in rows} == {"small", "hit", "strong", "failed", "open"}
    assert by_request(rows)["strong"]["cost"] == "0.005"


async def test_export_as_json_lines(books: Gateway) -> None:
    reply = await books.client.get("/v1/export", params={"format": "jsonl"})

    assert [json.loads(line)["request_id"] for line in reply.text.splitlines()] == await ids(books)


async def test_export_as_parquet(books: Gateway) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    reply = await books.client.get("/v1/export", params={"format": "parquet"})

    rows = parquet.read_table(io.BytesIO(reply.content)).to_pylist()
    assert by_request(rows)["strong"]["cost"] == Decimal("0.005")
    assert len(rows) == 6


async def test_nobody_writes_on_for_a_client_that_left(books: Gateway) -> None:
    left, sent = asyncio.Event(), []
    body = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, object]:
        for message in body:
            return message
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)
        if message.get("body"):  # it reads no more, and goes
            left.set()
            await asyncio.Event().wait()

    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "path": "/v1/export",
        "query_string": b"", "headers": [(b"host", b"localhost")],
    }  # fmt: skip
    await books.app.asgi()(scope, receive, send)

    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


async def test_forgetting_an_organisation(books: Gateway) -> None:
    reply = await books.client.delete("/v1/entries", params={"organisation": "umbrella"})

    assert reply.json() == {"removed": 1}
    assert "umbrella" not in await ids(books)
    assert (await get(books, "/v1/report"))["total"]["requests"] == 5


async def test_forgetting_what_is_old_keeps_the_sums_of_days(books: Gateway) -> None:
    before = (await get(books, "/v1/report"))["total"]

    reply = await books.client.delete(
        "/v1/entries", params={"before": (NOON + DAY).date().isoformat() + "T00:00Z"}
    )

    assert reply.json() == {"removed": 2}
    assert set(await ids(books)) == {"strong", "umbrella", "failed", "open"}
    assert (await get(books, "/v1/report"))["total"] == before


async def test_forgetting_has_to_be_meant(books: Gateway) -> None:
    assert (await books.client.delete("/v1/entries")).status_code == 400
    assert (await books.client.delete("/v1/entries?all=no")).status_code == 400
    assert len(await ids(books)) == 6


async def key_for(gateway: Gateway, **wish: object) -> dict[str, str]:
    """A key's header."""
    reply = await gateway.client.post("/v1/keys", json={"name": "a key", **wish})
    assert reply.status_code == 201, reply.text
    return {"authorization": f"Bearer {reply.json()['key']}"}


async def asked(
    gateway: Gateway, headers: dict[str, str], path: str, **query: str
) -> httpx2.Response:
    return await gateway.client.get(path, params=query, headers=headers)


READING = (
    *("/v1/decisions", "/v1/report", "/v1/analytics/summary", "/v1/analytics/savings-report"),
    *("/v1/stats/cost", "/v1/stats/quality", "/v1/export"),
)


@pytest.mark.parametrize("path", READING)
async def test_who_is_confined_reads_of_its_organisation_only(books: Gateway, path: str) -> None:
    admin = await key_for(books, role="admin", organisation="acme", everywhere=True)
    books.client.headers.update(admin)
    reader = await key_for(books, role="read-only", organisation="umbrella")

    assert (await asked(books, reader, path, organisation="acme")).status_code == 403
    mine = await asked(books, reader, path)
    assert mine.status_code == 200
    assert mine.text == (await asked(books, admin, path, organisation="umbrella")).text


def by_request(rows: list[dict[str, object]]) -> dict[object, dict[str, object]]:
    return {row["request_id"]: row for row in rows}


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
async def test_a_day_begins_in_utc_wherever_the_gateway_stands(
    books: Gateway, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    day = (NOON + DAY).date()
    stated = await get(books, "/v1/analytics/summary", since=f"{day}T00:00:00Z")
    late = entry("late", datetime.combine(day, datetime.min.time(), NOON.tzinfo))
    await keep(books, late)
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        plain = await get(books, "/v1/analytics/summary", since=str(day))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert plain["total"]["requests"] == stated["total"]["requests"] + 1
