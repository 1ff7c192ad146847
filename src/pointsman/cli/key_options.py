"""The options of `pointsman keys`, and what they say as the body of a request."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeAlias

import typer

from pointsman.types import Json, PrivacyWish

#: How a span of time is written: `30d`, `12h`, `45min`, `90s`.
_SPAN = re.compile(r"([0-9]{1,6})(d|h|min|s)")
_UNITS = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}
#: What takes a limit or a list away.
_NONE, _ALL = "none", "all"

Names: TypeAlias = list[str] | None
Figure: TypeAlias = str | None

KeyArgument = Annotated[str, typer.Argument(metavar="ID", help="As `keys list` says it: pm_...")]
MemberOption = Annotated[
    str | None,
    typer.Option("--member", metavar="ID", help="A member's: it may do no more than they."),
]
NameOption = Annotated[str | None, typer.Option("--name", help="What to call it.")]
ModelsOption = Annotated[
    Names,
    typer.Option(
        "--models", metavar="IDS", help="Deployments that may serve it, with commas; `all`."
    ),
]
TiersOption = Annotated[
    Names, typer.Option("--tiers", metavar="NAMES", help="Tiers that may serve it; `all`.")
]
RoutesOption = Annotated[
    Names,
    typer.Option(
        "--routes",
        metavar="NAMES",
        help="What it may ask for: auto, local, cloud, tiers, deployments; `all`.",
    ),
]
PrivacyOption = Annotated[
    PrivacyWish | None,
    typer.Option("--privacy", help="What its prompts are searched for, at least."),
]
ExpiresOption = Annotated[
    str | None,
    typer.Option("--expires", metavar="WHEN", help="In 30d, 12h; or a date; or `none`."),
]
RequestsOption = Annotated[
    Figure, typer.Option("--requests-per-minute", metavar="N", help="At most; or `none`.")
]
TokensOption = Annotated[
    Figure, typer.Option("--tokens-per-minute", metavar="N", help="At most; or `none`.")
]
ConcurrentOption = Annotated[
    Figure, typer.Option("--concurrent", metavar="N", help="Open at a time; or `none`.")
]
DayOption = Annotated[
    Figure, typer.Option("--budget-day", metavar="USD", help="In a day, in UTC; or `none`.")
]
MonthOption = Annotated[
    Figure, typer.Option("--budget-month", metavar="USD", help="In a month, in UTC; or `none`.")
]
UnpricedOption = Annotated[
    bool | None,
    typer.Option(
        "--allow-unpriced/--refuse-unpriced", help="With a budget: models without a known price."
    ),
]


def wish_of(
    *,
    name: str | None,
    models: Names,
    tiers: Names,
    routes: Names,
    privacy: PrivacyWish | None,
    expires: str | None,
    limits: Mapping[str, Figure],
    budgets: Mapping[str, Figure],
    allow_unpriced: bool | None,
) -> dict[str, Json]:
    """The body of a request: what was said on the command line and nothing else."""
    bounds: dict[str, Json] = {
        member: _count(text, member) for member, text in limits.items() if text is not None
    }
    money: dict[str, Json] = {
        member: None if text == _NONE else text
        for member, text in budgets.items()
        if text is not None
    }
    if allow_unpriced is not None:
        money["allow_unpriced"] = allow_unpriced
    said: dict[str, Json | None] = {"name": name, "privacy": privacy}
    wish: dict[str, Json] = {member: text for member, text in said.items() if text is not None}
    for member, names in (("models", models), ("tiers", tiers), ("routes", routes)):
        if names is not None:
            wish[member] = _listed(names)
    if expires is not None:
        wish["expires"] = _time(expires)
    return {
        **wish,
        **({"limits": bounds} if bounds else {}),
        **({"budgets": money} if money else {}),
    }


def span_of(text: str) -> timedelta | None:
    """A span such as `30d`; None where it is none."""
    found = _SPAN.fullmatch(text)
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]]) if found else None


def _listed(names: Sequence[str]) -> list[Json] | None:
    """Names, written once or several times, with commas."""
    split = [each.strip() for name in names for each in name.split(",")]
    return None if split == [_ALL] else list(split)


def _count(text: str, member: str) -> int | None:
    if text == _NONE:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10):  # noqa: PLR2004 - a billion
        raise typer.BadParameter(
            "a whole number, or `none`", param_hint="--" + member.replace("_", "-")
        )
    return int(text)


def _time(text: str) -> str | None:
    """A time with its zone: this machine's, where none is stated."""
    if text == _NONE:
        return None
    try:
        span = span_of(text)
        time = datetime.fromisoformat(text) if span is None else datetime.now(UTC) + span
        return (time if time.tzinfo else time.astimezone()).isoformat()
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(
            "a span such as 30d, a date such as 2027-01-31, or `none`", param_hint="--expires"
        ) from error
