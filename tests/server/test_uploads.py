"""Files on their way in: as they are, and few of them in memory at once."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx2
import pytest
from tests.gateway import two_tiers

from pointsman.app import App

FORM = (
    b'--edge\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    b'--edge\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n{}\r\n--edge--\r\n'
)
KIND = {"content-type": "multipart/form-data; boundary=edge"}


@pytest.fixture
async def app() -> AsyncIterator[App]:
    app = App(two_tiers(), environment={})
    await app.start(in_memory=True)
    yield app
    await app.close()


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx2.AsyncClient]:
    there = httpx2.ASGITransport(app=app.asgi())
    async with httpx2.AsyncClient(transport=there, base_url="http://localhost") as client:
        yield client


async def test_a_file_comes_as_it_is(client: httpx2.AsyncClient):
    packed = await client.post(
        "/v1/files", content=gzip.compress(FORM), headers={**KIND, "content-encoding": "gzip"}
    )
    assert (packed.status_code, packed.json()["error"]["code"]) == (415, "unsupported_encoding")
    assert (await client.post("/v1/files", content=FORM, headers=KIND)).json()["bytes"] == 2


async def test_while_large_ones_are_on_their_way_another_comes_back_later(
    app: App, client: httpx2.AsyncClient
):
    """They need room before they are here; a small one finds some beside one of them."""
    most = str(app.settings.batch.max_file_bytes)
    begun, gone_on = [asyncio.Event() for _ in range(2)], asyncio.Event()

    async def large(number: int) -> int:
        async def body() -> AsyncIterator[bytes]:
            begun[number].set()
            await gone_on.wait()
            yield FORM

        head = {**KIND, "content-length": most}
        return (await client.post("/v1/files", content=body(), headers=head)).status_code

    async def small() -> httpx2.Response:
        return await client.post("/v1/files", content=FORM, headers=KIND)

    first = asyncio.create_task(large(0))
    await begun[0].wait()
    assert (await small()).status_code == 200
    second = asyncio.create_task(large(1))
    await begun[1].wait()
    refused = await small()
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
    assert int(refused.headers["retry-after"]) > 0

    gone_on.set()
    assert await asyncio.gather(first, second) == [200, 200]
    assert (await small()).status_code == 200
