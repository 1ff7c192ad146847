"""`pointsman snippets`: ready configuration for libraries, agents and editors."""

from __future__ import annotations

from typing import Annotated

import typer
from msgspec.structs import asdict

from pointsman.cli.gateway import address_of, reachable
from pointsman.cli.launch import AddressOption
from pointsman.cli.options import ConfigOption, JsonOption, ModelOption
from pointsman.cli.output import print_json
from pointsman.config import load
from pointsman.onboarding.clients import Gateway
from pointsman.onboarding.snippets import SNIPPETS


def _known(name: str) -> str:
    if name not in SNIPPETS:
        raise typer.BadParameter(f"there are {', '.join(SNIPPETS)}")
    return name


def snippets(
    *,
    name: Annotated[
        str | None,
        typer.Argument(parser=_known, metavar="NAME", help=f"One of {', '.join(SNIPPETS)}."),
    ] = None,
    config: ConfigOption = None,
    model: ModelOption = "auto",
    address: AddressOption = None,
    key: Annotated[
        str, typer.Option("--key", metavar="KEY", help="What to write as the key.")
    ] = "unused",
    as_json: JsonOption = False,
) -> None:
    """Print ready configuration for libraries, agents and editors; all of it, or one alone."""
    to = Gateway(reachable(address) if address else address_of(load(config)), key, model)
    made = {each: SNIPPETS[each](to) for each in ([name] if name else SNIPPETS)}
    if as_json:
        print_json({each: asdict(snippet) for each, snippet in made.items()})
    elif name:
        typer.echo(made[name].text, nl=False)
    else:
        parts = (f"## {each.title}: {each.where}\n\n{each.text}" for each in made.values())
        typer.echo("\n".join(parts), nl=False)
