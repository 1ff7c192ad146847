"""A child process that serves for as long as its standard input is open."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from signal import strsignal
from typing import Self

import msgspec

LOG_BYTES = 16 * 1024
_ERROR = " E "  # llama.cpp marks its lines with a level


class ChildFailed(Exception):
    """The child did not come up; the message is one sentence with its last words."""


class _Report(msgspec.Struct):
    """The child's one line: where it serves, or why it does not."""

    base_url: str = ""
    error: str = ""


class ChildProcess:
    """Starts a command, hands it its settings, and sees to its end.

    The settings are a line on its standard input, which stays open: when this process dies, in
    whatever way, the child reads the end of it and goes too. Of what it writes to standard error
    the last 16 KiB are kept.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Use `start`."""
        self._process = process
        self._log = b""
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, command: Sequence[str], settings: bytes) -> Self:
        """Start `command`; `settings` is one line without its end. Raises ChildFailed."""
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        )
        try:
            process = await asyncio.shield(starting)
        except OSError as error:
            raise ChildFailed(f"it can't be started: {error}") from error
        except asyncio.CancelledError:  # half a start would leave a zombie: finish it, then end it
            with contextlib.suppress(OSError):
                await cls(await starting).end(grace_s=0)
            raise
        if process.stdin is not None:
            process.stdin.write(settings + b"\n")
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def log(self) -> str:
        """The end of what it wrote to standard error."""
        return self._log.decode(errors="replace")

    async def base_url(self, limit_s: float) -> str:
        """Where it serves, as soon as it says so. Raises ChildFailed."""
        try:
            async with asyncio.timeout(limit_s):
                line = await self._process.stdout.readline() if self._process.stdout else b""
                report = msgspec.json.decode(line or b"{}", type=_Report)
        except TimeoutError as error:
            raise ChildFailed(f"it was not ready within {limit_s:g} s") from error
        except (ValueError, msgspec.DecodeError) as error:
            raise ChildFailed(f"it said something else than where it serves: {error}") from error
        if report.base_url:
            return report.base_url
        await self.end(grace_s=1.0)
        raise ChildFailed(f"{report.error or self._end()}{self._complaint()}")

    async def wait(self) -> int:
        """Its exit status, when it has ended; minus the signal's number where one killed it."""
        return await self._process.wait()

    async def end(self, grace_s: float) -> None:
        """Close its standard input, kill it after `grace_s`, and wait until it is gone. Idempotent."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(grace_s):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await self._listening

    def _end(self) -> str:
        """How: an illegal instruction, say, tells of a processor that the code is not for."""
        status = self._process.returncode or 0
        return f"it ended with status {status}" if status >= 0 else f"it died: {strsignal(-status)}"

    def _complaint(self) -> str:
        """The first error it logged, for what follows is mostly consequence; or the last line."""
        lines = self.log.splitlines()
        errors = [line.partition(_ERROR)[2] for line in lines if _ERROR in line]
        said = errors[:1] or lines[-1:]
        return f" ({said[0].strip()})" if said else ""

    async def _listen(self) -> None:
        while self._process.stderr is not None:
            chunk = await self._process.stderr.read(LOG_BYTES)
            if not chunk:
                return
            self._log = (self._log + chunk)[-LOG_BYTES:]
