"""`pointsman keys`: who may call the gateway, and what each key may do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from msgspec import UNSET

from pointsman.access.view import KeyView
from pointsman.cli import keyed
from pointsman.cli.key_options import (
    ConcurrentOption,
    DayOption,
    ExpiresOption,
    KeyArgument,
    MemberOption,
    ModelsOption,
    MonthOption,
    NameOption,
    PrivacyOption,
    RequestsOption,
    RoutesOption,
    TiersOption,
    TokensOption,
    UnpricedOption,
    span_of,
    wish_of,
)
from pointsman.cli.options import ConfigOption, JsonOption
from pointsman.cli.output import print_json, print_table
from pointsman.config import Settings, load
from pointsman.types import Json, Role

app = typer.Typer(help="Make, list, change and end API keys.", no_args_is_help=True)


@app.command()
def create(
    *,
    admin: Annotated[
        bool,
        typer.Option(
            "--admin", help="It manages all; with --organisation, that organisation's keys."
        ),
    ] = False,
    organisation: Annotated[
        str | None, typer.Option("--organisation", help="Whose it is; `default` else.")
    ] = None,
    role: Annotated[
        Role | None, typer.Option("--role", help="What it may do; `user` calls models.")
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="It reads or manages every organisation.")
    ] = False,
    member: MemberOption = None,
    name: NameOption = None,
    models: ModelsOption = None,
    tiers: TiersOption = None,
    routes: RoutesOption = None,
    privacy: PrivacyOption = None,
    expires: ExpiresOption = None,
    requests_per_minute: RequestsOption = None,
    tokens_per_minute: TokensOption = None,
    concurrent: ConcurrentOption = None,
    budget_day: DayOption = None,
    budget_month: MonthOption = None,
    allow_unpriced: UnpricedOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key. It is shown this once; only its hash is kept."""
    if admin and role not in {None, "admin"}:
        raise typer.BadParameter("an admin has the role admin", param_hint="--role")
    wish = wish_of(
        name=name,
        models=models,
        tiers=tiers,
        routes=routes,
        privacy=privacy,
        expires=expires,
        limits={
            "requests_per_minute": requests_per_minute,
            "tokens_per_minute": tokens_per_minute,
            "concurrent": concurrent,
        },
        budgets={"per_day": budget_day, "per_month": budget_month},
        allow_unpriced=allow_unpriced,
    )
    wish["role"] = "admin" if admin else (role or "user")
    wish["everywhere"] = everywhere or (admin and organisation is None)
    if organisation is not None:
        wish["organisation"] = organisation
    if member is not None:
        wish["member"] = member
    settings = load(config)
    _print_whole(asyncio.run(keyed.created(settings, wish)), settings, as_json=as_json)


@app.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the keys, the oldest first."""
    found = asyncio.run(keyed.listed(load(config)))
    if as_json:
        print_json(found)
    elif found.data:
        _print(found.data)
    else:
        typer.echo("There is no key. `pointsman keys create --admin` makes the first.")


@app.command()
def show(key_id: KeyArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show one key, without what is secret."""
    _print_one(asyncio.run(keyed.shown(load(config), key_id)), as_json=as_json)


@app.command()
def change(
    key_id: KeyArgument,
    *,
    name: NameOption = None,
    models: ModelsOption = None,
    tiers: TiersOption = None,
    routes: RoutesOption = None,
    privacy: PrivacyOption = None,
    expires: ExpiresOption = None,
    requests_per_minute: RequestsOption = None,
    tokens_per_minute: TokensOption = None,
    concurrent: ConcurrentOption = None,
    budget_day: DayOption = None,
    budget_month: MonthOption = None,
    allow_unpriced: UnpricedOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change what the options name; the rest stays."""
    wish = wish_of(
        name=name,
        models=models,
        tiers=tiers,
        routes=routes,
        privacy=privacy,
        expires=expires,
        limits={
            "requests_per_minute": requests_per_minute,
            "tokens_per_minute": tokens_per_minute,
            "concurrent": concurrent,
        },
        budgets={"per_day": budget_day, "per_month": budget_month},
        allow_unpriced=allow_unpriced,
    )
    if not wish:
        raise typer.BadParameter("say what to change, with options", param_hint="--help")
    settings = load(config)
    changed = asyncio.run(keyed.changed(settings, key_id, wish))
    _print_one(changed, as_json=as_json)
    _doubt(changed, settings)


@app.command()
def deactivate(
    key_id: KeyArgument, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Let nobody in with this key until it is activated again."""
    wish: dict[str, Json] = {"active": False}
    _print_one(asyncio.run(keyed.changed(load(config), key_id, wish)), as_json=as_json)


@app.command()
def activate(key_id: KeyArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Let this key in again."""
    wish: dict[str, Json] = {"active": True}
    _print_one(asyncio.run(keyed.changed(load(config), key_id, wish)), as_json=as_json)


@app.command()
def rotate(
    key_id: KeyArgument,
    *,
    grace: Annotated[
        str,
        typer.Option("--grace", metavar="SPAN", help="How long the old one stays valid; 0s: not."),
    ] = "24h",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a key another secret, shown this once; its id, its limits and its books stay."""
    span = span_of(grace)
    if span is None:
        raise typer.BadParameter("a span such as 24h, 30min or 0s", param_hint="--grace")
    settings = load(config)
    rotated = asyncio.run(keyed.rotated(settings, key_id, int(span.total_seconds())))
    _print_whole(rotated, settings, as_json=as_json)


@app.command()
def delete(key_id: KeyArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Forget a key. What it spent stays in the books."""
    gone = asyncio.run(keyed.deleted(load(config), key_id))
    if as_json:
        print_json(gone)
    else:
        typer.echo(f"{gone.id} is deleted")


def _doubt(key: KeyView, settings: Settings) -> None:
    """Say which names of its lists stand for nothing; an organisation may have deployments of its own."""
    for what, listed, there in (
        ("tier", key.tiers, settings.routing.tiers),
        ("deployment", key.models, tuple(settings.models)),
    ):
        for name in sorted(set(listed or ()) - set(there)):
            known = ", ".join(there)
            typer.echo(f"pointsman: there is no {what} {name!r} here, only {known}", err=True)


def _print_whole(key: KeyView, settings: Settings, *, as_json: bool) -> None:
    _doubt(key, settings)
    if as_json:
        print_json(key)
        return
    _print([key])
    typer.echo("\nThe key, which is not shown again:\n")
    typer.echo(f"  {'' if key.key is UNSET else key.key}")


def _print_one(key: KeyView, *, as_json: bool) -> None:
    if as_json:
        print_json(key)
    else:
        _print([key])


def _print(keys: Sequence[KeyView]) -> None:
    print_table(
        ("key", "name", "organisation", "role", "state", "may use", "limits", "budgets $"),
        [
            (
                key.id,
                key.name,
                f"{key.organisation} (all)" if key.everywhere else key.organisation,
                key.role,
                _state(key),
                _uses(key),
                _limits(key),
                _budgets(key),
            )
            for key in keys
        ],
    )


def _state(key: KeyView) -> str:
    now = datetime.now(UTC)
    if not key.active:
        return "deactivated"
    if key.expires is not None and key.expires <= now:
        return "expired"
    until = "" if key.expires is None else f" until {key.expires:%Y-%m-%d %H:%M}"
    rotated = key.grace_until is not None and key.grace_until > now
    return f"active{until}" + (", the old one too" if rotated else "")


def _uses(key: KeyView) -> str:
    lists = (key.models, key.tiers, key.routes)
    named = [", ".join(names) for names in lists if names is not None]
    private = [f"privacy {key.privacy}"] if key.privacy else []
    return "; ".join([*(named or ["all"]), *private])


def _limits(key: KeyView) -> str:
    limits = key.limits
    figures = (
        (limits.requests_per_minute, "requests/min"),
        (limits.tokens_per_minute, "tokens/min"),
        (limits.concurrent, "at a time"),
    )
    return ", ".join(f"{figure} {unit}" for figure, unit in figures if figure is not None) or "-"


def _budgets(key: KeyView) -> str:
    amounts = ((key.budgets.per_day, "day"), (key.budgets.per_month, "month"))
    return ", ".join(f"{amount}/{unit}" for amount, unit in amounts if amount is not None) or "-"
