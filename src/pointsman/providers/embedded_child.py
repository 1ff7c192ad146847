"""The embedded model's child process: llama.cpp's own server behind three lines of protocol.

Standard input brings one JSON line of `Settings`; standard output answers with one JSON line,
`{"base_url": ...}` when the weights are loaded or `{"error": ...}` when that can't be; the end
of standard input ends the process. Everything the native code prints goes to standard error.

Run by its path, not as a module, so that the rest of pointsman is never loaded: it imports the
standard library, and xllamacpp when the settings are there.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import xllamacpp

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # "<quota> <period>" in microseconds, or "max <period>"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the parent asks for."""

    weights: str
    model: str
    api_key: str
    #: In tokens, for each slot.
    context_length: int
    #: Requests served at once; more of them queue.
    slots: int
    #: Tokens of a reply whose request sets no limit.
    reply_limit: int = 1024
    #: None for one less than the cores there are.
    threads: int | None = None
    #: Added to the niceness: the gateway's event loop goes first.
    nice: int = 10
    #: Bound on the memory that keeps prompts of earlier requests, in MiB.
    prompt_cache_mib: int = 128


def usable_cores(quota: Path = CPU_QUOTA) -> int:
    """Cores this process may keep busy: its affinity, cut to the container's quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        allowed, period = quota.read_text().split()
    except (OSError, ValueError):  # not Linux, or no control group of version 2
        return cores
    return cores if allowed == "max" else max(1, min(cores, int(allowed) // int(period)))


def parameters(settings: Settings) -> xllamacpp.CommonParams:
    """llama.cpp's parameters; the measurements behind them are in decision 0003."""
    import xllamacpp  # noqa: PLC0415 - heavy, and not always installed

    params = xllamacpp.CommonParams()
    params.model.path = settings.weights
    params.model_alias = {settings.model}
    params.api_keys = [settings.api_key]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = settings.slots
    params.n_ctx = settings.slots * settings.context_length  # it is divided among the slots
    params.cpuparams.n_threads = settings.threads or max(1, usable_cores() - 1)
    params.cache_ram_mib = settings.prompt_cache_mib
    # What SmolLM2's card recommends, and a penalty without which it repeats itself for ever; at
    # llama.cpp's own settings so small a model rambles. A request's own values win.
    params.sampling.temp = 0.2
    params.sampling.top_p = 0.9
    params.sampling.penalty_repeat = 1.1
    params.n_predict = settings.reply_limit
    params.offline = True
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = 2  # warnings and errors; prompts are never in them
    return params


def die_with_parent() -> None:
    """Have Linux kill this process when its parent dies.

    The end of standard input says so too, everywhere; but it is read only once the weights are
    loaded, for the loading holds the interpreter.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(settings: Settings) -> xllamacpp.Server:
    """Load the weights and serve, in threads of the server's own, as long as it is referred to.

    Raises RuntimeError with one sentence for the parent.
    """
    if not Path(settings.weights).is_file():
        raise RuntimeError(f"there are no weights at {settings.weights}")
    try:
        import xllamacpp  # noqa: PLC0415 - its absence is an answer
    except ModuleNotFoundError as error:
        raise RuntimeError(
            "xllamacpp is not installed; run: pip install 'pointsman[local]'"
        ) from error
    except ImportError as error:  # a library of the system, such as libgomp
        raise RuntimeError(f"xllamacpp can't be loaded: {error}") from error
    return xllamacpp.Server(parameters(settings))


def main() -> NoReturn:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the gateway, which ends us
    die_with_parent()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read by OpenMP when it is loaded
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    settings = Settings(**json.loads(sys.stdin.buffer.readline()))
    os.nice(settings.nice)
    try:
        server = start(settings)
    except RuntimeError as error:
        report = {"error": str(error)}
    else:
        report = {"base_url": f"{server.listening_address}/v1"}
    with answer:
        answer.write(json.dumps(report) + "\n")
    if "base_url" in report:
        sys.stdin.buffer.read()
    os._exit(0)  # native threads are not waited for


if __name__ == "__main__":
    main()
