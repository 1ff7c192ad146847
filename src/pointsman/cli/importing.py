"""`pointsman init --import`: the settings of the router that this one takes the place of."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import typer

from pointsman.assembly.tariffs import pricer
from pointsman.cli.output import print_table
from pointsman.config import RoutingSettings, checked
from pointsman.errors import ConfigError
from pointsman.onboarding import litellm, variables
from pointsman.onboarding.became import Became, Imported
from pointsman.onboarding.draft import Table, merged, values
from pointsman.types import Usage

_YAML = frozenset({".yaml", ".yml"})
_TIERS = RoutingSettings().tiers
_MILLION = Usage(input_tokens=1_000_000, output_tokens=1_000_000)


def taken_over(
    files: Sequence[Path], environment: Mapping[str, str]
) -> tuple[Imported, Mapping[str, str]]:
    """What the files say, later ones winning; and the environment with what they set.

    Raises ConfigError: a file that can't be read, or that says nothing.
    """
    tables: list[Table] = []
    became: list[Became] = []
    stated = dict(environment)
    for file in files:
        text = _read(file)
        if file.suffix.lower() in _YAML:
            found = _of_litellm(file, text, stated)
        else:
            own = _variables(text)
            stated = {**own, **stated}
            found = variables.imported(own, _TIERS)
        tables += found.tables
        became += found.became
    if not tables:
        names = ", ".join(map(str, files))
        raise ConfigError(f"{names}: nothing in there is a setting of a router")
    return Imported(merged(tables), tuple(became)), stated


def say(became: Sequence[Became]) -> None:
    """What each setting became."""
    print_table(("setting", "became"), [(each.name, each.what) for each in became])
    typer.echo()


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ConfigError(f"{file} can't be read: {reason}") from error


def _variables(text: str) -> dict[str, str]:
    from dotenv import dotenv_values  # noqa: PLC0415 - only here

    return {name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value}


def _of_litellm(file: Path, text: str, environment: Mapping[str, str]) -> Imported:
    import yaml  # noqa: PLC0415 - dear to import

    try:
        parsed: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{file} can't be read: {' '.join(str(error).split())}") from error
    try:
        return litellm.imported(parsed, _TIERS, _price, environment)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error


def _price(table: Table) -> Decimal | None:
    """US dollars for a million tokens in and a million out."""
    settings = checked(values([table]))
    return pricer(settings).cost(table.path[1], _MILLION, datetime.now(UTC))
