"""`pointsman db`: the books' file, what is taken out of it, and what it forgets."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO, get_args
from urllib.parse import urlencode

import msgspec
import typer

from pointsman.assembly.offline import reading, rotate_encryption, running_at, writing
from pointsman.assembly.scheduling import batch_books
from pointsman.batching import filing
from pointsman.cli import remote
from pointsman.cli.cached import cleared
from pointsman.cli.moving import migrate_from_sqlite
from pointsman.cli.options import (
    BeforeOption,
    ConfigOption,
    DaysOption,
    KeyOption,
    OrganisationOption,
    SinceOption,
    UntilOption,
    entries_of,
)
from pointsman.cli.reading import said
from pointsman.cli.upgrading import upgrade_books
from pointsman.config import Settings, load
from pointsman.errors import PointsmanError
from pointsman.ledger.export import FILES, FileFormat
from pointsman.ledger.pages import pages
from pointsman.storage.vault import new_key
from pointsman.types import Filter, Scope, Selection

app = typer.Typer(help="Look after the books' database.", no_args_is_help=True)

#: Entries that are read at a time.
_BATCH = 2000


class _Removed(msgspec.Struct):
    removed: int


@app.callback()
def database() -> None:
    """Look after the books' database."""


@app.command()
def upgrade(config: ConfigOption = None) -> None:
    """Bring the schema up to date; `serve` does so by itself."""
    settings = load(config)
    upgrade_books(settings)
    asyncio.run(_upgrade(settings))
    where = settings.database if settings.ledger.url is None else "the ledger's database"
    typer.echo(f"{where} is up to date")


@app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Ends in .csv, .parquet or .jsonl.")],
    *,
    days: DaysOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    organisation: OrganisationOption = None,
    key: KeyOption = None,
    config: ConfigOption = None,
) -> None:
    """Write the entries to a file, the newest first; it is there when it is whole."""
    which = entries_of(days=days, since=since, until=until, organisation=organisation, key=key)
    ending = file.suffix.removeprefix(".")
    wanted: FileFormat | None = next(
        (each for each in get_args(FileFormat) if each == ending), None
    )
    if wanted is None:
        raise typer.BadParameter("end it in .csv, .parquet or .jsonl", param_hint="FILE")
    draft = file.with_name(f"{file.name}.part")
    settings = load(config)
    try:
        with draft.open("wb") as into:
            asyncio.run(_export(settings, wanted, which, into))
        draft.replace(file)
    except OSError as error:
        raise PointsmanError(f"{file} can't be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # where it could not be made, either
            draft.unlink()
    typer.echo(f"{file}: {file.stat().st_size} bytes")


@app.command()
def forget(
    *,
    organisation: OrganisationOption = None,
    before: BeforeOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = None,
) -> None:
    """Delete entries for good, and all that hangs on them.

    With --before the sums by day stay in the books; without it all of the organisation goes.
    """
    if organisation is None and before is None:
        raise typer.BadParameter(
            "say which entries with --organisation or --before", param_hint="--organisation"
        )
    whose = f"of {organisation}" if organisation else "of all organisations"
    when = f"before {before:%Y-%m-%d %H:%M} UTC" if before else "of all time, and their sums"
    if not yes:
        typer.confirm(f"Delete the entries {whose} {when}?", abort=True)
    count = asyncio.run(_forget(load(config), organisation, before))
    typer.echo(f"{count} entries are deleted")


@app.command("new-encryption-key")
def new_encryption_key() -> None:
    """Print a key to encrypt providers' keys with, for POINTSMAN_ENCRYPTION_KEY."""
    typer.echo(new_key())


@app.command("rotate-encryption")
def rotate_encryption_(config: ConfigOption = None) -> None:
    """Encrypt every provider's key anew, with the first of the encryption keys."""
    count = asyncio.run(rotate_encryption(load(config)))
    typer.echo(f"{count} providers' keys are encrypted anew")


app.command()(migrate_from_sqlite)


async def _upgrade(settings: Settings) -> None:
    async with writing(settings):
        """To open it is all."""


async def _export(settings: Settings, wanted: FileFormat, which: Filter, into: BinaryIO) -> None:
    """From the running gateway, or from the store where none runs."""
    address = running_at(settings)
    if address is not None:
        path = f"/v1/export?{urlencode({**said(which), 'format': wanted})}"
        await asyncio.to_thread(remote.download, settings, address, path, into)
        return
    make, _ = FILES[wanted]
    written = make()
    async with reading(settings) as books:
        into.write(written.start())
        async for entries in pages(books, _BATCH, which):
            into.write(written.add(entries))
        into.write(written.end())


async def _forget(settings: Settings, organisation: str | None, before: datetime | None) -> int:
    """At the running gateway, or in the store where none runs."""
    address = running_at(settings)
    if address is None:
        if before is None:
            await cleared(settings, Selection(organisation=organisation))
        async with writing(settings) as store:
            await filing.forget(batch_books(store), Scope(organisation), before)
            return await store.forget_entries(organisation=organisation, before=before)
    asked = {
        **({"organisation": organisation} if organisation else {}),
        **({"before": before.isoformat()} if before else {}),
    }
    path = f"/v1/entries?{urlencode(asked)}"
    found = await remote.call(settings, address, path, _Removed, method="DELETE")
    return found.removed
