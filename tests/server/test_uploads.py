"""Files on their way in: as they are, and few of them in memory at once."""

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


async def test_one_too_many_comes_back_later(app: App, client: httpx2.AsyncClient):
    uploading = app._scheduling.batching.files.uploading
    async with uploading, uploading:
        refused = await client.post("/v1/files", content=FORM, headers=KIND)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
    assert int(refused.headers["retry-after"]) > 0
    assert (await client.post("/v1/files", content=FORM, headers=KIND)).status_code == 200
