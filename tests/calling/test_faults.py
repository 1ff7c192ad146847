"""Whose fault a failed attempt is, and what the client is told."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.calling import faults
from pointsman.errors import (
    NoDeploymentFits,
    Unavailable,
    UpstreamBroken,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from pointsman.types import Attempt, Dropped, Plan

TOO_LONG = json.dumps({"error": {"type": "exceed_context_size_error", "code": 400}}).encode()


def refused(status: int, body: bytes = b"", retry_after: str | None = None) -> UpstreamRefused:
    headers = {} if retry_after is None else {"retry-after": retry_after}
    return UpstreamRefused(status, headers, body)


def attempt(status: int | None = None) -> Attempt:
    return Attempt("small", "simple", "failed", status=status, error="x")


@pytest.mark.parametrize(
    ("error", "clients", "counts"),
    [
        (refused(400), True, False),
        (refused(400, TOO_LONG), False, False),
        (refused(422), True, False),
        (refused(401), False, True),
        (refused(404), False, False),
        (refused(408), False, True),
        (refused(429), False, False),
        (refused(500), False, True),
        (refused(503), False, True),
        (refused(529), False, True),
        (UpstreamUnreachable("refused"), False, True),
        (UpstreamTimeout("late"), False, True),
        (UpstreamBroken("cut"), False, True),
    ],
)
def test_whose_fault(error: UpstreamError, *, clients: bool, counts: bool) -> None:
    assert faults.is_clients(error) == clients
    assert faults.counts_against(error) == counts


@pytest.mark.parametrize(
    ("body", "shaped"),
    [
        (
            b'{"error": {"message": "no", "type": "t", "param": "p", "code": 400}}',
            ("no", "t", "p", "400"),
        ),
        (b'{"error": "plain words"}', ("plain words", "invalid_request_error", None, None)),
        (b"<html>", ("upstream answered 400", "invalid_request_error", None, None)),
    ],
)
def test_errors_get_openais_shape(body: bytes, shaped: tuple[str | None, ...]) -> None:
    error = json.loads(faults.openai_error(refused(400, body)))["error"]

    assert tuple(error[name] for name in ("message", "type", "param", "code")) == shaped


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("1000000000", 120.0),
        ("inf", None),
        ("nan", None),
        ("soon", None),
        (None, None),
    ],
)
def test_retry_after_is_read_and_capped(header: str | None, seconds: float | None) -> None:
    assert faults.retry_after(refused(429, retry_after=header)) == seconds


@given(st.text(st.characters(codec="latin-1"), max_size=20))
def test_any_retry_after_is_bearable(header: str) -> None:
    wait = faults.retry_after(refused(503, retry_after=header))

    assert wait is None or 0 <= wait <= faults.LONGEST_RETRY_AFTER_S


def test_what_the_client_is_told_in_the_end() -> None:
    busy = faults.exhausted([attempt(429)], [refused(429, retry_after="9")])
    broken = faults.exhausted([attempt(429), attempt()], [refused(429), UpstreamTimeout("late")])
    long = faults.exhausted([attempt(400)], [refused(400, TOO_LONG)])

    assert (busy.status, busy.retry_after) == (429, 9.0)
    assert (broken.status, broken.retry_after) == (503, 1.0)
    assert (long.status, long.code) == (400, "context_length_exceeded")


def test_an_empty_plan_says_whether_waiting_helps() -> None:
    resting = Plan((), (Dropped("small", "breaker", "open"), Dropped("big", "capability", "blind")))
    blind = Plan((), (Dropped("big", "capability", "has no vision"),))
    small = Plan((), (Dropped("big", "context", "too long"),))

    assert isinstance(faults.nothing_left(resting, 5.0), Unavailable)
    assert faults.nothing_left(resting, 5.0).retry_after == 5.0
    assert isinstance(faults.nothing_left(blind, 0.0), NoDeploymentFits)
    assert faults.nothing_left(small, 0.0).code == "context_length_exceeded"


def test_how_an_unanswered_request_ended() -> None:
    assert faults.outcome(asyncio.CancelledError(), []) == "client_left"
    assert faults.outcome(Unavailable("x"), [attempt()]) == "failed"
    assert faults.outcome(Unavailable("x"), []) == "refused"
