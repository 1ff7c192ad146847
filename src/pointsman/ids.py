"""Request ids: ours, unguessable, safe in a header and a path. A leaf."""

from __future__ import annotations

import secrets
import time

_MILLISECOND_NS = 1_000_000


def new_request_id() -> str:
    """Make a new id, such as `req_019a...`: 48 bits of milliseconds since 1970, 80 at random.

    Later ids sort behind earlier ones, so that the books' index of them grows at its end alone (as
    with version 7 of RFC 9562, whose bits for the version are random here).
    """
    return f"req_{time.time_ns() // _MILLISECOND_NS:012x}{secrets.token_hex(10)}"
