"""Markdown that still comes, as something to be drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pointsman.cli.chat.client import Piece
from pointsman.cli.chat.words import harmless

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

#: Lines of the screen that stay free below what is drawn.
_FREE = 2


class Coming:
    """An answer that still comes: its last block, and whether anything came at all."""

    def __init__(self) -> None:
        """Nothing yet."""
        #: What is not given out as complete.
        self.rest = ""
        self._begun = False
        self._thinks = False

    def add(self, piece: Piece) -> Iterator[str]:
        """Take more; gives the blocks that are complete by it."""
        self._thinks = piece.thought
        if piece.thought:
            return
        self._begun = True
        self.rest += harmless(piece.text)
        if "\n" in piece.text:
            start = start_of_last_block(self.rest)
            complete, self.rest = self.rest[:start], self.rest[start:]
            if complete.strip():
                yield complete

    def drawn(self) -> RenderableType:
        """The block that still comes, or a sign of life."""
        if self.rest.strip():
            return markdown(self.rest)
        if self._thinks:
            return "thinking ..."
        return "" if self._begun else "..."


class Tail:
    """The last lines of something, as many as the screen has: more could not be drawn anew."""

    def __init__(self, whole: RenderableType) -> None:
        """`whole` may be longer than the screen."""
        self._whole = whole

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        from rich.segment import Segment  # noqa: PLC0415 - dear to import

        lines = console.render_lines(self._whole, options, pad=False)
        for line in lines[-max(1, console.height - _FREE) :]:
            yield from line
            yield Segment.line()


def markdown(text: str) -> RenderableType:
    """Markdown to be printed; addresses are shown, not hidden behind words."""
    from rich.markdown import Markdown  # noqa: PLC0415 - dear to import

    return Markdown(text, code_theme="ansi_dark", hyperlinks=False)


def start_of_last_block(text: str) -> int:
    """Where the last block of some Markdown begins: what is before it can't change any more."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - dear to import

    tokens = MarkdownIt().enable("table").parse(text)
    starts = [token.map[0] for token in tokens if token.level == 0 and token.map]
    return len("\n".join(text.split("\n")[: starts[-1]])) + 1 if starts and starts[-1] else 0
