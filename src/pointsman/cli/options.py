"""Options that several commands share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from pointsman.types import Filter

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
LocalOption = Annotated[bool, typer.Option("--local", help="The same as --model local.")]
CloudOption = Annotated[bool, typer.Option("--cloud", help="The same as --model cloud.")]
DaysOption = Annotated[
    float | None, typer.Option("--days", min=0, max=36_500, help="Only the last so many days.")
]


def _moment(text: str) -> datetime:
    """A day or a time; in UTC where it has no zone, as days are in the books."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(
            "a day or a time, such as 2026-11-21 or 2026-11-21T10:00Z"
        ) from error


SinceOption = Annotated[
    datetime | None,
    typer.Option("--since", metavar="TIME", parser=_moment, help="Only from then on."),
]
UntilOption = Annotated[
    datetime | None,
    typer.Option("--until", metavar="TIME", parser=_moment, help="Only before then."),
]
BeforeOption = Annotated[
    datetime | None,
    typer.Option("--before", metavar="TIME", parser=_moment, help="Only what is older."),
]
OrganisationOption = Annotated[
    str | None, typer.Option("--organisation", metavar="NAME", help="Only this organisation's.")
]
KeyOption = Annotated[
    str | None, typer.Option("--key", metavar="ID", help="Only what was asked with this key.")
]


def asked_model(model: str, *, local: bool, cloud: bool) -> str:
    """What the options say of who is to answer. Raises BadParameter where they disagree."""
    said = {model} - {"auto"} | ({"local"} if local else set()) | ({"cloud"} if cloud else set())
    if len(said) > 1:
        raise typer.BadParameter("say one of --local, --cloud and --model", param_hint="--model")
    return said.pop() if said else "auto"


def entries_of(
    *,
    days: float | None,
    since: datetime | None,
    until: datetime | None,
    organisation: str | None,
    key: str | None,
) -> Filter:
    """Which entries the options mean."""
    if days is not None and since is not None:
        raise typer.BadParameter("say --days or --since, not both", param_hint="--days")
    start = days_ago(days) if since is None else since
    return Filter(since=start, until=until, organisation=organisation, key=key)


def days_ago(days: float | None) -> datetime | None:
    """Then; None for all time."""
    return None if days is None else datetime.now(UTC) - timedelta(days=days)
