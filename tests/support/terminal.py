"""A terminal as somebody sees it: a program behind a pseudoterminal, and what is on the screen."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import pexpect
import pyte
from tests.support.gateway import PATIENCE_S


class _Seen(pyte.HistoryScreen):
    """A screen that answers when it is asked where its cursor is."""

    def __init__(self, columns: int, lines: int, child: pexpect.spawn) -> None:
        super().__init__(columns, lines, history=10_000, ratio=0.5)
        self._child = child

    def write_process_input(self, data: str) -> None:
        self._child.send(data)


class Terminal:
    """Runs `pointsman` with some arguments until the end of the `with` block."""

    def __init__(
        self,
        *arguments: str,
        folder: Path,
        columns: int = 100,
        lines: int = 40,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """In `folder`, with its own home there."""
        ours = {k: v for k, v in os.environ.items() if not k.startswith("POINTSMAN_")}
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", "pointsman", *arguments],
            cwd=str(folder),
            env={
                **ours,
                "TERM": "xterm-256color",
                "POINTSMAN_HOME": str(folder / "home"),
                "POINTSMAN_DETECT": "false",
                **(environment or {}),
            },
            dimensions=(lines, columns),
            encoding="utf-8",
            echo=False,
        )
        self._seen = _Seen(columns, lines, self._child)
        self._stream = pyte.Stream(self._seen)
        #: Every byte that the program wrote.
        self.raw = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close(force=True)

    @property
    def text(self) -> str:
        """What was ever on the screen and is there to scroll back to, line by line."""
        above = [
            "".join(line[column].data for column in range(self._seen.columns))
            for line in self._seen.history.top
        ]
        return "\n".join(line.rstrip() for line in (*above, *self._seen.display)).rstrip()

    def until(self, pattern: str, *, after: int = 0) -> str:
        """Wait until the text behind position `after` shows `pattern`; returns what it matched."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := re.compile(pattern, re.MULTILINE).search(self.text, after)):
            goes_on = self._read() and time.monotonic() < deadline
            assert goes_on, f"no {pattern!r} in:\n{self.text}"
        return found[0]

    def type(self, keys: str) -> None:
        """Press keys; Enter is a carriage return."""
        self._child.send(keys)

    def ended(self) -> int:
        """Wait until the program has ended; its exit code."""
        deadline = time.monotonic() + PATIENCE_S
        while self._read():
            assert time.monotonic() < deadline, f"it goes on:\n{self.text}"
        self._child.close()
        return -1 if self._child.exitstatus is None else self._child.exitstatus

    def _read(self) -> bool:
        """Take in what comes within a moment; False at the end."""
        try:
            came = self._child.read_nonblocking(65_536, timeout=0.1)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += came
        self._stream.feed(came)
        return True
