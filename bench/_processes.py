"""Processes that a bench starts and weighs. Linux only: it reads /proc and others' CPU clocks."""

import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Running:
    """A started process tree that answers HTTP."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    def pids(self) -> list[int]:
        """Return this process and its descendants."""
        found = [self.process.pid]
        for pid in found:
            found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return found

    def cpu_ms(self) -> float:
        """User and system CPU of the tree since its start, all threads, in milliseconds."""
        return sum(time.clock_gettime_ns((~pid << 3) | 2) for pid in self.pids()) / 1e6

    def main_thread_ms(self) -> float:
        """CPU of the first process's main thread since its start, in milliseconds."""
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e6

    def resident_mb(self) -> float:
        """Resident memory of the tree in MiB; pages shared by two processes count twice."""
        pages = sum(int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in self.pids())
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def unique_kb(self) -> int:
        """Memory of the tree that would be free without it, in KiB."""
        total = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Private_"):
                    total += int(line.split()[1])
        return total


def environment() -> dict[str, str]:
    """This process's, without settings of Pointsman, for an interpreter that keeps compiled modules."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("POINTSMAN_") and name != "PYTHONDONTWRITEBYTECODE"
    }


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def launch(
    stack: ExitStack,
    name: str,
    port: int,
    arguments: Sequence[str],
    variables: Mapping[str, str],
    *,
    poll_s: float = 0.05,
) -> Running:
    """Start this interpreter with the arguments and wait until it listens; it ends with `stack`.

    `variables` are its environment.
    """
    process = subprocess.Popen(
        [sys.executable, *arguments], env=variables, stdout=subprocess.DEVNULL
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        time.sleep(poll_s)
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return Running(name, port, process)
    raise SystemExit(f"{name} did not start")


def import_ms(statement: str) -> float:
    """CPU milliseconds that a fresh interpreter spends on an import statement."""
    code = f"from time import process_time as t; t0 = t(); {statement}; print((t() - t0) * 1e3)"
    command, kept = [sys.executable, "-c", code], environment()
    subprocess.check_output(command, env=kept)  # compiles what is not compiled yet
    return float(subprocess.check_output(command, env=kept))


def spread(values: Sequence[float], digits: int) -> str:
    """Median (least-most)."""
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({least:.{digits}f}-{most:.{digits}f})"
