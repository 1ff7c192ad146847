"""The end users whom clients name. Pure."""

from __future__ import annotations

import hashlib

#: Characters.
LONGEST_USER = 128
#: How the names begin under which the gateway itself asks.
OWN = "pointsman:"


def is_name(user: str) -> bool:
    """Whether it can be shown and stored as it is."""
    return user.isprintable() and len(user) <= LONGEST_USER and not user.startswith(OWN)


def named(user: str | None) -> str | None:
    """Who a body's `user` is: any text has passed for one so far, and no name has its hash for it."""
    if user is None or is_name(user):
        return user
    return "sha256:" + hashlib.sha256(user.encode()).hexdigest()[:32]
