"""Everything that a client may do wrong (shared knowledge: C1 to C16), as bytes."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass

from tests.support.raw_client import request

_CHAT = "/v1/chat/completions"
_HELLO = {"model": "simple", "messages": [{"role": "user", "content": "Hi"}]}
_BODY = json.dumps(_HELLO).encode()
_LENGTH = str(len(_BODY))


@dataclass(frozen=True)
class ClientRow:
    """Bytes, and what they must be answered."""

    id: str
    what: str
    sent: bytes
    #: None where there is no answer but the end of the connection.
    status: int | None
    #: The connection must not be used again.
    closed: bool = False


def chat(body: bytes, **headers: str) -> bytes:
    """A chat request with this body."""
    return request(_CHAT, body, headers)


def with_members(**members: object) -> bytes:
    """A chat request with these members."""
    return request(_CHAT, {**_HELLO, **members})


def lines(*headers: str, target: str = _CHAT, body: bytes = _BODY) -> bytes:
    """A chat request with exactly these headers."""
    return "\r\n".join([f"POST {target} HTTP/1.1", *headers, "", ""]).encode("latin-1") + body


def get(target: str, host: str = "localhost") -> bytes:
    """A GET for exactly this target."""
    return f"GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode("latin-1")


_BOMB = gzip.compress(b'{"model": "' + b"x" * 5_000_000)

SLOW = [
    ClientRow("C1a", "connects, and says nothing", b"", None, closed=True),
    ClientRow(
        "C1b",
        "does not finish its headers",
        b"POST /v1/chat HTTP/1.1\r\nhost: x",
        None,
        closed=True,
    ),
    ClientRow(
        "C1c",
        "does not finish its body",
        lines("host: localhost", "content-length: 999"),
        408,
        closed=True,
    ),
]

BODIES = [
    ClientRow("C4", "JSON 100,000 levels deep", chat(b"[" * 100_000), 400),
    ClientRow("C5", "a body over the limit", chat(b" " * 2_000_000), 413),
    ClientRow("C6", "a lone surrogate", chat(_BODY.replace(b"Hi", b"\\ud800")), 400),
    ClientRow("C7a", "a member twice", chat(b'{"model": "auto", ' + _BODY[1:]), 400),
    ClientRow("C7b", "`NaN`", chat(_BODY[:-1] + b', "temperature": NaN}'), 400),
    ClientRow(
        "C7c",
        "a number of 5,000 digits",
        chat(_BODY[:-1] + b', "seed": ' + b"9" * 5000 + b"}"),
        400,
    ),
    ClientRow("C7d", "`true` for a number", with_members(max_tokens=True), 400),
    ClientRow("C7e", "a NUL in the model's name", with_members(model="simple\0"), 404),
    ClientRow("C8a", "a body that is no UTF-8", chat(_BODY.replace(b"Hi", b"\xff\xfe")), 400),
    ClientRow("C8b", "a body in UTF-16", chat(_BODY.decode().encode("utf-16")), 400),
    ClientRow("C9a", "gzip that unpacks to 5 MB", chat(_BOMB, **{"content-encoding": "gzip"}), 413),
    ClientRow("C9b", "gzip that is none", chat(_BODY, **{"content-encoding": "gzip"}), 400),
    ClientRow(
        "C9c", "an encoding that is not known", chat(_BODY, **{"content-encoding": "br"}), 415
    ),
]

_HOST = "host: localhost"
_CL = f"content-length: {_LENGTH}"
HEADS = [
    ClientRow(
        "C10a",
        "`Content-Length` and `Transfer-Encoding`",
        lines(_HOST, _CL, "transfer-encoding: chunked"),
        400,
        closed=True,
    ),
    ClientRow(
        "C10b", "`Content-Length` twice", lines(_HOST, _CL, "content-length: 5"), 400, closed=True
    ),
    ClientRow(
        "C10c",
        "a `Transfer-Encoding` that is none",
        lines(_HOST, "transfer-encoding: xchunked"),
        400,
        closed=True,
    ),
    ClientRow(
        "C10d",
        "a space before a colon",
        lines(_HOST, f"content-length : {_LENGTH}"),
        400,
        closed=True,
    ),
    ClientRow("C10e", "a folded header", lines(_HOST, "x-a: b", " c", _CL), 400, closed=True),
    ClientRow(
        "C10f",
        "lines that end in LF alone",
        lines(_HOST, _CL).replace(b"\r\n", b"\n"),
        400,
        closed=True,
    ),
    ClientRow("C10g", "no `Host`", lines(_CL), 400),
    ClientRow("C10h", "two `Host`s", lines(_HOST, "host: evil.test", _CL), 400),
    ClientRow("C10i", "a `Host` that is none", lines("host: a/b?c@d", _CL), 400),
    ClientRow("C10j", "headers of 100 kB", lines(_HOST, _CL, f"x-a: {'b' * 100_000}"), 431),
    ClientRow(
        "C10k",
        "a header without an end",
        lines(_HOST, "x-a: " + "b" * 400_000, body=b"")[:-4],
        431,
        closed=True,
    ),
    ClientRow(
        "C10l", "no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, closed=True
    ),
    ClientRow("C11a", "`//v1/models`", get("//v1/models"), 404),
    ClientRow("C11b", "`/V1/MODELS`", get("/V1/MODELS"), 404),
    ClientRow("C11c", "`/v1/models/..%2f..%2fhealth`", get("/v1/models/..%2f..%2fhealth"), 404),
    ClientRow(
        "C11d",
        "another `Host` than this machine's, without a key",
        get("/v1/models", "evil.test"),
        401,
    ),
]

NAMES = [
    ClientRow("C12a", "CR LF in the model's name", with_members(model="simple\r\nx-evil: 1"), 404),
    ClientRow(
        "C12b", "CR in a header", lines(_HOST, _CL, "x-force-route: a\rx-evil: 1"), 400, closed=True
    ),
    ClientRow("C12c", "NUL in a header", lines(_HOST, _CL, "x-force-route: a\0"), 400, closed=True),
    ClientRow("C12d", "a header that is no ASCII", lines(_HOST, _CL, "openai-beta: caf\xe9"), 200),
    ClientRow(
        "C13a", "a Cyrillic letter in the model's name", with_members(model="s\u0456mple"), 404
    ),
    ClientRow(
        "C13b", "a KELVIN SIGN for a k in the model's name", with_members(model="wea\u212a"), 404
    ),
    ClientRow(
        "C13c", "a zero-width space in the model's name", with_members(model="simple\u200b"), 404
    ),
    ClientRow("C14a", "`../` in the model's name", with_members(model="../../v1/files"), 404),
    ClientRow(
        "C14b", "`/v1/audio/..%2ffiles`", lines(_HOST, _CL, target="/v1/audio/..%2ffiles"), 404
    ),
]

CLIENT_ROWS = [*SLOW, *BODIES, *HEADS, *NAMES]
