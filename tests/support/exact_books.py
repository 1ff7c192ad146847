"""The books as a gateway shows them, every figure exact, and as they are in its file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

from tests.support.gateway import Gateway

#: A decision record.
Record = Mapping[str, object]

_PAGE = 1000


def records(gateway: Gateway) -> list[Record]:
    """Every decision record, the newest first."""
    found: list[Record] = []
    page = f"/v1/decisions?limit={_PAGE}"
    while True:
        data = json.loads(gateway.get(page).body, parse_float=Decimal)["data"]
        found += data
        if len(data) < _PAGE:
            return found
        page = f"/v1/decisions?limit={_PAGE}&before={quote(data[-1]['time'])}"


def settled(gateway: Gateway) -> list[Record]:
    """Every record, once none is open any more; till then none."""
    found = records(gateway)
    return found if all(record["outcome"] != "open" for record in found) else []


def cost(*found: Record) -> Decimal:
    """What they cost together, in US dollars."""
    return sum((record["cost"] or Decimal(0) for record in found), Decimal(0))


def reported(gateway: Gateway) -> Decimal:
    """What the report says was spent, in US dollars."""
    report = json.loads(gateway.get("/v1/report").body, parse_float=Decimal)
    return Decimal(report["total"]["cost"])


def check_files(home: Path) -> None:
    """Every database of a home is sound, whoever has it open."""
    for file in home.glob("*.db"):
        with closing(sqlite3.connect(file)) as plain:
            assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)], file


def held_and_spent(home: Path) -> tuple[Decimal, Decimal]:
    """What the organisations' balances hold back, and what they have spent, in US dollars."""
    with closing(sqlite3.connect(f"file:{home / 'pointsman.db'}?mode=ro", uri=True)) as plain:
        ((held, spent),) = plain.execute(
            "SELECT coalesce(sum(reserved), 0), coalesce(sum(spent), 0) FROM balances "
            "WHERE kind = 'organisation'"
        )
    return Decimal(held) / 10**12, Decimal(spent) / 10**12
