"""A batch whose gateway is killed again and again: every row once in the output, once in the books.

``python -m bench.batch [--rows 10000] [--kills 5] [--books sqlite|postgres] [--json FILE]``

An upstream in this process answers each request after `SERVICE_S` and counts how often it was asked
for each row. `pointsman serve` is a process of its own: one on SQLite, two on PostgreSQL (started
here), of which one is killed with SIGKILL each time that another part of the rows is answered, and
started again. What was being asked at a kill is asked again: no gateway can know what came of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from aiohttp import web
from tests.support.gateway import Gateway, eventually
from tests.support.postgres_books import new_database
from tests.support.servers import PostgresServer

SERVICE_S = 0.02
CONCURRENCY = 32
#: Seconds within which a batch must end after the last kill.
PATIENCE_S = 900.0
OK = 200
_BOUNDARY = "7f3d2c"
_KEY = "bench"  # of gateways that nobody else can reach


@dataclass(frozen=True)
class Counted:
    """What became of a batch."""

    status: str
    #: Lines of the output, and different rows in them.
    lines: int
    answered: int
    #: Entries in the books of this batch, different rows in them, and those that completed.
    entries: int
    entered: int
    completed: int


@dataclass(frozen=True)
class Measured(Counted):
    """The same, with what was done to it."""

    books: str
    rows: int
    kills: int
    seconds: float
    #: Rows for which the upstream was asked more than once.
    asked_again: int

    @property
    def exact(self) -> bool:
        """Every row once, everywhere."""
        counts = {self.lines, self.answered, self.entries, self.entered, self.completed}
        return counts == {self.rows} and self.status == "completed"


class Upstream:
    """Answers chat requests, and counts them by what was asked."""

    def __init__(self) -> None:
        """Start it on a thread of its own."""
        self.asked: Counter[str] = Counter()
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    def close(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        runner = self._loop.run_until_complete(self._serve())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())

    async def _serve(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._answer)
        app.router.add_get("/v1/models", self._models)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        return runner

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "m", "object": "model"}]})

    async def _answer(self, request: web.Request) -> web.Response:
        asked = (await request.json())["messages"][-1]["content"]
        self.asked[asked] += 1
        await asyncio.sleep(SERVICE_S)
        message = {"role": "assistant", "content": f"heard {asked}"}
        return web.json_response(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1,
                "model": "m",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8},
            }
        )


def config(port: int, url: str | None) -> str:
    """A pointsman.toml with the upstream behind it."""
    ledger = "" if url is None else f'[ledger]\nurl = "{url}"\n'
    return f"""
        {ledger}
        [models.m]
        provider = "openai"
        model = "m"
        base_url = "http://127.0.0.1:{port}/v1"
        api_key = "none"
        price = {{ input = 1.0, output = 2.0 }}
        [batch]
        concurrency = {CONCURRENCY}
    """


def requests(rows: int) -> bytes:
    """An input file."""
    said = (
        {
            "custom_id": f"row-{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "m", "messages": [{"role": "user", "content": f"row {number}"}]},
        }
        for number in range(rows)
    )
    return b"".join(json.dumps(each).encode() + b"\n" for each in said)


def submit(gateway: Gateway, content: bytes) -> str:
    """Upload a file and begin its batch; returns the id."""
    head = (
        f"--{_BOUNDARY}\r\ncontent-disposition: form-data; name=purpose\r\n\r\nbatch\r\n"
        f"--{_BOUNDARY}\r\ncontent-disposition: form-data; name=file; filename=in.jsonl\r\n\r\n"
    )
    form = head.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
    kind = f"multipart/form-data; boundary={_BOUNDARY}"
    file = gateway.send("POST", "/v1/files", form, {"content-type": kind})
    if file.status != OK:
        raise SystemExit(f"the file was refused: {file.body!r}")
    wish = {
        "input_file_id": file.json()["id"],
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    }
    batch = gateway.send("POST", "/v1/batches", json.dumps(wish).encode())
    if batch.status != OK:
        raise SystemExit(f"the batch was refused: {batch.body!r}")
    return batch.json()["id"]


def kill_in_turn(gateways: Sequence[Gateway], batch_id: str, rows: int, kills: int) -> None:
    """Kill one each time that another part of the rows is answered, and start it again."""
    for kill in range(kills):
        mark = rows * (kill + 1) // (kills + 1)
        victim, watched = gateways[kill % len(gateways)], gateways[(kill + 1) % len(gateways)]
        eventually(
            lambda w=watched, m=mark: answered(w, batch_id) >= m,
            f"{mark} rows are answered",
            within_s=PATIENCE_S,
        )
        victim.kill()
        victim.start()


def answered(gateway: Gateway, batch_id: str) -> int:
    """Rows that have an answer."""
    return shown(gateway, batch_id)["request_counts"]["completed"]


def shown(gateway: Gateway, batch_id: str) -> dict:
    """The batch, as soon as the gateway can say."""
    return json.loads(fetched(gateway, f"/v1/batches/{batch_id}"))


def fetched(gateway: Gateway, path: str) -> bytes:
    """What GET gives; a busy machine's database may be slow to answer."""
    answer = eventually(
        lambda: each if (each := gateway.get(path)).status == OK else None, f"GET {path} answers"
    )
    return answer.body


def measured(
    books: str, gateways: Sequence[Gateway], upstream: Upstream, *, rows: int, kills: int
) -> Measured:
    """Run one batch to its end, and count."""
    first = gateways[0]
    begun = time.monotonic()
    batch_id = submit(first, requests(rows))
    kill_in_turn(gateways, batch_id, rows, kills)
    counts = counted(first, batch_id)
    return Measured(
        **asdict(counts),
        books=books,
        rows=rows,
        kills=kills,
        seconds=round(time.monotonic() - begun, 1),
        asked_again=sum(times > 1 for times in upstream.asked.values()),
    )


def counted(gateway: Gateway, batch_id: str) -> Counted:
    """The batch when it has ended."""
    ends = {"completed", "failed", "expired", "cancelled"}
    batch = eventually(
        lambda: each if (each := shown(gateway, batch_id))["status"] in ends else None,
        "the batch ends",
        within_s=PATIENCE_S,
    )
    output = fetched(gateway, f"/v1/files/{batch['output_file_id']}/content").splitlines()
    entries = [each for each in gateway.records() if each["request_id"].startswith(batch_id)]
    return Counted(
        status=batch["status"],
        lines=len(output),
        answered=len({json.loads(line)["custom_id"] for line in output}),
        entries=len(entries),
        entered=len({each["request_id"].rsplit("_", 1)[0] for each in entries}),
        completed=sum(each["outcome"] == "completed" for each in entries),
    )


@contextmanager
def started(books: str, upstream: Upstream, folder: Path) -> Iterator[Sequence[Gateway]]:
    """One gateway on SQLite, two on PostgreSQL."""
    with ExitStack() as stack:
        url, count = None, 1
        if books == "postgres":
            server = PostgresServer()
            server.start()
            stack.callback(server.stop)
            url, count = asyncio.run(new_database(server)), 2
        text = config(upstream.port, url)
        homes = (folder / f"{books}-{number}" for number in range(count))
        yield [stack.enter_context(Gateway(home, text, api_key=_KEY)) for home in homes]


def run(books: str, *, rows: int, kills: int) -> Measured:
    """One batch on these books."""
    upstream = Upstream()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            started(books, upstream, Path(folder)) as gateways,
        ):
            return measured(books, gateways, upstream, rows=rows, kills=kills)
    finally:
        upstream.close()


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--books", choices=("sqlite", "postgres"), nargs="*")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = [
        run(each, rows=options.rows, kills=options.kills)
        for each in options.books or ("sqlite", "postgres")
    ]
    print(
        "books     rows   kills  seconds  status     output  books  completed  asked again  exact"
    )
    for each in found:
        print(
            f"{each.books:9}{each.rows:6}{each.kills:6}{each.seconds:10.1f}  {each.status:11}"
            f"{each.answered:6}{each.entered:7}{each.completed:11}{each.asked_again:13}"
            f"  {'yes' if each.exact else 'NO'}"
        )
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in found], indent=2) + "\n")


if __name__ == "__main__":
    main()
