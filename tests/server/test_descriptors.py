"""As many requests as files allow, and as many files as the system allows."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pointsman.server.descriptors import most_requests

FEW = """
import resource
from pointsman.server.descriptors import most_requests, raise_limit

_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
print(most_requests())
raise_limit()
wanted = hard if 0 <= hard < 20_000 else 20_000
print(most_requests(), resource.getrlimit(resource.RLIMIT_NOFILE) == (wanted, hard))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no such limit")
def test_a_process_that_was_started_with_few_files_lets_itself_open_more() -> None:
    said = subprocess.run([sys.executable, "-c", FEW], capture_output=True, text=True, check=True)

    few, more, whole = said.stdout.split()
    assert int(few) == (256 - 128) * 4 // 9
    assert int(more) > int(few)
    assert whole == "True"


def test_there_is_always_room_for_one() -> None:
    assert most_requests() >= 1
