"""Upstreams that do not answer, or not to the end (shared knowledge: U1 to U9, U12)."""

from __future__ import annotations

from tests.faults.rows import (
    BRIEF,
    IMPATIENT,
    OPEN_END,
    PART,
    Row,
    always,
    begun,
    either,
    healthy,
    replying,
    sse,
    status,
)
from tests.support.chat_bytes import completion, said
from tests.support.faulty_upstream import (
    STREAM_HEAD,
    Close,
    HalfClose,
    Hang,
    Reset,
    Send,
    head,
    whole,
)

NO_CONNECTION = [
    Row("U1a", "nobody listens: connection refused", healthy, place="nobody"),
    Row("U1b", "resets each connection at once", always(Reset()), deaf=True),
    Row("U1c", "reads the request, then resets", always(Reset())),
    Row("U1d", "reads the request, then closes without an answer", always(Close())),
    Row(
        "U2",
        "swallows the attempt to connect",
        healthy,
        place="black hole",
        settings=IMPATIENT,
        full=True,
    ),
    Row("U3", "its name does not exist (DNS)", healthy, place="no such host"),
    Row("U4a", "shows a certificate that nobody signed", healthy, place="tls"),
    Row(
        "U4b",
        "speaks no TLS where it should",
        always(Send(whole(b"", status=400)), Close()),
        place="no tls",
        deaf=True,
    ),
]

STATUSES = [
    Row("U5a", "429, `Retry-After: 30`", status(429, "retry-after: 30")),
    Row(
        "U5b",
        "429, `Retry-After` a date long past",
        status(429, "retry-after: Thu, 01 Jan 2015 00:00:00 GMT"),
    ),
    Row("U5c", "429, `Retry-After: 1000000000`", status(429, "retry-after: 1000000000")),
    Row("U5d", "429, `Retry-After: soon`", status(429, "retry-after: soon")),
    Row("U5e", "429 without `Retry-After`", status(429)),
    *(Row(f"U6 {n}", f"{n}", status(n), final=True, full=n > 400) for n in (400, 413, 415, 422)),
    *(Row(f"U6 {n}", f"{n}, with the key in its words", status(n)) for n in (401, 403)),
    *(
        Row(f"U6 {n}", f"{n}", status(n), full=n in {501, 502, 504})
        for n in (404, 408, 409, 500, 501, 502, 503, 504, 529)
    ),
    Row("U6 x", "500, `x-should-retry: false`", status(500, "x-should-retry: false")),
]

SILENCE = [
    Row("U7a", "never answers", always(Hang()), settings=IMPATIENT),
    Row(
        "U7b",
        "sends its headers a byte at a time, too slowly",
        always(Send(head(200, "text/event-stream"), piece=1, every_s=0.05)),
        settings=IMPATIENT,
        full=True,
    ),
    Row(
        "U8a",
        "sends headers, and then nothing",
        either([Send(head(length=99)), Hang()], [Send(STREAM_HEAD), Hang()]),
        settings=IMPATIENT,
        full=True,
    ),
    Row(
        "U8b",
        "falls silent in the middle",
        either([Send(head(length=99) + b'{"id"'), Hang()], [*begun(PART), Hang()]),
        stream="broken",
        settings=IMPATIENT,
    ),
    Row(
        "U12a",
        "sends one byte every 50 ms, for longer than an attempt may take",
        either(
            [Send(head(length=900)), Send(b" " * 900, piece=1, every_s=0.05)],
            [Send(OPEN_END + PART), Send(b"".join(said()), piece=1, every_s=0.05)],
        ),
        stream="broken",
        settings=BRIEF,
        full=True,
    ),
    Row(
        "U12b",
        "sends comments for longer than an attempt may take, and no reply",
        either(
            [Send(head(length=900)), Send(b" " * 900, piece=1, every_s=0.05)],
            [Send(OPEN_END), Send(b": wait\n\n" * 200, piece=8, every_s=0.05)],
        ),
        settings=BRIEF,
        full=True,
    ),
]

CUT = [
    Row(
        "U9a",
        "closes in the middle",
        either([Send(head(length=999) + b'{"id"'), Close()], [*begun(PART), Close()]),
        stream="broken",
    ),
    Row(
        "U9b",
        "resets in the middle",
        either([Send(head(length=999) + b'{"id"'), Reset()], [*begun(PART), Hang(0.05), Reset()]),
        stream="broken",
    ),
    Row(
        "U9c",
        "half-closes in the middle",
        either(
            [Send(head(length=999) + b'{"id"'), HalfClose(), Hang()],
            [*begun(PART), HalfClose(), Hang()],
        ),
        stream="broken",
    ),
    Row(
        "U9d",
        "ends in the middle as if that were all",
        either(replying(completion()[:40]), sse(PART)),
        stream="broken",
    ),
    Row(
        "U9e",
        "ends in the middle of an event, its body's end not marked",
        either(
            [Send(head() + completion()[:40]), Close()],
            [Send(OPEN_END + PART[:-9]), Close()],
        ),
        stream="broken",
    ),
    Row("U9f", "ends its body before it said anything", either([Send(head(length=0))], sse())),
]


UPSTREAM_ROWS = [*NO_CONNECTION, *STATUSES, *SILENCE, *CUT]
