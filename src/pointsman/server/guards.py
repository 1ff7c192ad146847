"""What a request's head must be before anybody looks at the rest of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pointsman.errors import BadRequest

#: Bytes of a request's line and headers together.
MAX_HEAD_BYTES = 32 * 1024
#: A name, an IPv4 or a bracketed IPv6 address, and perhaps a port (RFC 9110, section 7.2).
_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_CREDENTIALS = frozenset({b"authorization", b"x-api-key"})
#: What each header and each line adds to the names and values: `: ` and the line's end.
_AROUND = 4


def check_head(headers: Iterable[tuple[bytes, bytes]], http_version: str = "1.1") -> None:
    """Raises BadRequest where a proxy in front could understand the request as another one.

    That is: without exactly one usable `Host` (HTTP/1.0 may do without), with more than one
    length, a length beside `transfer-encoding`, or a key's header twice; and where it is too long
    (431). Names are in lower case, as ASGI has them.
    """
    headers = list(headers)
    if sum(len(name) + len(value) + _AROUND for name, value in headers) > MAX_HEAD_BYTES:
        raise head_too_large()
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1 and (hosts or http_version != "1.0"):
        raise _ambiguous(f"{len(hosts)} Host headers, and there must be one")
    if hosts and not _HOST.fullmatch(hosts[0]):
        raise _ambiguous("a Host header that names no host")
    credentials = [name for name, _ in headers if name in _CREDENTIALS]
    if len(credentials) != len(set(credentials)):
        raise _ambiguous("two keys under one name")
    lengths = [name for name, _ in headers if name == b"content-length"]
    encodings = [name for name, _ in headers if name == b"transfer-encoding"]
    if len(lengths) + len(encodings) > 1:
        raise _ambiguous("more than one header that says how long its body is")


def head_too_large() -> BadRequest:
    """The refusal of a head that is too long."""
    error = BadRequest(
        f"the request's line and headers are larger than {MAX_HEAD_BYTES} bytes",
        code="headers_too_large",
    )
    error.status = 431
    return error


def _ambiguous(what: str) -> BadRequest:
    return BadRequest(f"the request has {what}", code="invalid_request_head")
