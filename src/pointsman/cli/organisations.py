"""`pointsman organisations`: who shares the gateway, their people and what is theirs."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

import typer

from pointsman.access.tenant_view import (
    DeploymentView,
    MemberView,
    OrganisationView,
    ProviderKeyView,
)
from pointsman.access.view import Deleted
from pointsman.cli import organised
from pointsman.cli.options import ConfigOption, JsonOption
from pointsman.cli.output import print_json, print_table
from pointsman.config import load
from pointsman.types import Json, Role

app = typer.Typer(
    help="Organisations, their members, their providers' keys and their own deployments.",
    no_args_is_help=True,
)
_T = TypeVar("_T")
_Row = tuple[str, ...]

WhichArgument = Annotated[str, typer.Argument(metavar="ORGANISATION", help="Its id.")]
MemberArgument = Annotated[str, typer.Argument(metavar="MEMBER", help="As `members` prints it.")]
ProviderArgument = Annotated[str, typer.Argument(metavar="PROVIDER", help="Such as openai.")]
RoleOption = Annotated[Role, typer.Option("--role", help="What their keys may do at most.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
FromOption = Annotated[
    str | None,
    typer.Option("--key-from", metavar="VARIABLE", help="Where the key is; asked for else."),
]


@app.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the organisations that have a record."""
    _print(asyncio.run(organised.listed(load(config))), _ORGANISATION, _organisation, as_json)


@app.command()
def create(
    organisation: WhichArgument,
    *,
    name: Annotated[str, typer.Option("--name", help="What people call it.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an organisation's record; keys that name it already are its own."""
    made = asyncio.run(organised.created(load(config), {"id": organisation, "name": name}))
    _print([made], _ORGANISATION, _organisation, as_json)


@app.command()
def delete(
    organisation: WhichArgument,
    *,
    yes: YesOption = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget an organisation with its members, all its keys and deployments; its entries stay."""
    if not yes:
        typer.confirm(f"End every key of {organisation} and delete its record?", abort=True)
    _gone(asyncio.run(organised.deleted(load(config), organisation)), as_json)


@app.command()
def members(
    organisation: WhichArgument, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """List the people in an organisation."""
    found = asyncio.run(organised.members(load(config), organisation))
    _print(found, _MEMBER, _member, as_json)


@app.command("add-member")
def add_member(
    organisation: WhichArgument,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="An address or another name.")],
    *,
    role: RoleOption = "user",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take somebody in; `keys create --member` makes keys for them."""
    wish: dict[str, Json] = {"person": person, "role": role}
    made = asyncio.run(organised.member_added(load(config), organisation, wish))
    _print([made], _MEMBER, _member, as_json)


@app.command("change-member")
def change_member(
    organisation: WhichArgument,
    member: MemberArgument,
    *,
    role: RoleOption,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a member another role: no key of theirs may do more from then on."""
    made = asyncio.run(organised.member_changed(load(config), organisation, member, {"role": role}))
    _print([made], _MEMBER, _member, as_json)


@app.command("remove-member")
def remove_member(
    organisation: WhichArgument,
    member: MemberArgument,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a member; every key of theirs ends at once."""
    _gone(asyncio.run(organised.member_removed(load(config), organisation, member)), as_json)


@app.command("provider-keys")
def provider_keys(
    organisation: WhichArgument, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """List what an organisation pays its providers with, without the keys."""
    found = asyncio.run(organised.provider_keys(load(config), organisation))
    _print(found, _PROVIDER_KEY, _provider_key, as_json)


@app.command("set-provider-key")
def set_provider_key(
    organisation: WhichArgument,
    provider: ProviderArgument,
    *,
    key_from: FromOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pay a provider with a key of the organisation's own. It is encrypted, and not shown again."""
    wish: dict[str, Json] = {"provider": provider, "key": _key(key_from)}
    made = asyncio.run(organised.provider_key_set(load(config), organisation, wish))
    _print([made], _PROVIDER_KEY, _provider_key, as_json)


@app.command("remove-provider-key")
def remove_provider_key(
    organisation: WhichArgument,
    provider: ProviderArgument,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget the key for a provider."""
    done = organised.provider_key_removed(load(config), organisation, provider)
    _gone(asyncio.run(done), as_json)


@app.command()
def deployments(
    organisation: WhichArgument, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """List an organisation's own deployments."""
    found = asyncio.run(organised.deployments(load(config), organisation))
    _print(found, _DEPLOYMENT, _deployment, as_json)


@app.command("add-deployment")
def add_deployment(
    organisation: WhichArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Within the organisation.")],
    *,
    provider: Annotated[str, typer.Option("--provider", help="Such as openai.")],
    model: Annotated[str, typer.Option("--model", help="As the provider calls it.")],
    tier: Annotated[str | None, typer.Option("--tier", help="The lowest else.")] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="One that [tenants] base_urls allows.")
    ] = None,
    key_from: FromOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a deployment of an organisation's own.

    Without --key-from it is paid with the organisation's key for the provider.
    """
    stated = {"tier": tier, "base_url": base_url}
    wish: dict[str, Json] = {"id": name, "provider": provider, "model": model}
    wish.update({key: value for key, value in stated.items() if value is not None})
    if key_from is not None:
        wish["api_key"] = _key(key_from)
    made = asyncio.run(organised.deployment_added(load(config), organisation, wish))
    _print([made], _DEPLOYMENT, _deployment, as_json)


@app.command("remove-deployment")
def remove_deployment(
    organisation: WhichArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Within the organisation.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a deployment of an organisation's own."""
    _gone(asyncio.run(organised.deployment_removed(load(config), organisation, name)), as_json)


def _key(variable: str | None) -> str:
    """A provider's key: never an argument, which every process of the machine could read."""
    if variable is not None:
        if not os.environ.get(variable):
            raise typer.BadParameter(f"{variable} is not set", param_hint="--key-from")
        return os.environ[variable]
    if sys.stdin.isatty():
        asked: str = typer.prompt("The provider's key", hide_input=True)
        return asked
    return sys.stdin.readline().strip()


_ORGANISATION = ("organisation", "name", "created")
_MEMBER = ("member", "person", "role")
_PROVIDER_KEY = ("provider", "ends in", "fingerprint", "since")
_DEPLOYMENT = ("deployment", "provider", "model", "key", "state")


def _organisation(each: OrganisationView) -> _Row:
    return each.id, each.name, f"{each.created:%Y-%m-%d}"


def _member(each: MemberView) -> _Row:
    return each.id, each.person, each.role


def _provider_key(each: ProviderKeyView) -> _Row:
    return each.id, each.last4 or "-", each.fingerprint or "-", f"{each.created:%Y-%m-%d}"


def _deployment(each: DeploymentView) -> _Row:
    provider, model = (str(each.settings.get(name)) for name in ("provider", "model"))
    return each.id, provider, model, each.key or "-", each.objection or "in use"


def _print(
    found: Sequence[_T], columns: Sequence[str], row: Callable[[_T], _Row], as_json: bool
) -> None:
    if as_json:
        print_json(found)
    elif found:
        print_table(columns, [row(each) for each in found])
    else:
        typer.echo("There is none.")


def _gone(gone: Deleted, as_json: bool) -> None:
    if as_json:
        print_json(gone)
    else:
        typer.echo(f"{gone.id} is deleted")
