"""The child's own script, as far as it goes without a model; and the process that carries it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pointsman.providers import embedded_child
from pointsman.providers.child_process import LOG_BYTES, ChildFailed, ChildProcess
from pointsman.providers.embedded_child import usable_cores

CHILD = embedded_child.__file__


def settings(weights: Path) -> bytes:
    asked = {"weights": str(weights), "model": "tiny", "api_key": "k"}
    return json.dumps({**asked, "context_length": 64, "slots": 1}).encode()


async def failure(command: list[str], line: bytes) -> str:
    child = await ChildProcess.start(command, line)
    with pytest.raises(ChildFailed) as failed:
        await child.base_url(limit_s=60)
    await child.end(grace_s=1)
    return str(failed.value)


async def test_without_weights_it_says_so(tmp_path: Path) -> None:
    said = await failure([sys.executable, "-P", CHILD], settings(tmp_path / "none.gguf"))

    assert said == f"there are no weights at {tmp_path / 'none.gguf'}"


async def test_without_the_wheel_it_says_how_to_get_it(tmp_path: Path) -> None:
    weights = tmp_path / "tiny.gguf"
    weights.touch()

    said = await failure([sys.executable, "-S", "-P", CHILD], settings(weights))

    assert said == "xllamacpp is not installed; run: pip install 'pointsman[local]'"


async def test_only_the_end_of_a_long_log_is_kept() -> None:
    script = "import sys; sys.stderr.write('x' * 100_000 + 'the end')"

    child = await ChildProcess.start([sys.executable, "-c", script], b"")
    await child.wait()
    await child.end(grace_s=1)

    assert len(child.log) == LOG_BYTES
    assert child.log.endswith("the end")


async def test_its_last_line_stands_for_a_traceback() -> None:
    said = await failure([sys.executable, "-c", "import sys; sys.exit('no luck')"], b"")

    assert said == "it ended with status 1 (no luck)"


async def test_a_signal_is_named() -> None:
    script = "import os, signal; os.kill(os.getpid(), signal.SIGILL)"

    assert await failure([sys.executable, "-c", script], b"") == "it died: Illegal instruction"


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("100000 100000", 1), ("50000 100000", 1), ("100000000 100000", None), ("max 100000", None)],
)
def test_a_container_quota_bounds_the_cores(
    tmp_path: Path, quota: str, expected: int | None
) -> None:
    (tmp_path / "cpu.max").write_text(quota)

    unbounded = usable_cores(tmp_path / "none")
    assert usable_cores(tmp_path / "cpu.max") == (expected or unbounded)
    assert unbounded >= 1
