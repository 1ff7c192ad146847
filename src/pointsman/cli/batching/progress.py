"""How a batch goes, for whoever watches: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

import typer

from pointsman.cli.batching.figures import Meter
from pointsman.cli.batching.results import Result

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

#: Seconds between two lines where there is no terminal.
_EVERY_S = 30.0


class Display:
    """Shows a meter on standard error, as long as it is entered."""

    def __init__(self, meter: Meter) -> None:
        """Shows nothing yet."""
        self._meter = meter
        self._began = self._said = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        from rich.console import Console  # noqa: PLC0415 - dear to import
        from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

        console = Console(stderr=True)
        if console.is_terminal:
            columns = (BarColumn(), TextColumn("{task.description}", markup=False))
            self._bar = Progress(*columns, console=console, transient=True)
            self._task = self._bar.add_task(
                self._meter.said(0.0), total=self._meter.total, completed=self._meter.done
            )
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def add(self, each: Result) -> None:
        """A row of this run is answered, or has failed."""
        self._meter.add(each)
        now = time.monotonic()
        said = self._meter.said(now - self._began)
        if self._bar is not None and self._task is not None:
            gone = self._meter.done + self._meter.failed
            self._bar.update(self._task, completed=gone, description=said)
        elif now - self._said >= _EVERY_S:
            self._said = now
            typer.echo(said, err=True)
