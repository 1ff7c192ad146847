"""Compressed request bodies, unpacked within a bound: gzip, deflate, zstd."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from functools import partial

from pointsman.errors import BadRequest, BodyTooLarge

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdDecompressor, ZstdError
else:
    from backports.zstd import ZstdDecompressor, ZstdError

Unpacker = Callable[[bytes], bytes]

_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32  # either header is recognised


def unpacker(encoding: str, limit: int) -> Unpacker | None:
    """What unpacks a `content-encoding` to at most `limit` bytes; None for `identity`.

    Raises BadRequest (415) for one that is not understood.
    """
    if encoding in {"", "identity"}:
        return None
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return partial(_zlib, limit=limit)
    if encoding == "zstd":
        return partial(_zstd, limit=limit)
    error = BadRequest(
        f"content-encoding {encoding[:64]!r} is not supported; send gzip, deflate, zstd or none",
        code="unsupported_encoding",
    )
    error.status = 415
    raise error


def _zlib(body: bytes, *, limit: int) -> bytes:
    stream = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        unpacked = stream.decompress(body, limit + 1)
    except zlib.error as error:
        raise _broken(error) from error
    if len(unpacked) > limit:
        raise BodyTooLarge(limit)
    if not stream.eof or stream.unused_data:
        raise _broken("it stops short, or more follows it")
    return unpacked


def _zstd(body: bytes, *, limit: int) -> bytes:
    stream = ZstdDecompressor()
    try:
        unpacked = stream.decompress(body, limit + 1)
    except ZstdError as error:
        raise _broken(error) from error
    if len(unpacked) > limit:
        raise BodyTooLarge(limit)
    if not stream.eof or stream.unused_data:
        raise _broken("it stops short, or more follows it")
    return unpacked


def _broken(why: object) -> BadRequest:
    return BadRequest(f"the body can't be unpacked: {why}", code="invalid_encoding")
