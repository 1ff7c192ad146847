"""Options that several commands share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Configuration file; else POINTSMAN_CONFIG, ./pointsman.toml, or the one at home.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ModelOption = Annotated[
    str, typer.Option("--model", help="auto, local, cloud, a tier or a deployment.")
]
DaysOption = Annotated[
    float | None, typer.Option("--days", min=0, max=36_500, help="Only the last so many days.")
]


def days_ago(days: float | None) -> datetime | None:
    """Then; None for all time."""
    return None if days is None else datetime.now(UTC) - timedelta(days=days)
