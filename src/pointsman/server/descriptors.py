"""How many files this process may have open, and so how many requests."""

from __future__ import annotations

import os
import sys

#: What the books, the cache, logs and listening sockets take, with some to spare.
_OTHERS = 128
#: Where nobody limits it, or nobody tells.
_MOST = 20_000


def raise_limit() -> None:
    """Let this process open as many files as the system lets it; shells start it with few."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on every platform

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_requests() -> int:
    """Requests that may be open at once: each has a connection here and one to its upstream.

    The door lets in an eighth more at times.
    """
    return max(1, (_limit() - _OTHERS) * 4 // 9)


def _limit() -> int:
    if sys.platform == "win32":
        return _MOST
    files = os.sysconf("SC_OPEN_MAX")
    return _MOST if files < 0 else min(files, _MOST)
