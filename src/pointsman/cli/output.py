"""How commands print: tables for people, JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec
import typer
from rich.console import Console
from rich.table import Table

#: Columns where the output is no terminal and nobody says how wide it is.
_PIPED_WIDTH = 140


def print_json(value: object) -> None:
    """`value` as JSON; decimals as exact JSON numbers."""
    encoded = msgspec.json.Encoder(decimal_format="number").encode(value)
    typer.echo(msgspec.json.format(encoded, indent=2).decode())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Rows under their columns; figures belong right, so columns ending in `$` or `#` go there."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        right = column.endswith(("$", "#"))
        table.add_column(column.removesuffix("#").strip(), justify="right" if right else "left")
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    console.print(table)


def dollars(amount: Decimal | float | None) -> str:
    """US dollars for people, rounded once: here."""
    return "unknown" if amount is None else f"${amount:.6f}"
