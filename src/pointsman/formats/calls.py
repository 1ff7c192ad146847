"""Tool calls, as no format has them for itself: their arguments, and ids for those without."""

from __future__ import annotations

import hashlib

import msgspec

from pointsman.types import Json


def arguments_of(written: str) -> dict[str, Json] | None:
    """A call's arguments as an object, empty where nothing was written; None where they are none."""
    try:
        value: Json = msgspec.json.decode(written) if written.strip() else {}
    except (msgspec.DecodeError, UnicodeError):
        return None
    return value if isinstance(value, dict) else None


def made_id(number: int, *seed: str) -> str:
    """An id for a call that has none: the same for the same call in the same place."""
    digest = hashlib.blake2s("\0".join(seed).encode("utf-8", "surrogatepass"), digest_size=8)
    return f"call_{number}_{digest.hexdigest()}"
