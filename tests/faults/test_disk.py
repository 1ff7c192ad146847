"""The gateway's disk is full, or fails at the n-th write: clear refusals, no harm, and on it goes."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.exact_books import Record, check_files, cost, records, reported
from tests.support.gateway import Answer, Gateway, eventually

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]

CONFIG = """
[models.brisk]
provider = "scripted"
model = "brisk"
price = { input = "1.7", output = "5.3" }
script = [{ reply = "All aboard the night train to the coast.", chunks = 4 }]

[budgets.organisation]
per_day = "100"
"""
#: Bytes of the small disk.
DISK = 24 * 2**20
#: Requests after which a disk that fails must have been noticed.
ENOUGH = 500

_HI = [{"role": "user", "content": "Hi"}]
ASKED = {
    "/v1/chat/completions": {"model": "brisk", "messages": _HI},
    "/v1/completions": {"model": "brisk", "prompt": "Hi"},
    "/v1/responses": {"model": "brisk", "input": "Hi"},
    "/v1/messages": {"model": "brisk", "messages": _HI, "max_tokens": 50},
    "/api/chat": {"model": "brisk", "messages": _HI},
}


def ask(gateway: Gateway, path: str, *, stream: bool = False) -> Answer:
    """The answer in the path's own format."""
    return gateway.send("POST", path, json.dumps({**ASKED[path], "stream": stream}).encode())


def message(path: str, answer: Answer) -> str:
    """What an error says, where its format has it."""
    said = answer.json()
    if path == "/api/chat":
        return said["error"]
    if path == "/v1/messages":
        assert said["type"] == "error"
    return said["error"]["message"]


def until_refused(gateway: Gateway) -> list[Answer]:
    """Ask until the books can't be written any more; what was answered till then."""
    answered = []
    for number in range(ENOUGH):
        answer = ask(gateway, "/v1/chat/completions", stream=number % 2 == 0)
        if answer.status == 503:
            return answered
        assert answer.status == 200, answer.body
        answered.append(answer)
    raise AssertionError("the disk fails, and nobody noticed")


def assert_refused_clearly(gateway: Gateway) -> None:
    """Every format says what is the matter, streamed or not; what only reads goes on."""
    for path in ASKED:
        for stream in (False, True):
            answer = ask(gateway, path, stream=stream)
            assert answer.status == 503, (path, answer.body)
            assert "ledger" in message(path, answer)
            assert answer.headers["content-type"] == "application/json"
            assert "x-request-id" in answer.headers
    assert gateway.get("/health").status == 200
    assert gateway.get("/v1/models").status == 200
    assert gateway.get("/v1/report").status == 200


def assert_sound(gateway: Gateway, answered: list[Answer]) -> None:
    """It serves again, and after a new start the books have all that was given out, once."""
    eventually(lambda: ask(gateway, "/v1/chat/completions").status == 200, "it serves again")
    answered += [ask(gateway, path) for path in ASKED]
    assert [answer.status for answer in answered] == [200] * len(answered)
    gateway.stop()
    gateway.start()
    books = records(gateway)
    by_id: dict[str, Record] = {record["request_id"]: record for record in books}
    assert len(by_id) == len(books)
    assert {answer.headers["x-request-id"] for answer in answered} <= by_id.keys()
    assert {record["outcome"] for record in books} <= {"completed", "interrupted"}
    assert reported(gateway) == cost(*books)
    check_files(gateway.home)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of its own; skips the test where this process may not have one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(folder)]
    if (
        shutil.which("mount") is None
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("only root may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def failing(gateway: Gateway, fault: str) -> Iterator[None]:
    """What the gateway asks of the disk fails, as `strace --inject` has it."""
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", f"--inject={fault}", "-p", str(gateway.pid)]
    with subprocess.Popen(strace) as tracing:
        eventually(lambda: traced(gateway), "strace is attached")
        try:
            yield
        finally:
            tracing.terminate()


def traced(gateway: Gateway) -> bool:
    """Whether all its threads are traced."""
    tasks = Path(f"/proc/{gateway.pid}/task").glob("*/status")
    return all("TracerPid:\t0" not in task.read_text() for task in tasks)


def fill(file: Path) -> None:
    """Until not a byte is left."""
    with file.open("wb", buffering=0) as filler:
        for size in (2**20, 2**12, 1):
            write_all(lambda size=size: filler.write(bytes(size)))


def write_all(write: Callable[[], object]) -> None:
    """Again and again, until there is no room."""
    try:
        while True:
            write()
    except OSError:
        return


def test_a_full_disk_is_said_and_when_there_is_room_again_it_goes_on(tmp_path: Path):
    with small_disk(tmp_path / "disk") as home, Gateway(home, CONFIG) as gateway:
        assert ask(gateway, "/v1/chat/completions").status == 200

        fill(home / "filler")
        answered = until_refused(gateway)
        assert_refused_clearly(gateway)

        (home / "filler").unlink()
        assert_sound(gateway, answered)


@pytest.mark.skipif(not shutil.which("strace"), reason="strace injects the faults")
@pytest.mark.parametrize(
    "fault",
    [
        *(f"pwrite64:error=EIO:when={number}+" for number in (1, 3, 8)),
        "pwrite64:error=ENOSPC:when=4+",
        "fdatasync:error=EIO:when=1+",
    ],
)
def test_a_disk_that_fails_is_said_and_when_it_works_again_so_does_the_gateway(
    tmp_path: Path, fault: str
):
    with Gateway(tmp_path, CONFIG) as gateway:
        assert ask(gateway, "/v1/chat/completions").status == 200

        with failing(gateway, fault):
            answered = until_refused(gateway)
            assert_refused_clearly(gateway)

        assert_sound(gateway, answered)
