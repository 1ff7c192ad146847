"""How commands print: tables for people, JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
import typer

if TYPE_CHECKING:
    from rich.table import Table

#: Columns where the output is no terminal and nobody says how wide it is.
_PIPED_WIDTH = 140
#: Columns of the longest bar.
_BAR_WIDTH = 30


def print_json(value: object) -> None:
    """`value` as JSON; decimals as exact JSON numbers."""
    encoded = msgspec.json.Encoder(decimal_format="number").encode(value)
    typer.echo(msgspec.json.format(encoded, indent=2).decode())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Rows under their columns; figures belong right, so columns ending in `$` or `#` go there."""
    from rich.table import Table  # noqa: PLC0415 - dear to import

    lines = [*rows]
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for place, column in enumerate(columns):
        right = column.endswith(("$", "#"))
        # No figure is ever cut, nor any name: half of either says something else.
        widest = max((len(row[place]) for row in lines), default=0) if right else 0
        table.add_column(
            column.removesuffix("#").strip(),
            justify="right" if right else "left",
            overflow="fold",
            min_width=widest,
        )
    for row in lines:
        table.add_row(*row)
    _print(table)


def print_bars(title: str, rows: Sequence[tuple[str, Decimal, Decimal]]) -> None:
    """Cost and savings of each row as bars on one scale; what cost more than the baseline has none."""
    from rich.bar import Bar  # noqa: PLC0415 - dear to import
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    table.add_column(title)
    for heading in ("cost $", "saved $"):
        table.add_column(heading, justify="right")
        table.add_column(min_width=_BAR_WIDTH)
    most = float(max((amount for _, *both in rows for amount in both), default=0)) or 1.0
    for name, cost, saved in rows:
        table.add_row(
            name,
            dollars(cost),
            Bar(most, 0, float(cost), width=_BAR_WIDTH),
            dollars(saved),
            Bar(most, 0, max(float(saved), 0.0), width=_BAR_WIDTH),
        )
    _print(table)
    typer.echo()


def _print(table: Table) -> None:
    from rich.console import Console  # noqa: PLC0415 - dear to import

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    console.print(table)


def dollars(amount: Decimal | float | None) -> str:
    """US dollars for people, rounded once: here."""
    return "unknown" if amount is None else f"${amount:.6f}"
