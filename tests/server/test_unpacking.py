"""Compressed bodies: what is unpacked, what is refused, and how much memory either may take."""

import gzip
import json
import sys
import zlib

import pytest
from tests.gateway import Gateway, StartGateway

from pointsman.config import ServerSettings

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHAT = "/v1/chat/completions"
BODY = json.dumps(
    {"model": "weak", "messages": [{"role": "user", "content": "What is Python?"}]}
).encode()
PACKED = {
    "gzip": gzip.compress(BODY),
    "x-gzip": gzip.compress(BODY),
    "deflate": zlib.compress(BODY),
    "zstd": zstd.compress(BODY),
}


async def post(gateway: Gateway, body: bytes, encoding: str, path: str = CHAT):
    return await gateway.client.post(path, content=body, headers={"content-encoding": encoding})


@pytest.mark.parametrize("encoding", PACKED)
async def test_a_compressed_body_reaches_the_model_unpacked(
    gateway: Gateway, encoding: str
) -> None:
    weak = gateway.tell("weak")

    replies = [
        await post(gateway, PACKED[encoding], encoding),
        await post(gateway, PACKED[encoding], f" {encoding.upper()} "),
        await post(gateway, BODY, "identity"),
    ]

    assert [reply.status_code for reply in replies] == [200] * 3
    assert len({served.request for served in weak.log}) == 1


@pytest.mark.parametrize("encoding", ["br", "compress", "gzip, zstd", "identity, gzip", "gzip;q=1"])
async def test_an_encoding_that_is_not_understood_is_415(gateway: Gateway, encoding: str) -> None:
    reply = await post(gateway, PACKED["gzip"], encoding)

    assert reply.status_code == 415
    assert reply.json()["error"]["code"] == "unsupported_encoding"
    assert "gzip, deflate, zstd" in reply.json()["error"]["message"]


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda packed: packed[:-3], id="cut short"),
        pytest.param(lambda packed: packed + b"{}", id="followed by more"),
        pytest.param(lambda packed: packed * 2, id="twice"),
        pytest.param(lambda packed: packed[:2] + bytes(8) + packed[10:], id="garbled"),
        pytest.param(lambda _: BODY, id="not compressed at all"),
        pytest.param(lambda _: b"", id="empty"),
    ],
)
async def test_a_broken_body_is_the_clients_fault(gateway: Gateway, encoding: str, spoil) -> None:
    reply = await post(gateway, spoil(PACKED[encoding]), encoding)

    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "invalid_encoding"


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstd.compress)],
)
async def test_a_bomb_is_refused_and_a_body_of_just_the_limit_is_taken(
    start: StartGateway, encoding: str, compress
) -> None:
    limit = 2048
    gateway = await start(server=ServerSettings(max_body_bytes=limit))
    fits, too_large = BODY.ljust(limit), BODY.ljust(limit + 1)
    bomb = compress(bytes(8 * 1024 * 1024))[: limit - 1]

    replies = [await post(gateway, compress(body), encoding) for body in (fits, too_large)]
    replies.append(await post(gateway, bomb, encoding))

    assert [reply.status_code for reply in replies] == [200, 413, 413]
    assert replies[2].json()["error"]["code"] == "request_too_large"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/v1/messages", "invalid_request_error"), ("/v1/responses", "invalid_request_error")],
)
async def test_other_formats_have_it_in_their_own_shape(
    gateway: Gateway, path: str, kind: str
) -> None:
    reply = await post(gateway, b"{}", "br", path)
    of_ollama = await post(gateway, b"{}", "br", "/api/chat")

    assert reply.status_code == of_ollama.status_code == 415
    assert reply.json()["error"]["type"] == kind
    assert isinstance(of_ollama.json()["error"], str)
