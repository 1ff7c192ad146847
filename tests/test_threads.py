"""What all threads of a gateway share."""

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

#: Allocates in several threads, and has the C library write down its arenas.
_PROGRAM = """
import ctypes, sys, threading
from pointsman.threads import share_memory
share_memory()
ready, over = threading.Barrier(9), threading.Barrier(9)
def work():
    kept = [bytes(1000) for _ in range(1000)]
    ready.wait(); over.wait()
for _ in range(8):
    threading.Thread(target=work).start()
ready.wait()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
over.wait()
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_info"),
    reason="the C library is not glibc",
)
def test_threads_have_no_memory_of_their_own(tmp_path: Path) -> None:
    told = tmp_path / "arenas.xml"

    subprocess.run([sys.executable, "-c", _PROGRAM, told], check=True)

    assert told.read_text().count("<heap nr=") == 1
