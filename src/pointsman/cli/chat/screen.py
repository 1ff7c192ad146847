"""How answers are shown: as Markdown while they come in a terminal, as they are anywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from pointsman.cli.chat.client import Piece
from pointsman.cli.chat.drawing import Coming, Tail, markdown
from pointsman.cli.chat.words import harmless

if TYPE_CHECKING:
    from rich.console import Console

#: Times a second that an answer is drawn while it comes.
_DRAWN_PER_S = 12


class Writer(Protocol):
    """Shows a little more of an answer."""

    def __call__(self, piece: Piece, /) -> None:
        """What was thought is only a sign of life."""


class Screen(Protocol):
    """Where the chat writes."""

    def say(self, *lines: str) -> None:
        """Write lines about the conversation."""

    def answer(self) -> AbstractContextManager[Writer]:
        """Show an answer while it comes."""

    def status(self, line: str) -> None:
        """Write the line below an answer."""

    def complain(self, line: str) -> None:
        """Write what went wrong."""


def screen() -> Screen:
    """The one that fits standard output."""
    return Terminal() if is_terminal(sys.stdout) else Plain(sys.stdout)


def is_terminal(stream: TextIO) -> bool:
    """Somebody looks at it who sees more than plain text."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class Plain:
    """Words as they come, for pipes and files; what is about them goes to standard error."""

    def __init__(self, out: TextIO) -> None:
        """Answers are written to `out`."""
        self._out = out

    def say(self, *lines: str) -> None:
        """Write lines."""
        self._put("".join(f"{line}\n" for line in lines))

    @contextmanager
    def answer(self) -> Iterator[Writer]:
        """Write each piece at once, and end the line."""
        last = "\n"

        def write(piece: Piece) -> None:
            nonlocal last
            if not piece.thought:
                self._put(piece.text)
                last = piece.text

        try:
            yield write
        finally:
            if not last.endswith("\n"):
                self._put("\n")

    def status(self, line: str) -> None:
        """Write it in brackets."""
        self.complain(f"[{line}]")

    def complain(self, line: str) -> None:
        """Write it to standard error."""
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def _put(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


class Silent(Plain):
    """Shows no answer: somebody else writes it."""

    def __init__(self) -> None:
        """What is about an answer still goes to standard error."""
        super().__init__(sys.stderr)

    @contextmanager
    def answer(self) -> Iterator[Writer]:
        """Show nothing."""
        yield lambda _: None


class Terminal:
    """Markdown: what is complete is printed for good, the block that still comes is drawn anew."""

    def __init__(self) -> None:
        """On standard output; NO_COLOR is heeded."""
        from rich.console import Console  # noqa: PLC0415 - dear to import

        self._console: Console = Console(highlight=False, markup=False, emoji=False)

    def say(self, *lines: str) -> None:
        """Write lines as they are."""
        for line in lines:
            self._console.print(harmless(line))

    @contextmanager
    def answer(self) -> Iterator[Writer]:
        """Draw what comes; it stays as it was drawn last."""
        from rich.live import Live  # noqa: PLC0415 - dear to import

        coming = Coming()
        try:
            with Live(
                console=self._console,
                get_renderable=lambda: Tail(coming.drawn()),
                refresh_per_second=_DRAWN_PER_S,
                transient=True,
            ) as live:

                def write(piece: Piece) -> None:
                    for block in coming.add(piece):
                        live.console.print(markdown(block), "", sep="\n")

                yield write
        finally:
            if rest := coming.rest.strip():
                self._console.print(markdown(rest))

    def status(self, line: str) -> None:
        """Write it dim."""
        self._console.print(harmless(line), style="dim")

    def complain(self, line: str) -> None:
        """Write it red."""
        self._console.print(harmless(line), style="red")
