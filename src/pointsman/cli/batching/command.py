"""The command: what is asked, what is there already, what it came to."""

from __future__ import annotations

import asyncio
import csv
import io
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from pointsman.cli import remote
from pointsman.cli.batching.asking import Gateway
from pointsman.cli.batching.figures import Meter, Summary, TierFigures, by_tier
from pointsman.cli.batching.pace import Pace
from pointsman.cli.batching.results import Result, Results, replace
from pointsman.cli.batching.rows import Row, Rows
from pointsman.cli.batching.run import Run
from pointsman.cli.chat.reach import reach
from pointsman.cli.options import ConfigOption, JsonOption, ModelOption
from pointsman.cli.output import dollars, print_json, print_table
from pointsman.cli.progress import Display, duration
from pointsman.clock import SystemClock
from pointsman.config import Settings, load
from pointsman.errors import ConfigError, PointsmanError
from pointsman.proof.rows import BadRow
from pointsman.providers.http import HttpClient

#: Bad rows that are named.
_NAMED = 10
_INTERRUPTED = "interrupted"
#: Of a result, in a CSV file behind the input's own columns.
_COLUMNS = (
    *("response", "error", "deployment", "tier", "served_tier", "score", "cache"),
    *("input_tokens", "output_tokens", "cost", "saved", "latency_ms", "request_id"),
)


def batch(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="JSON lines, plain or gzip, with `prompt`, `messages` or `body`; or .csv.",
        ),
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where answers go; else beside it, .results.jsonl."),
    ] = None,
    model: ModelOption = "auto",
    column: Annotated[
        str, typer.Option(help="The column of a .csv that holds prompts.")
    ] = "prompt",
    concurrency: Annotated[int, typer.Option(min=1, max=1000, help="Rows at a time.")] = 4,
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="At most so many rows a minute.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer every row of a file; started again after whatever ended it, it goes on.

    Through the running gateway, or in this process where none runs. Ctrl-C waits for the rows that
    are on their way. Exit code 1 where a row has no answer.
    """
    settings, began = load(config), time.monotonic()
    path = output or _beside(file)
    if path.resolve() == file.resolve():
        said = "name another file than the one with the rows"
        raise typer.BadParameter(said, param_hint="--output")
    rows, results = Rows(file, model, column), Results.open(path)
    try:
        count, stopped = _answer(
            settings, rows, results, rate=rate, at_once=concurrency, silent=as_json
        )
        summary = _summed(settings, results, count, time.monotonic() - began, stopped)
    finally:
        results.close()
    print_json(summary) if as_json else _print(summary)
    if stopped == _INTERRUPTED:
        raise typer.Exit(130)
    if stopped is not None or summary.failed:
        raise typer.Exit(1)


def _answer(
    settings: Settings,
    rows: Rows,
    results: Results,
    *,
    rate: float | None,
    at_once: int,
    silent: bool,
) -> tuple[int, str | None]:
    """How many rows there are, and why not all were asked; None where they were."""
    count, done = _checked(rows, results), results.answered
    if len(done) < count:
        left = (row for row in rows.good() if row.number not in done)
        run = _run(settings, results, left, count, rate=rate, at_once=at_once, silent=silent)
        stopped = asyncio.run(run)
        if stopped is not None:
            return count, stopped
    results.put_in_order()
    if rows.is_csv:
        pairs = zip(rows.good(), results, strict=True)
        replace(results.path.with_suffix(".csv"), _as_csv(pairs))
    return count, None


def _beside(file: Path) -> Path:
    """`rows.results.jsonl` for `rows.jsonl`, `rows.csv` and `rows.jsonl.gz`."""
    name = file.name.removesuffix(".gz")
    return file.with_name(f"{Path(name).stem}.results.jsonl")


def _checked(rows: Rows, results: Results) -> int:
    """How many rows there are, all of which can be asked, and are those that were asked before.

    Raises PointsmanError: nothing is asked before all is well.
    """
    known, bad, count = results.digests, 0, 0
    for row in rows:
        count += 1
        if isinstance(row, BadRow):
            bad += 1
            if bad <= _NAMED:
                typer.echo(f"pointsman: {row}", err=True)
        elif known.get(row.number, row.digest) != row.digest:
            raise ConfigError(
                f"row {row.number} of {rows.file} has changed since {results.path} was begun; "
                "name another file with --output"
            )
    if bad:
        raise PointsmanError(f"{bad} of {count} rows can't be asked; nothing was asked")
    if not count:
        raise PointsmanError(f"{rows.file} holds no rows")
    if max(known, default=0) > count:
        raise ConfigError(
            f"{results.path} has answers to more rows than {rows.file} holds; "
            "name another file with --output"
        )
    return count


async def _run(
    settings: Settings,
    results: Results,
    left: Iterator[Row],
    count: int,
    *,
    rate: float | None,
    at_once: int,
    silent: bool,
) -> str | None:
    """Why it ended early; None where every row was asked."""
    http = HttpClient()
    async with reach(settings) as gateway:
        try:
            asker = Gateway(http, gateway.address, remote.credentials(settings))
            with Display("rows", silent=silent) as display:
                meter = Meter(count, len(results.answered), display)
                run = Run(asker, results, Pace(SystemClock(), rate), meter)
                _listen_for_interrupt(run)
                await run.ask_all(left, at_once)
        finally:
            await http.close()
    return run.stopped


def _listen_for_interrupt(run: Run) -> None:
    """The first Ctrl-C lets those on their way arrive; the second is as everywhere."""
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        typer.echo("waiting for the rows on their way; Ctrl-C again ends it now", err=True)
        run.stop(_INTERRUPTED)

    with suppress(NotImplementedError):  # Windows
        loop.add_signal_handler(signal.SIGINT, interrupt)


def _as_csv(pairs: Iterator[tuple[Row, Result]]) -> Iterator[bytes]:
    text = io.StringIO(newline="")
    table = csv.writer(text)
    for row, result in pairs:
        if row.number == 1:
            table.writerow([*row.cells, *(_free(name, row.cells) for name in _COLUMNS)])
        fields = msgspec.structs.asdict(result)
        table.writerow([*row.cells.values(), *(fields[name] for name in _COLUMNS)])
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def _free(name: str, taken: Mapping[str, str]) -> str:
    """The name of a column, where the input does not have it."""
    return f"pointsman_{name}" if name in taken else name


def _summed(
    settings: Settings, results: Results, count: int, seconds: float, stopped: str | None
) -> Summary:
    tiers, total = by_tier(results, settings.routing.tiers)
    return Summary(
        rows=count,
        answered=len(results.answered),
        failed=len(results.digests) - len(results.answered),
        tiers=tiers,
        total=total,
        results=str(results.path),
        seconds=round(seconds, 3),
        stopped=stopped,
    )


def _print(summary: Summary) -> None:
    shown = [*summary.tiers, summary.total] if len(summary.tiers) > 1 else summary.tiers
    columns = ("tier", "rows #", "cached #", "tokens in #", "tokens out #", "cost $", "saved $")
    print_table(columns, [_line(each) for each in shown])
    typer.echo(
        f"{summary.answered:,} of {summary.rows:,} rows answered, {summary.failed:,} failed, "
        f"in {duration(summary.seconds)}: {summary.results}"
    )
    if summary.total.unpriced:
        typer.echo(f"The price of {summary.total.unpriced:,} rows is unknown: they are in no sum.")
    if summary.stopped is not None:
        typer.echo(f"pointsman: {summary.stopped}; the same command goes on from here", err=True)
    elif summary.failed:
        typer.echo("The same command asks those again that failed.")


def _line(each: TierFigures) -> tuple[str, ...]:
    return (
        each.tier,
        f"{each.rows:,}",
        f"{each.cached:,}",
        f"{each.input_tokens:,}",
        f"{each.output_tokens:,}",
        dollars(each.cost),
        dollars(each.saved),
    )
