"""Books of an older version, brought up to date where somebody looks on."""

from __future__ import annotations

import typer

from pointsman.assembly import offline
from pointsman.cli.progress import Display
from pointsman.config import Settings


def upgrade_books(settings: Settings) -> None:
    """Say so, show how far it is, and do it; nothing where the books are up to date.

    Raises ConfigError.
    """
    if not offline.outdated(settings):
        return
    size = settings.database.stat().st_size / 1e6
    typer.echo(
        f"Bringing {settings.database} ({size:,.0f} MB) up to date; "
        "where that is cut short, it begins anew the next time",
        err=True,
    )
    with Display() as display:
        offline.upgrade(settings, display)
