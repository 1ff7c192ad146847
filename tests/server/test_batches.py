"""The Batch API, as OpenAI's own client uses it. Time stands still until it is moved."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import openai
import pytest
from tests.support.served import Books, Front, eventually, front

from pointsman.access.wishes import KeyChange, NewKey
from pointsman.app import App
from pointsman.clock import ManualClock
from pointsman.config import BatchSettings, CacheSettings, ModelSettings, Settings
from pointsman.types import Principal

PATIENT_S = 600.0  # for whatever nobody waits for
_OVER = {"completed", "failed", "expired", "cancelled"}
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def scripted(tier: str, **script: object) -> ModelSettings:
    return ModelSettings(provider="scripted", model="tiny", tier=tier, script=[script])


MODELS = {
    "small": scripted("simple"),
    "slow": scripted("medium", first_byte_delay_s=0.05),
    "moody": ModelSettings(
        provider="scripted",
        model="tiny",
        tier="complex",
        script=[{"status": 503}, {"status": 503}, {"reply": "now"}],
    ),
    "broken": scripted("expert", status=500),
    "vectors": ModelSettings(
        provider="scripted", model="tiny", tier="simple", tasks=frozenset({"embeddings"})
    ),
}


@dataclass
class House:
    """A gateway, and OpenAI's client in front of it."""

    app: App
    books: Books
    clock: ManualClock
    client: openai.AsyncOpenAI
    address: str

    async def begin(self, content: bytes, **more: object) -> openai.types.Batch:
        file = await self.client.files.create(file=("in.jsonl", content), purpose="batch")
        wish = {"endpoint": "/v1/chat/completions", "completion_window": "24h", **more}
        return await self.client.batches.create(input_file_id=file.id, **wish)

    async def end(self, batch_id: str, *, step_s: float = 0.0) -> openai.types.Batch:
        """The batch when it has ended; until then time moves by so much at each look."""
        while (batch := await self.client.batches.retrieve(batch_id)).status not in _OVER:
            self.clock.advance(step_s)
            await self.app._scheduling.batching.tend()
        return batch

    async def lines(self, file_id: str | None) -> Sequence[dict]:
        assert file_id is not None
        content = (await self.client.files.content(file_id)).content
        assert (await self.client.files.retrieve(file_id)).bytes == len(content)
        return [json.loads(line) for line in content.splitlines()]


async def furnished(gate: Front, batch: BatchSettings) -> AsyncIterator[House]:
    books, clock = Books(), ManualClock(NOON)
    settings = Settings(
        home="nowhere",
        models=MODELS,
        batch=batch,
        cache=CacheSettings(exact=False),
        routing={"tiers": ["simple", "medium", "complex", "expert"], "retries": 0},
    )
    app = App(settings, environment={}, clock=clock, observer=books)
    await app.start(in_memory=True)
    gate.app = app.asgi()
    client = openai.AsyncOpenAI(
        base_url=f"{gate.address}/v1", api_key="any", max_retries=0, timeout=PATIENT_S
    )
    async with client:
        yield House(app, books, clock, client, gate.address)
    await app.close()


@pytest.fixture
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    wanted: Mapping[str, object] = getattr(request, "param", {})
    async with front() as gate:
        async for each in furnished(gate, BatchSettings(**wanted)):
            yield each


def row(
    number: int, body: Mapping[str, object], url: str = "/v1/chat/completions"
) -> dict[str, object]:
    return {"custom_id": f"row {number}", "method": "POST", "url": url, "body": body}


def chat(text: str, model: str = "small", **more: object) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def jsonl(*rows: Mapping[str, object]) -> bytes:
    return b"\n".join(json.dumps(each).encode() for each in rows)


def chats(count: int, model: str = "small") -> bytes:
    return jsonl(*(row(number, chat(f"say {number}", model)) for number in range(count)))


async def test_every_row_is_answered_once(house: House):
    """A file goes in; its rows come out in order, and each is in the books under its own id."""
    asked = await house.begin(chats(120), metadata={"night": "first"})
    assert asked.status == "validating"
    batch = await house.end(asked.id)

    assert (batch.status, batch.metadata) == ("completed", {"night": "first"})
    assert batch.request_counts.model_dump() == {"total": 120, "completed": 120, "failed": 0}
    assert batch.error_file_id is None
    rows = await house.lines(batch.output_file_id)
    assert [each["custom_id"] for each in rows] == [f"row {number}" for number in range(120)]
    assert all(each["response"]["status_code"] == 200 for each in rows)
    assert all(each["response"]["body"]["choices"] and each["error"] is None for each in rows)
    entries = [entry.request_id for entry in house.books.settled_entries]
    assert sorted(entries) == [each["response"]["request_id"] for each in rows]


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("/v1/completions", {"model": "small", "prompt": "Hi"}),
        ("/v1/embeddings", {"model": "vectors", "input": ["a", "b"]}),
        ("/v1/responses", {"model": "small", "input": "Hi"}),
    ],
)
async def test_every_endpoint(house: House, endpoint: str, body: Mapping[str, object]):
    batch = await house.begin(jsonl(row(0, body, endpoint)), endpoint=endpoint)
    ended = await house.end(batch.id)

    [line] = await house.lines(ended.output_file_id)
    assert set(line["response"]["body"]) & {"choices", "data", "output"}


async def test_what_fails_is_among_the_errors(house: House):
    """Rows that no model can take are told so, each with its status; the others are answered."""
    content = jsonl(
        row(0, chat("Hi")),
        row(1, chat("Hi", "nobody")),
        row(2, {"model": "small", "messages": "none"}),
        row(3, {"model": "small", "input": "Hi", "messages": []}),
    )
    batch = await house.end((await house.begin(content)).id)

    assert batch.status == "completed"
    assert batch.request_counts.model_dump() == {"total": 4, "completed": 1, "failed": 3}
    assert [each["custom_id"] for each in await house.lines(batch.output_file_id)] == ["row 0"]
    errors = await house.lines(batch.error_file_id)
    assert [each["response"]["status_code"] for each in errors] == [404, 400, 400]
    assert errors[0]["response"]["body"]["error"]["code"] == "model_not_found"
    assert all(each["error"] is None for each in errors)


@pytest.mark.parametrize("more", [{"type": "item_reference", "id": "msg_1"}, {"id": "msg_1"}])
async def test_a_row_stands_for_itself(house: House, more: Mapping[str, object]):
    body = {"model": "small", "input": [{"role": "user", "content": "Hi"}, more]}
    content = jsonl(row(0, body, "/v1/responses"))
    batch = await house.end((await house.begin(content, endpoint="/v1/responses")).id)
    assert (await house.lines(batch.error_file_id))[0]["response"]["status_code"] == 400


async def test_a_file_that_is_wrong_is_not_begun(house: House):
    """Every line that is no request of the batch is named; nothing is asked."""
    content = jsonl(
        row(0, chat("Hi")),
        row(0, chat("Hi")),
        row(2, chat("Hi"), "/v1/embeddings"),
        {**row(3, chat("Hi")), "method": "GET"},
        {"custom_id": "row 4"},
        row(5, chat("Hi", stream=True)),
        {**row(6, chat("Hi")), "custom_id": ""},
    )
    batch = await house.end((await house.begin(content + b"\n{half")).id)

    assert batch.status == "failed"
    assert [(each.line, each.code) for each in batch.errors.data] == [
        (2, "duplicate_custom_id"),
        (3, "mismatched_url"),
        (4, "invalid_method"),
        (5, "invalid_json_line"),
        (6, "invalid_request"),
        (7, "invalid_custom_id"),
        (8, "invalid_json_line"),
    ]
    assert house.books.settled_entries == []
    assert (await house.end((await house.begin(b"\n\n")).id)).errors.data[0].code == "empty_file"


async def test_a_row_is_asked_again_where_that_helps(house: House):
    """Twice the server could not: two failed entries, and one with the answer."""
    batch = await house.begin(chats(1, "moody"))
    ended = await house.end(batch.id, step_s=1.0)

    [line] = await house.lines(ended.output_file_id)
    assert line["response"]["request_id"] == f"{batch.id}_000000_3"
    assert [(e.request_id[-1], e.outcome) for e in house.books.settled_entries] == [
        ("1", "failed"),
        ("2", "failed"),
        ("3", "completed"),
    ]


async def test_and_not_for_ever(house: House):
    """After five times the error is the answer."""
    batch = await house.end((await house.begin(chats(1, "broken"))).id, step_s=1.0)

    [line] = await house.lines(batch.error_file_id)
    assert line["response"]["status_code"] >= 500
    assert len(house.books.settled_entries) == 5


@pytest.mark.parametrize("house", [{"concurrency": 2}], indirect=True)
async def test_a_batch_is_cancelled(house: House):
    """What was answered by then is in its output, what was not among the errors."""
    batch = await house.begin(chats(60, "slow"))
    await eventually(lambda: len(house.books.settled_entries) > 2, "some rows are answered")
    cancelling = await house.client.batches.cancel(batch.id)
    assert (cancelling.status, cancelling.cancelling_at is not None) == ("cancelling", True)
    ended = await house.end(batch.id, step_s=1.0)

    assert (ended.status, ended.cancelled_at is not None) == ("cancelled", True)
    answered = await house.lines(ended.output_file_id)
    missing = await house.lines(ended.error_file_id)
    assert 2 < len(answered) == len(house.books.settled_entries) < 60
    assert len(answered) + len(missing) == 60
    assert {each["error"]["code"] for each in missing} == {"batch_cancelled"}
    assert {each["response"] for each in missing} == {None}
    assert (await house.client.batches.cancel(batch.id)).status == "cancelled"


@pytest.mark.parametrize("house", [{"concurrency": 2}], indirect=True)
async def test_a_batch_expires(house: House):
    """What has no answer when the window ends is told so."""
    batch = await house.begin(chats(60, "slow"), completion_window="1h")
    await eventually(lambda: len(house.books.settled_entries) > 2, "some rows are answered")
    house.clock.advance(3600)
    ended = await house.end(batch.id, step_s=1.0)

    assert (ended.status, ended.expired_at is not None) == ("expired", True)
    missing = await house.lines(ended.error_file_id)
    assert {each["error"]["code"] for each in missing} == {"batch_expired"}
    assert len(missing) + ended.request_counts.completed == 60
    with pytest.raises(openai.BadRequestError):
        await house.client.batches.cancel(batch.id)


@pytest.mark.parametrize("house", [{"concurrency": 2}], indirect=True)
async def test_a_gateway_that_stops_ends_what_it_began(house: House):
    """No row is asked in vain, and no more of them are begun."""
    batch = await house.begin(chats(60, "slow"))
    await eventually(lambda: len(house.books.settled_entries) > 2, "some rows are answered")
    await house.app._scheduling.close()

    assert {entry.outcome for entry in house.books.settled_entries} == {"completed"}
    sums = await house.app.bookkeeping.store.batches.sums(batch.id)
    assert sums.completed.rows == len(house.books.settled_entries) < 60


@pytest.mark.parametrize("house", [{"off_peak": "22:00-06:00"}], indirect=True)
async def test_a_batch_waits_for_the_night(house: House):
    """One that has time does; one that has to be ready before then does not."""
    patient = await house.begin(chats(3))
    hurried = await house.begin(chats(3), completion_window="10h")
    assert (await house.end(hurried.id)).status == "completed"
    assert (await house.client.batches.retrieve(patient.id)).request_counts.completed == 0

    house.clock.advance(10 * 3600)
    assert (await house.end(patient.id)).status == "completed"


async def test_a_key_that_has_ended_asks_nothing_more(house: House):
    """Nor does another organisation see what it had begun."""
    ring, operator = house.app.bookkeeping.keys, Principal(key="operator")
    theirs = await ring.create(operator, NewKey(organisation="acme", name="n"))
    admin = await ring.create(operator, NewKey(name="a", role="admin", everywhere=True))
    stranger = await ring.create(operator, NewKey(organisation="globex", name="s", role="admin"))
    house.client.api_key = theirs.text
    batch = await house.begin(chats(1, "moody"))
    await eventually(lambda: house.books.settled_entries, "the first try failed")
    await ring.change(operator, theirs.key.id, KeyChange(active=False))

    house.client.api_key = stranger.text
    with pytest.raises(openai.NotFoundError):
        await house.client.batches.retrieve(batch.id)
    house.client.api_key = admin.text
    ended = await house.end(batch.id, step_s=1.0)
    [line] = await house.lines(ended.error_file_id)
    assert line["response"]["status_code"] == 401


async def test_files_are_listed_page_by_page(house: House):
    names = [f"{number}.jsonl" for number in range(5)]
    for name in names:
        await house.client.files.create(file=(name, b"{}"), purpose="batch")
        house.clock.advance(1)

    files = house.client.files
    assert [each.filename async for each in files.list(limit=2)] == names[::-1]
    assert [each.filename async for each in files.list(order="asc", purpose="batch")] == names
    assert [each.filename async for each in files.list(purpose="batch_output")] == []
    first = (await files.list(limit=1)).data[0]
    assert (await files.content(first.id)).content == b"{}"
    assert (await files.delete(first.id)).deleted
    with pytest.raises(openai.NotFoundError):
        await files.retrieve(first.id)
    with pytest.raises(openai.BadRequestError, match="begin the list anew"):
        await files.list(after=first.id)


async def test_batches_are_listed_page_by_page(house: House):
    begun = []
    for _ in range(3):
        begun.append((await house.begin(chats(1))).id)
        house.clock.advance(1)

    assert [each.id async for each in house.client.batches.list(limit=2)] == begun[::-1]


async def test_what_an_organisation_has_forgotten_goes_with_its_files(house: House):
    ring, operator = house.app.bookkeeping.keys, Principal(key="operator")
    keys = [
        await ring.create(operator, NewKey(organisation=name, name=name, role="admin"))
        for name in ("acme", "globex")
    ]
    for key in keys:
        house.client.api_key = key.text
        for _ in range(3):
            await house.client.files.create(file=("in.jsonl", b"{}"), purpose="batch")
        house.clock.advance(60)
    house.client.api_key = keys[0].text

    forgotten = await house.client._client.delete(
        f"{house.address}/v1/entries?organisation=acme",
        headers={"authorization": f"Bearer {keys[0].text}"},
    )

    assert forgotten.status_code == 200, forgotten.text
    assert (await house.client.files.list()).data == []
    house.client.api_key = keys[1].text
    assert len((await house.client.files.list()).data) == 3


async def test_a_file_has_its_time(house: House):
    later = {"anchor": "created_at", "seconds": 7200}
    file = await house.client.files.create(file=("a", b"{}"), purpose="batch", expires_after=later)
    assert file.expires_at - file.created_at == 7200
    house.clock.advance(7200)
    with pytest.raises(openai.NotFoundError):
        await house.client.files.content(file.id)
    batch = await house.end((await house.begin(chats(1), output_expires_after=later)).id)
    output = await house.client.files.retrieve(batch.output_file_id)
    assert output.expires_at - output.created_at == 7200


@pytest.mark.parametrize(
    "wish",
    [
        {"endpoint": "/v1/images/generations"},
        {"completion_window": "soon"},
        {"completion_window": "200h"},
        {"metadata": {str(number): "x" for number in range(17)}},
        {"metadata": {"x": "y" * 600}},
    ],
)
async def test_a_wish_that_is_wrong(house: House, wish: Mapping[str, object]):
    with pytest.raises(openai.BadRequestError) as refused:
        await house.begin(chats(1), **wish)
    assert refused.value.body["message"]


@pytest.mark.parametrize("house", [{"max_file_bytes": 2000, "max_rows": 3}], indirect=True)
async def test_bounds(house: House):
    batch = await house.end((await house.begin(chats(4))).id)
    assert batch.errors.data[0].code == "too_many_requests"
    with pytest.raises(openai.APIStatusError) as refused:
        await house.begin(b" " * 2001)
    assert refused.value.status_code == 413
    with pytest.raises(openai.BadRequestError):
        await house.client.files.create(file=("a", b"{}"), purpose="assistants")
    with pytest.raises(openai.NotFoundError):
        await house.client.batches.create(
            input_file_id="file_none", endpoint="/v1/embeddings", completion_window="24h"
        )
