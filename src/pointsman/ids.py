"""Request ids: ours, unguessable, safe in a header and a path. A leaf."""

from __future__ import annotations

import os
import time

_MILLISECOND_NS = 1_000_000
_RANDOM_BYTES = 10
#: Ids for which random bytes are fetched at once: each fetch lets go of the interpreter's lock.
_AT_ONCE = 256


def new_request_id() -> str:
    """Make a new id, such as `req_019a...`: 48 bits of milliseconds since 1970, 80 at random.

    Later ids sort behind earlier ones, so that the books' index of them grows at its end alone (as
    with version 7 of RFC 9562, whose bits for the version are random here).
    """
    return f"req_{time.time_ns() // _MILLISECOND_NS:012x}{_tail()}"


def _tail() -> str:
    while True:
        try:
            return _tails.pop()
        except IndexError:
            fetched = os.urandom(_RANDOM_BYTES * _AT_ONCE)
            starts = range(0, len(fetched), _RANDOM_BYTES)
            _tails.extend(fetched[start : start + _RANDOM_BYTES].hex() for start in starts)


_tails: list[str] = []
if hasattr(os, "register_at_fork"):  # no two processes have the same
    os.register_at_fork(after_in_child=_tails.clear)
