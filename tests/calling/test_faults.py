"""Whose fault a failed attempt is, and what the client is told."""

import asyncio

import pytest

from pointsman.calling import faults
from pointsman.errors import (
    Busy,
    NoDeploymentFits,
    RequestRefused,
    Unavailable,
    UpstreamBroken,
    UpstreamError,
    UpstreamRefused,
    UpstreamReported,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from pointsman.types import Attempt, Deployment, Dropped, Plan

TOO_LONG = {"kind": "exceed_context_size_error"}
VLLM = {"message": "This model's maximum context length is 4096 tokens. However, ..."}
LOADING = {"message": "Loading model", "kind": "unavailable_error"}


def refused(status: int, **said: str) -> UpstreamRefused:
    return UpstreamRefused(status, **said)


def attempt(status: int | None = None) -> Attempt:
    return Attempt("small", "simple", "failed", status=status, error="x")


@pytest.mark.parametrize(
    ("error", "clients", "counts"),
    [
        (refused(400), True, False),
        (refused(400, **TOO_LONG), False, False),
        (refused(400, **VLLM), False, False),
        (refused(422), True, False),
        (refused(401), False, True),
        (refused(404), False, False),
        (refused(408), False, True),
        (refused(429), False, False),
        (refused(500), False, True),
        (refused(503), False, True),
        (refused(503, **LOADING), False, False),
        (Busy("full", retry_after=1.0), False, False),
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
    ("asked", "served", "other"),
    [
        ("gpt-6-sol", "gpt-6-sol-2026-08-01", None),
        ("claude-haiku-5-5", "claude-haiku-5-5-20261001", None),
        ("qwen2.5-7b-instruct", "lmstudio/Qwen2.5-7B-Instruct", None),
        ("llama3.2", "llama3.2:latest", None),
        ("gpt-6-sol", None, None),
        ("gpt-6-sol", "gpt-6-luna", "gpt-6-luna"),
        ("smollm2", "tinyllama", "tinyllama"),
    ],
)
def test_the_served_model_is_held_against_the_asked_one(
    asked: str, served: str | None, other: str | None
) -> None:
    assert faults.other_model(asked, served) == other


def test_an_upstreams_words_stay_out_of_the_books() -> None:
    error = RequestRefused(refused(400, message="can't process: <the prompt>"))

    assert str(error) == "can't process: <the prompt>"
    assert faults.recorded(error) == "upstream answered 400"


def test_what_the_client_is_told_in_the_end() -> None:
    busy = faults.exhausted([attempt(429)], [refused(429)], 9.0)
    broken = faults.exhausted([attempt(429), attempt()], [refused(429), UpstreamTimeout("late")])
    long = faults.exhausted([attempt(400)], [refused(400, **TOO_LONG)])
    keyless = faults.exhausted([attempt(401)], [refused(401)], 2.0)
    one_left = faults.exhausted([attempt(401)], [refused(401)], 2.0, all_failed=False)

    assert (busy.status, busy.retry_after) == (429, 9.0)
    assert (broken.status, broken.retry_after) == (503, 1.0)
    assert (long.status, long.code) == (400, "context_length_exceeded")
    assert (keyless.status, keyless.retry_after) == (502, None)
    assert (one_left.status, one_left.retry_after) == (503, 2.0)


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


@pytest.mark.parametrize(
    ("error", "in_the_books"),
    [
        (UpstreamReported("failed to parse: what was asked"), "the upstream reported an error"),
        (RequestRefused(refused(400, message="bad: what was asked")), "upstream answered 400"),
        (ValueError("what was asked"), "ValueError"),
        (UpstreamBroken("cut"), "cut"),
        (asyncio.CancelledError("the gateway stops"), "the gateway stops"),
    ],
)
def test_no_words_but_ours_are_in_the_books(error: BaseException, in_the_books: str) -> None:
    assert faults.recorded(error).startswith(in_the_books)
    assert "what was asked" not in faults.recorded(error)


def test_nor_in_an_attempt() -> None:
    small = Deployment("small", "vllm", "m", "simple", "local")

    failed = faults.failed_attempt(small, 0.1, UpstreamReported("could not read: what was asked"))

    assert failed.error == "the upstream reported an error in the stream"
