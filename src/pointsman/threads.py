"""Threads that step back behind the event loop. A leaf."""

from __future__ import annotations

import os
import sys
import threading

#: How much such a thread steps back behind the others, as `nice` does for a process.
_NICENESS = 10


def step_back() -> None:
    """Where cores are short, others go first; only Linux has priorities of threads."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
