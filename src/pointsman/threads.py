"""Threads that step back behind the event loop, and the memory that all share. A leaf."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from contextlib import suppress

#: How much such a thread steps back behind the others, as `nice` does for a process.
_NICENESS = 10
#: By malloc.h.
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8


def step_back() -> None:
    """Where cores are short, others go first; only Linux has priorities of threads."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def share_memory() -> None:
    """Have the threads of this process take memory from one place. To be called before they start.

    glibc has an arena for each thread, and an arena keeps what its largest task ever took: 26 MB
    stayed in each thread that had once read what is learned from (`malloc_stats` in a soak). Pieces
    above a mebibyte are given back at once; glibc would keep ever larger ones. See mallopt(3).
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        with suppress(AttributeError):  # another libc
            libc.mallopt(_M_ARENA_MAX, 1)
            libc.mallopt(_M_MMAP_THRESHOLD, 1024 * 1024)
