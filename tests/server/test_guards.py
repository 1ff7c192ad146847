"""Heads of requests that could be read in two ways, or are too long."""

import pytest

from pointsman.errors import BadRequest
from pointsman.server.guards import MAX_HEAD_BYTES, check_head

HOST = (b"host", b"localhost:7070")
LENGTH = (b"content-length", b"2")
CHUNKED = (b"transfer-encoding", b"chunked")


@pytest.mark.parametrize(
    "host",
    [
        b"localhost",
        b"127.0.0.1:80",
        b"[::1]:7070",
        b"gateway.my-net.test",
        b"under_score",
        b"xn--n3h",
    ],
)
def test_what_names_a_host(host: bytes) -> None:
    check_head([(b"host", host), LENGTH])


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [HOST, HOST],
        [(b"host", b"")],
        [(b"host", b"a b")],
        [(b"host", b"user@host")],
        [(b"host", b"host/path")],
        [(b"host", b"[::1")],
        [(b"host", b"caf\xc3\xa9")],
        [HOST, LENGTH, CHUNKED],
        [HOST, LENGTH, LENGTH],
        [HOST, CHUNKED, CHUNKED],
        [HOST, (b"authorization", b"Bearer a"), (b"authorization", b"Bearer a")],
        [HOST, (b"x-api-key", b"a"), (b"x-api-key", b"b")],
    ],
)
def test_what_could_be_read_in_two_ways(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(BadRequest) as refused:
        check_head(headers)

    assert (refused.value.status, refused.value.code) == (400, "invalid_request_head")


def test_an_old_client_may_name_no_host() -> None:
    check_head([], "1.0")


def test_how_long_a_head_may_be() -> None:
    check_head([HOST, (b"x-long", b"x" * (MAX_HEAD_BYTES - 100))])

    with pytest.raises(BadRequest) as refused:
        check_head([HOST, (b"x-long", b"x" * MAX_HEAD_BYTES)])
    assert refused.value.status == 431
