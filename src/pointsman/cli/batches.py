"""`pointsman batches`: files that the running gateway answers in its own time."""

from __future__ import annotations

import asyncio
import codecs
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer

from pointsman.assembly.offline import running_at
from pointsman.batching.running import ENDPOINTS
from pointsman.cli import remote
from pointsman.cli.options import ConfigOption, JsonOption
from pointsman.cli.output import print_json, print_table
from pointsman.config import Settings, load
from pointsman.errors import ConfigError
from pointsman.types import Json

app = typer.Typer(
    help="Have whole files answered by the gateway in its own time, as OpenAI's Batch API does.",
    no_args_is_help=True,
)
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="As `batches list` names it.")]

_PATH = "/v1/batches"
_T = TypeVar("_T")
_COMPLETED = "completed"
_OVER = {_COMPLETED, "failed", "expired", "cancelled"}
#: Seconds between two looks at a batch that is waited for.
_LOOK_S = 1.0


class Counts(msgspec.Struct):
    """Rows."""

    total: int
    completed: int
    failed: int


class Wrong(msgspec.Struct):
    """What is wrong with an input file."""

    message: str
    line: int | None = None


class Wrongs(msgspec.Struct):
    """A list of it."""

    data: list[Wrong]


class Batch(msgspec.Struct):
    """A batch, as far as people want to know it."""

    id: str
    endpoint: str
    status: str
    created_at: int
    expires_at: int
    request_counts: Counts
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: Wrongs | None = None


class Batches(msgspec.Struct):
    """A page of them."""

    data: list[Batch]


class First(msgspec.Struct):
    """A line of an input file, as far as it says where all of them go."""

    url: str = ""


class Uploaded(msgspec.Struct):
    """A file."""

    id: str


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Lines of OpenAI's Batch API.")],
    *,
    window: Annotated[str, typer.Option(help="The time that it has, such as `24h`.")] = "24h",
    wait: Annotated[
        bool, typer.Option("--wait", help="Until it has ended; exit code 1 where not completed.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Upload a file and have its requests answered."""
    settings = load(config)
    endpoint = _endpoint(file)
    path = "/v1/files"
    sent = asyncio.run(remote.upload(settings, _address(settings), path, Uploaded, "batch", file))
    wish: dict[str, Json] = {
        "input_file_id": sent.id,
        "endpoint": endpoint,
        "completion_window": window,
    }
    batch = _call(settings, _PATH, Batch, wish)
    if wait:
        typer.echo(batch.id, err=True)  # whoever stops waiting can go on with it
    while wait and batch.status not in _OVER:
        time.sleep(_LOOK_S)
        batch = _call(settings, f"{_PATH}/{batch.id}", Batch)
    _say(batch, as_json=as_json)
    if wait and batch.status != _COMPLETED:
        raise typer.Exit(1)


@app.command("list")
def list_all(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the newest batches."""
    found = _call(load(config), f"{_PATH}?limit=100", Batches)
    if as_json:
        print_json(found)
    elif found.data:
        print_table(
            ("id", "status", "answered#", "failed#", "rows#", "endpoint", "until"),
            [_row(each) for each in found.data],
        )
    else:
        typer.echo("There is no batch. `pointsman batches submit FILE` begins one.")


@app.command()
def show(batch_id: IdArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Say how far a batch has come."""
    _say(_call(load(config), f"{_PATH}/{batch_id}", Batch), as_json=as_json)


@app.command()
def cancel(batch_id: IdArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Ask no more of its requests; those that were answered are in its output."""
    _say(_call(load(config), f"{_PATH}/{batch_id}/cancel", Batch, {}), as_json=as_json)


@app.command()
def output(
    batch_id: IdArgument,
    errors: Annotated[bool, typer.Option("--errors", help="What failed, instead.")] = False,
    config: ConfigOption = None,
) -> None:
    """Print what came of a batch that has ended, a line for each row."""
    settings = load(config)
    batch = _call(settings, f"{_PATH}/{batch_id}", Batch)
    file = batch.error_file_id if errors else batch.output_file_id
    if batch.status not in _OVER:
        raise ConfigError(f"{batch.id} has not ended: it is {batch.status}")
    if file is not None:
        path = f"/v1/files/{file}/content"
        remote.download(settings, _address(settings), path, sys.stdout.buffer)


def _address(settings: Settings) -> str:
    address = running_at(settings)
    if address is None:
        raise ConfigError("no gateway runs here; `pointsman serve` starts one")
    return address


def _call(settings: Settings, path: str, kind: type[_T], body: dict[str, Json] | None = None) -> _T:
    return asyncio.run(remote.call(settings, _address(settings), path, kind, body))


def _endpoint(file: Path) -> str:
    """The one that the first line names; the gateway checks the others."""
    try:
        with file.open("rb") as lines:
            said = (line.removeprefix(codecs.BOM_UTF8) for line in lines)
            first = next((line for line in said if line.strip()), b"")
            url = msgspec.json.decode(first, type=First).url
    except OSError as error:
        raise ConfigError(f"{file} can't be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        url = ""
    if url not in ENDPOINTS:
        known = ", ".join(ENDPOINTS)
        raise ConfigError(f"the first line of {file} has no `url` that is one of {known}")
    return url


def _say(batch: Batch, *, as_json: bool) -> None:
    if as_json:
        print_json(batch)
        return
    counts = batch.request_counts
    typer.echo(
        f"{batch.id} is {batch.status}: {counts.completed} of {counts.total} rows answered,"
        f" {counts.failed} failed"
    )
    for wrong in batch.errors.data if batch.errors else ():
        where = "" if wrong.line is None else f"line {wrong.line}: "
        typer.echo(f"  {where}{wrong.message}")


def _row(batch: Batch) -> tuple[str, ...]:
    counts = batch.request_counts
    until = datetime.fromtimestamp(batch.expires_at, UTC)
    return (
        batch.id,
        batch.status,
        str(counts.completed),
        str(counts.failed),
        str(counts.total),
        batch.endpoint,
        f"{until:%Y-%m-%d %H:%M}Z",
    )
