"""What was learned, put together by hand."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta

from pointsman import data
from pointsman.types import Change, ChangeKind, Evidence, Version

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
#: Of some prompt, as they are stored; and how many a real one has.
FEATURES_SIZE = 72
FEATURES = b64encode(bytes(2 * FEATURES_SIZE)).decode()


def version(name: str, organisation: str = "", content: str | None = None) -> Version:
    """Of an hour; what ships unless it has content."""
    text = data.read_belief() if content is None else content
    return Version(name, organisation, NOON, "bandit", text, 100, "req_9")


def change(name: str, minute: int, organisation: str = "", kind: ChangeKind = "promoted") -> Change:
    """To the version of that name."""
    at = NOON + timedelta(minutes=minute)
    return Change(f"ch_{minute}{organisation}", organisation, at, kind, name, name)


def outcome(number: int, organisation: str, quality: float = 0.5) -> Evidence:
    """Of a request without words."""
    at, name = NOON + timedelta(seconds=number), f"req_{organisation}_{number}"
    return Evidence(name, at, "simple", FEATURES, 55.0, quality, 1.0)
