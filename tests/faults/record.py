"""What was seen, kept as data: `docs/reference/faults.md` is made from it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

_KEPT = Path(__file__).with_name("observed.json")
#: Set, what is seen is written; otherwise it is compared.
WRITE = "POINTSMAN_TEST_WRITE_FAULTS"


@dataclass(frozen=True)
class Seen:
    """What one way of asking showed: the client's view, and the books'."""

    asked: str
    client: str
    books: str


def check(row: str, fault: str, seen: Sequence[Seen]) -> None:
    """Raises AssertionError where it is not what is kept. `make faults` writes it instead."""
    found = {"fault": fault, "seen": [list(astuple(each)) for each in seen]}
    kept = json.loads(_KEPT.read_text(encoding="utf-8")) if _KEPT.exists() else {}
    if os.environ.get(WRITE):
        kept[row] = found
        text = json.dumps(kept, ensure_ascii=False, indent=1)
        _KEPT.write_text(text + "\n", encoding="utf-8")
    assert kept.get(row) == found, "if this is as it should be: make faults"


def rows() -> list[str]:
    """Every row that is kept, in order."""
    return list(json.loads(_KEPT.read_text(encoding="utf-8")))
