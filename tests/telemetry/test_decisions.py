"""The decision log: a line each, whatever the pipe does."""

import io
import json
import threading
from datetime import UTC, datetime
from decimal import Decimal

from msgspec.structs import replace

from pointsman.telemetry.decisions import DecisionLog
from pointsman.types import (
    Attempt,
    Decision,
    Entry,
    Plan,
    Principal,
    Score,
    Settlement,
    Target,
    Usage,
)

ENTRY = Entry(
    request_id="req_1",
    time=datetime(2026, 11, 21, 10, 30, tzinfo=UTC),
    principal=Principal(),
    model_asked="auto",
    stream=False,
    decision=Decision(
        tier="simple",
        target=Target("auto", "auto"),
        scored=Score(12.5, {}, "heuristic", "1"),
        plan=Plan((), ()),
        reasoning="score 12 -> simple",
    ),
    settlement=Settlement(
        "completed",
        usage=Usage(10, 5),
        deployment="small",
        served_tier="simple",
        reason="why\nnot \x1b[31m",
        cost=Decimal("0.00125"),
        latency_ms=432.1,
        ttft_ms=12.34,
    ),
)


class SlowPipe(io.StringIO):
    """A reader that does not read until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = threading.Event()

    def write(self, text: str) -> int:
        self.reading.wait(10)
        return super().write(text)


def printed(form: str, *entries: Entry) -> list[str]:
    stream = io.StringIO()
    log = DecisionLog(stream, form)
    for entry in entries:
        log.settled(entry)
    log.close()
    return stream.getvalue().splitlines()


def test_a_line_for_people_has_what_they_ask_for() -> None:
    (line,) = printed("text", ENTRY)

    local_time = f"{ENTRY.time.astimezone():%H:%M:%S}"
    for part in (local_time, "12.5", "simple", "-> small", "432 ms", "$0.001250", "completed"):
        assert part in line
    assert "\x1b" not in line


def test_a_line_for_machines_is_one_json_object() -> None:
    lines = printed("json", ENTRY, replace(ENTRY, settlement=None))

    done, still_open = (json.loads(line) for line in lines)
    assert done["cost"] == "0.00125"
    assert done["reason"] == "why\nnot \x1b[31m"
    assert still_open["outcome"] == "open"


def test_another_model_than_the_one_asked_for_is_said() -> None:
    assert ENTRY.settlement is not None
    attempt = Attempt("small", "simple", "completed", served_model="cheap\nmodel")
    entry = replace(ENTRY, settlement=replace(ENTRY.settlement, attempts=(attempt,)))

    (text,), (machine,) = printed("text", entry), printed("json", entry)

    assert "-> small (served cheap\\nmodel)  432 ms" in text
    assert json.loads(machine)["served_model"] == "cheap\nmodel"
    assert json.loads(printed("json", ENTRY)[0])["served_model"] is None


def test_an_unknown_price_is_not_zero() -> None:
    assert ENTRY.settlement is not None
    (line,) = printed("text", replace(ENTRY, settlement=replace(ENTRY.settlement, cost=None)))

    assert "unknown" in line


def test_a_reader_that_does_not_read_blocks_nobody() -> None:
    pipe = SlowPipe()
    log = DecisionLog(pipe, "text")

    for _ in range(5000):
        log.settled(ENTRY)
    log.close()  # does not wait for the reader either
    pipe.reading.set()
    log.printer.join(10)

    assert len(pipe.getvalue().splitlines()) < 1100
    assert "lines were dropped" in pipe.getvalue()
