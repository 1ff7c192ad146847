"""The log: a line each, for people or for programs, without secrets, and nobody waits for it."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator

import pytest
from tests.telemetry.test_decisions import SlowPipe

from pointsman.config import LogSettings, ModelSettings, Settings
from pointsman.config.hidden import secrets_of
from pointsman.journey import CURRENT, Journey, Trace
from pointsman.telemetry import logs
from pointsman.telemetry.hiding import Hidden
from pointsman.telemetry.printing import MOST_WAITING

LOG = logging.getLogger("pointsman.test")


@pytest.fixture(autouse=True)
def ordinary_logging() -> Iterator[None]:
    """What a test does to the root's handlers is undone."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def printed(form, say, secrets=()) -> str:
    stream = io.StringIO()
    with logs.printed(stream, form) as log:
        log.hide(secrets)
        say()
    return stream.getvalue()


def test_a_line_for_programs_is_one_object_with_its_request() -> None:
    def say() -> None:
        journey = Journey("POST", Trace("a" * 32, "b" * 16))
        journey.request_id = "req_1"
        token = CURRENT.set(journey)
        LOG.warning("two\nlines, \x1b[31mred and %s", '"quoted"')
        CURRENT.reset(token)

    (line,) = printed("json", say).splitlines()

    said = json.loads(line)
    assert said.pop("time").endswith("+00:00")
    assert said == {
        "level": "warning",
        "logger": "pointsman.test",
        "message": 'two\nlines, \x1b[31mred and "quoted"',
        "request_id": "req_1",
        "trace_id": "a" * 32,
    }


def test_a_fault_brings_its_traceback_in_the_same_line() -> None:
    def say() -> None:
        LOG.error("a stage failed", exc_info=ValueError("it broke"))

    (line,) = printed("json", say).splitlines()

    assert "ValueError: it broke" in json.loads(line)["exception"]
    assert "request_id" not in json.loads(line)


def test_warnings_of_python_are_lines_as_well() -> None:
    def say() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(capture=True)  # what pytest took over
            warnings.warn("soon gone", stacklevel=1)

    (line,) = printed("json", say).splitlines()

    assert json.loads(line)["logger"] == "py.warnings"


def test_a_line_for_people_is_as_ever() -> None:
    text = printed("text", lambda: LOG.warning("careful"))

    assert text.endswith(" WARNING careful\n")


def test_before_and_after_serving_lines_are_printed_at_once() -> None:
    early, late = io.StringIO(), io.StringIO()

    logs.start(early, "json")
    LOG.warning("starting")
    with logs.printed(late, "json"):
        LOG.warning("serving")
    LOG.warning("ended")

    messages = [json.loads(line)["message"] for line in early.getvalue().splitlines()]
    assert messages == ["starting", "ended"]
    assert json.loads(late.getvalue())["message"] == "serving"


def test_a_message_can_forge_no_line_and_no_colour() -> None:
    text = printed("text", lambda: LOG.warning("one\n2026-01-01 ERROR two \x1b[31m %s", "\udc80"))

    assert text.count("\n") == 1
    assert "\x1b" not in text
    assert "one\\n2026" in text


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_the_stream_cant_write_ends_nothing(form) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")

    with logs.printed(stream, form):
        LOG.warning("naïve \udc80 \U0001f642")
        LOG.warning("and on")

    lines = raw.getvalue().decode("ascii").splitlines()
    assert len(lines) == 2
    assert "and on" in lines[1]
    if form == "json":
        assert json.loads(lines[0])["message"] == "naïve \udc80 \U0001f642"


def test_secrets_are_not_printed_whoever_says_them() -> None:
    secrets = ("hunter2-and-more", 'with "quotes"', "ab")

    def say() -> None:
        LOG.warning("key %s, header Bearer sk-live-1234567890, ab", secrets[0])
        LOG.warning("said %s, and pm_abcdefgh_AAAAAAAAAAAAAAAAAAAA", secrets[1])

    text = printed("json", say, secrets)

    assert text.count("***") == 4
    assert not any(each in text for each in ("hunter2", "sk-live", "quotes", "AAAA"))
    assert "ab" in text  # too short to be looked for
    assert all(json.loads(line) for line in text.splitlines())


def test_what_is_hidden_makes_no_line_another() -> None:
    """An organisation's key is what it says it is."""
    keys = ('"message":', "WARNING", "Traceback", "pointsman")

    def say() -> None:
        try:
            int("pointsman")
        except ValueError:
            LOG.warning('it is "message": at last', exc_info=True)

    (line,) = printed("json", say, keys).splitlines()
    (text, *_) = printed("text", say, keys).splitlines()

    said = json.loads(line)
    assert said["message"] == "it is *** at last"
    assert "pointsman" not in said["exception"]
    assert " WARNING it is *** at last" in text


def test_what_was_in_use_before_is_hidden_too() -> None:
    hidden = Hidden()

    hidden.hide(["the first one", "short"])
    hidden.hide(["the second", "the second one"])
    hidden.hide(["the second one", "the second"])  # nothing new

    said = "the first one, the second one, the second, short"
    assert hidden.covered(said) == "***, ***, ***, short"


def test_a_reader_that_does_not_read_blocks_nobody() -> None:
    pipe = SlowPipe()

    with logs.printed(pipe, "json") as log:
        for _ in range(3 * MOST_WAITING):
            LOG.warning("again")
        pipe.reading.set()

    lines = [json.loads(line) for line in pipe.getvalue().splitlines()]
    assert log.dropped > MOST_WAITING
    assert any("lines of the log were dropped" in line["message"] for line in lines)


def test_every_secret_of_the_settings_is_known() -> None:
    environment = {"A_KEY": "key-of-a-provider", "URL": "postgresql://us:pass%2Fword@db/x"}
    settings = Settings(
        api_key="static-key-of-ours",
        ledger={"url": "${URL}"},
        alerts={"webhook": "${UNSET}"},
        models={
            "a": ModelSettings(provider="openai", model="m", api_key="${A_KEY}"),
            "b": ModelSettings(provider="scripted", model="m"),
        },
        telemetry={"otlp_headers": {"authorization": "token-of-a-collector"}},
    )

    assert set(secrets_of(settings, environment)) == {
        "static-key-of-ours",
        "key-of-a-provider",
        "postgresql://us:pass%2Fword@db/x",
        "pass%2Fword",
        "pass/word",
        "token-of-a-collector",
    }


def test_decisions_are_printed_as_all_else_is() -> None:
    assert LogSettings().of_decisions == "text"
    assert LogSettings(format="json").of_decisions == "json"
    assert LogSettings(format="json", decisions="off").of_decisions == "off"
    assert LogSettings(decisions="json").of_decisions == "json"
