"""Replies that are not what they should be (shared knowledge: U10, U11, U13 to U19)."""

from __future__ import annotations

import gzip
from itertools import chain, cycle, repeat

from tests.faults.rows import (
    BRIEF,
    PART,
    Row,
    always,
    at_first,
    begun,
    bomb,
    either,
    healthy,
    replying,
    sse,
    status,
    streaming,
    using,
)
from tests.support.chat_bytes import DONE, TEXT, completion, delta, event, events, said
from tests.support.faulty_upstream import (
    LAST_CHUNK,
    STREAM_HEAD,
    Close,
    Reset,
    Send,
    chunk,
    head,
    shred,
    whole,
)

_BODY = b"".join(events())
_FAULT = b'{"error": {"message": "out of memory", "type": "server_error"}}'
_PAGE = b"<html><body>Please sign in to this network.</body></html>"
_ENDS = (b"\n", b"\r\n", b"\r")
_MIB = b"x" * 2**20
_GZIP = ("content-encoding: gzip",)


def _shredded(seed: int) -> list[Send]:
    return [Send(STREAM_HEAD), *shred(_BODY, seed), Send(LAST_CHUNK)]


FRAMING = [
    Row(
        "U10a",
        "lines end in CR LF",
        streaming(*sse(_BODY.replace(b"\n", b"\r\n"))),
        "answer",
        "answer",
    ),
    Row(
        "U10b", "lines end in CR", streaming(*sse(_BODY.replace(b"\n", b"\r"))), "answer", "answer"
    ),
    Row(
        "U10c",
        "lines end in LF, CR LF and CR by turns",
        streaming(
            *sse(*(e.replace(b"\n", end) for e, end in zip(events(), cycle(_ENDS), strict=False)))
        ),
        "answer",
        "answer",
    ),
    Row(
        "U10d",
        "begins with a byte order mark",
        streaming(*sse(b"\xef\xbb\xbf" + _BODY)),
        "answer",
        "answer",
    ),
    Row(
        "U10e",
        "sends comments between the events",
        streaming(*sse(*(b": so\n\n" + e for e in events()))),
        "answer",
        "answer",
    ),
    Row(
        "U10f",
        "leaves out the space after `data:`",
        streaming(*sse(_BODY.replace(b"data: ", b"data:"))),
        "answer",
        "answer",
    ),
    Row(
        "U10g",
        "sends all events in one packet",
        streaming(Send(STREAM_HEAD + chunk(_BODY) + LAST_CHUNK)),
        "answer",
        "answer",
    ),
    Row(
        "U10h",
        "sends each byte by itself",
        streaming(
            Send(STREAM_HEAD),
            *(Send(chunk(_BODY[i : i + 1])) for i in range(len(_BODY))),
            Send(LAST_CHUNK),
        ),
        "answer",
        "answer",
    ),
    *(
        Row(
            f"U10i {seed}",
            f"cuts its stream anywhere, characters too (seed {seed})",
            streaming(*_shredded(seed)),
            "answer",
            "answer",
            full=seed > 1,
        )
        for seed in (1, 2, 3)
    ),
    Row("U10j", "never says `[DONE]`", streaming(*sse(*events()[:-1])), "answer", "answer"),
    Row("U10k", "never gives a finish reason", streaming(*sse(*said(), DONE)), "answer", "answer"),
    Row("U10l", "says `[DONE]` twice", streaming(*sse(*events(), DONE)), "answer", "answer"),
    Row(
        "U10m",
        "says `[DONE]` early, and goes on",
        streaming(*sse(*said()[:3], DONE, *said()[3:], DONE)),
        "answer",
        "answer",
        partial=True,
    ),
    Row("U10n", "says `[DONE]` before anything else", streaming(*sse(DONE)), "answer", "error"),
    Row(
        "U10o",
        "sends an event after `[DONE]`",
        streaming(*sse(*events(), delta("and more"))),
        "answer",
        "answer",
    ),
    Row(
        "U10p",
        "malformed JSON at the beginning",
        either(replying(b'{"choices": [}'), sse(event(b'{"choices": [}'), *events())),
    ),
    Row(
        "U10q",
        "malformed JSON in the middle",
        either(replying(completion()[:-1]), sse(PART, event(b'{"choices": [}'), *events())),
        stream="broken",
    ),
    Row(
        "U10r",
        "bytes that are no UTF-8",
        either(
            replying(completion().replace(b"\xc3", b"\xff")),
            sse(PART, _BODY.replace(b"\xc3", b"\xff")),
        ),
        stream="broken",
    ),
]

SIZES = [
    Row(
        "U11a",
        "a line of 9 MiB",
        either(
            [Send(head(length=70 * 2**20) + b'{"x": "'), *repeat(Send(_MIB), 70)],
            [*begun(PART, b"data: "), *repeat(Send(chunk(_MIB)), 9)],
        ),
        stream="broken",
        full=True,
    ),
    Row(
        "U11b",
        "a stream without an end",
        either(
            [Send(head()), *repeat(Send(_MIB), 80), Close()],
            chain(begun(), repeat(Send(chunk(delta(TEXT))), 20_000)),
        ),
        stream="broken",
        settings=BRIEF,
        partial=True,
        full=True,
    ),
    Row(
        "U11c",
        "comments without an end, before any reply",
        streaming(Send(STREAM_HEAD), *repeat(Send(chunk(b": so\n\n" * 50_000)), 40)),
        "answer",
        "error",
        settings=BRIEF,
        full=True,
    ),
]

NOT_A_REPLY = [
    Row(
        "U13a", "200 with an error in the body", either(replying(_FAULT), sse(event(_FAULT), DONE))
    ),
    Row(
        "U13b",
        "an error in the middle of the stream",
        streaming(*sse(PART, event(_FAULT), DONE)),
        "answer",
        "broken",
    ),
    Row("U13c", "200 with a page in HTML", always(Send(whole(_PAGE, content_type="text/html")))),
    Row(
        "U13d",
        "`application/json` where a stream was asked for",
        streaming(*replying(completion())),
        "answer",
        "error",
    ),
    Row(
        "U13e",
        "a stream under the type `text/plain`",
        streaming(Send(head(200, "text/plain") + _BODY), Close()),
        "answer",
        "error",
    ),
    Row(
        "U13f",
        "gzip that nobody asked for",
        either(
            [Send(whole(gzip.compress(completion()), *_GZIP))],
            [Send(whole(gzip.compress(_BODY), *_GZIP, content_type="text/event-stream"))],
        ),
        "answer",
        "answer",
    ),
    Row(
        "U13g",
        "gzip that unpacks to 100 MB",
        lambda _: [Send(whole(bomb(100_000_000), *_GZIP, content_type="text/event-stream"))],
        full=True,
    ),
    Row(
        "U13h",
        "says gzip, and sends none",
        either(
            [Send(whole(completion(), *_GZIP))],
            [Send(whole(_BODY, *_GZIP, content_type="text/event-stream"))],
        ),
    ),
    Row("U13i", "speaks no HTTP", always(Send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), Close())),
    Row(
        "U14",
        "a redirect to another address",
        always(Send(whole(b"", "location: http://169.254.169.254/latest/", status=302))),
    ),
]

USAGES = [
    Row("U18a", "no usage", using(None), "answer", "answer"),
    Row(
        "U18b",
        "negative usage",
        using({"prompt_tokens": -7, "completion_tokens": -11}),
        "answer",
        "answer",
    ),
    Row(
        "U18c",
        "usage of 10^18 tokens",
        using({"prompt_tokens": 10**18, "completion_tokens": 1}),
        "answer",
        "answer",
    ),
    Row("U18d", "usage in words", using({"prompt_tokens": "many"}), "answer", "answer"),
    Row("U18e", "usage that is no object", using([7, 11]), "answer", "answer"),
]

STATES = [
    Row(
        "U15a",
        "closes the idle connection just as it is used again",
        lambda asked: [Close()] if asked.place else healthy(asked),
        "answer",
        "answer",
        before=1,
    ),
    Row(
        "U15b",
        "resets the idle connection just as it is used again",
        lambda asked: [Reset()] if asked.place else healthy(asked),
        "answer",
        "answer",
        before=1,
    ),
    Row("U16", "fails once, then is well", at_first(1, status(500)), "answer", "answer"),
    Row(
        "U19",
        "503 while it loads its model, then is well",
        at_first(2, status(503, words="Loading model")),
        "answer",
        "answer",
        full=True,
    ),
]

REPLY_ROWS = [*FRAMING, *SIZES, *NOT_A_REPLY, *USAGES, *STATES]
