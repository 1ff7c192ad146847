"""How far long work is, for whoever watches: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import typer

from pointsman.cli.chat.screen import is_terminal
from pointsman.clock import SystemClock

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from pointsman.ports import Clock

_T = TypeVar("_T")
#: Seconds between two lines where there is no terminal.
EVERY_S = 30.0
#: Seconds between two looks on a terminal.
_DRAWN_S = 0.1
_MINUTE_S, _HOUR_S = 60.0, 3600.0
#: What has to be done before the time left can be told.
_ENOUGH = 3


class Display:
    """Shows on standard error how far work is, as long as it is entered: call it to tell.

    Work has phases by name, one after the other, each with a rate and a time left of its own.
    """

    def __init__(
        self,
        unit: str = "",
        *,
        per_s: bool = False,
        silent: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """`unit` is what is counted; its rate is one a minute, or `per_s` a second."""
        self._unit, self._per_s, self._silent = unit, per_s, silent
        self._clock = clock or SystemClock()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._phase: str | None = None
        #: When the phase began, and what had been done then.
        self._began, self._first = 0.0, 0.0
        self._told = self._clock.monotonic()

    def __enter__(self) -> Self:
        if self._silent or not is_terminal(sys.stderr):
            return self
        from rich.console import Console  # noqa: PLC0415 - dear to import
        from rich.progress import (  # noqa: PLC0415
            BarColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        columns = (
            BarColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
        )
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
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

    def __call__(self, phase: str, done: float, total: float | None, more: str = "") -> None:
        """So much of `total` is done; None where nobody knows how much there is.

        A phase without a name is not named. What was done at its first call is not in the rate.
        """
        if self._silent:
            return
        now = self._clock.monotonic()
        if is_new := phase != self._phase:
            self._phase, self._began, self._first = phase, now, done
        if self._bar is not None:
            if is_new or done == total or now - self._told >= _DRAWN_S:
                self._told = now
                line = self._line(now, done, total, more)
                self._draw(self._bar, line, done, total, at_once=is_new)
        elif now - self._told >= EVERY_S:
            self._told = now
            line = self._line(now, done, total, more)
            typer.echo(f"{line}, after {duration(now - self._began)}", err=True)

    def each(self, phase: str, items: Collection[_T]) -> Iterator[_T]:
        """The items, each told when its turn comes."""
        for done, item in enumerate(items):
            self(phase, done, len(items))
            yield item
        self(phase, len(items), len(items))

    def _draw(
        self, bar: Progress, line: str, done: float, total: float | None, *, at_once: bool
    ) -> None:
        if self._task is None:
            self._task = bar.add_task(line)
        bar.update(self._task, description=line, total=total, completed=done, refresh=at_once)

    def _line(self, now: float, done: float, total: float | None, more: str) -> str:
        said = [_amount(done, total, self._unit)]
        fresh, seconds = done - self._first, now - self._began
        if fresh > 0 and seconds > 0:
            rate = fresh / seconds
            said.append(
                f"{_short(rate)} a second"
                if self._per_s
                else f"{_short(rate * _MINUTE_S)} a minute"
            )
        if fresh >= _ENOUGH and total is not None:
            said.append(f"{duration((total - done) * seconds / fresh)} left")
        if more:
            said.append(more)
        return (f"{self._phase}: " if self._phase else "") + ", ".join(said)


#: Shows nothing.
SILENT = Display(silent=True)


def _amount(done: float, total: float | None, unit: str) -> str:
    amount = f"{done:,.0f}" if total is None else f"{done:,.0f} of {total:,.0f}"
    return f"{amount} {unit}".rstrip()


def _short(rate: float) -> str:
    return f"{rate:,.1f}" if rate < 10 else f"{rate:,.0f}"  # noqa: PLR2004 - two digits say enough


def duration(seconds: float) -> str:
    """For people: `40 s`, `12 min`, `3.5 h`."""
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.1f} h"
