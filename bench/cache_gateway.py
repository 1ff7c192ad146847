"""The gateway that `cache.py` measures: `pointsman serve`, or with a probe on its event loop.

``python bench/cache_gateway.py CONFIG PORT FILE`` is the latter. It sleeps a millisecond again and
again and notes how much later it was woken: that is what every request would feel. When it ends it
writes FILE: pairs of float64, the moment in monotonic seconds and how late that was in ms.
"""

import asyncio
import json
import random
import shutil
import signal
import sys
import time
from array import array
from contextlib import ExitStack
from pathlib import Path

import uvicorn
import uvloop

from _processes import environment, free_port, launch
from http_stack import Measured
from overhead_gateway import KEY, answer
from overhead_load import prompt
from pointsman.app import App
from pointsman.config import load
from pointsman.garbage import look_seldom, pass_over_what_is_here
from pointsman.server.protocol import BoundedProtocol
from pointsman.threads import share_memory

#: The deployments, by the name that requests ask for: with the semantic tier, and without it.
SIMILAR, PLAIN = "similar", "plain"
#: More than the bench puts in, so that nothing is evicted.
ROOM = 300_000
REPLY_TOKENS = 290
QUIET_MS = 25  # of CPU in half a second
_STEP_S = 0.001


def config(cache: str, reply: str) -> str:
    """The configuration: two deployments that answer alike, and the tables of `[cache]`."""
    models = "".join(
        f'[models.{name}]\nprovider = "scripted"\nmodel = "{name}"\ntier = "simple"\n'
        f"[[models.{name}.script]]\nreply = {json.dumps(reply)}\n"
        for name in (SIMILAR, PLAIN)
    )
    return f"{models}[cache]\nmax_replies = {ROOM}\nmax_mb = 4096\n{cache}"


class Gateway:
    """A gateway over a folder of its own, to be started again and again."""

    def __init__(self, home: Path, weights: Path, settings: str) -> None:
        """Make the folder, with the embedder's weights in it."""
        self.home = home
        (home / "models").mkdir(parents=True)
        (home / "models" / "minilm").symlink_to(weights, target_is_directory=True)
        (home / "pointsman.toml").write_text(settings)

    @property
    def cache_file(self) -> Path:
        """What the embedded store writes."""
        return self.home / "cache.db"

    def take_over(self, other: "Gateway") -> None:
        """Begin with what another one has cached."""
        shutil.copy(other.cache_file, self.cache_file)

    def start(self, stack: ExitStack, lags: Path | None = None) -> Measured:
        """Start it and wait until it has read what is cached; with `lags`, the probe writes there.

        Its samples say how long reading took, in seconds.
        """
        port = free_port()
        file = str(self.home / "pointsman.toml")
        command = [__file__, file, str(port), str(lags)]
        if lags is None:
            command = f"-m pointsman serve --config {file} --port {port} --log off".split()
        kept = environment()
        told = {"POINTSMAN_HOME": str(self.home), "POINTSMAN_API_KEY": KEY}
        began = time.monotonic()
        gateway = Measured(**vars(launch(stack, "gateway", port, command, kept | told)))
        answer(port, "GET", "/v1/models")
        _wait_until_quiet(gateway)
        gateway.samples["read_s"] = [time.monotonic() - began]
        return gateway


def reply_text() -> str:
    """What every deployment answers."""
    return prompt(REPLY_TOKENS, random.Random(3))  # noqa: S311


def _wait_until_quiet(gateway: Measured) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until:
        before = gateway.cpu_ms()
        time.sleep(0.5)
        if gateway.cpu_ms() - before < QUIET_MS:
            return
    raise SystemExit("the gateway does not come to rest")


async def _probe(lags: "array[float]") -> None:
    while True:
        due = time.monotonic() + _STEP_S
        await asyncio.sleep(_STEP_S)
        now = time.monotonic()
        lags.extend((now, (now - due) * 1e3))


async def _serve(file: Path, port: int, lags: "array[float]") -> None:
    """As `pointsman serve` does, memory and garbage included."""
    share_memory()
    look_seldom()
    app = App(load(file))
    try:
        await app.start(address=f"http://127.0.0.1:{port}")
        await app.learning.loaded()
        pass_over_what_is_here()
        server = uvicorn.Server(
            uvicorn.Config(
                app.asgi(),
                port=port,
                http=BoundedProtocol,
                ws="none",
                lifespan="off",
                log_level="warning",
                access_log=False,
                server_header=False,
                date_header=False,
            )
        )
        # uvicorn raises it again when all replies are out; the books are closed after that.
        signal.signal(signal.SIGTERM, lambda *_: None)
        probing = asyncio.create_task(_probe(lags))
        await server.serve()
        probing.cancel()
    finally:
        await app.close()


def main() -> None:
    """Serve until told to end, then write."""
    file, port, written = sys.argv[1:]
    lags = array("d")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(Path(file), int(port), lags))
    with Path(written).open("wb") as out:
        lags.tofile(out)


if __name__ == "__main__":
    main()
