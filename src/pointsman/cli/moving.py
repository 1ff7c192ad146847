"""`pointsman db migrate-from-sqlite`: one machine's books into a database that several share."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from pointsman.assembly import offline
from pointsman.cli.options import ConfigOption, JsonOption
from pointsman.cli.output import print_json, print_table
from pointsman.cli.progress import Display
from pointsman.config import load

#: Digits of a digest that people look at.
_SHOWN = 16


def migrate_from_sqlite(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The books; by default those in the home folder."),
    ] = None,
    *,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="An empty database, best as '${NAME}'; by default [ledger] url."
        ),
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Copy all books to PostgreSQL, and compare what arrived; the file stays."""
    with Display("rows", per_s=True) as display:
        url = None if to is None else SecretStr(to)
        moved = asyncio.run(offline.move(load(config), file, url, display))
    if as_json:
        print_json(
            [{"table": m.table, "rows": m.rows, "digest": m.fingerprint, **m.sums} for m in moved]
        )
        return
    rows = []
    for each in moved:
        sums = (f"{name} ${amount:f}" for name, amount in each.sums.items() if amount)
        rows.append((each.table, f"{each.rows:,}", each.fingerprint[:_SHOWN], ", ".join(sums)))
    print_table(("table", "rows #", "digest", "sums"), rows)
    typer.echo("What was read back is what was sent. Set [ledger] url and start the gateway.")
