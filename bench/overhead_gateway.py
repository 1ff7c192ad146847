"""The gateway that `overhead.py` measures: `pointsman serve`, to be started again and again."""

import http.client
import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from _processes import environment, free_port, launch
from http_stack import Measured
from overhead_formats import PATHS, asked
from overhead_report import Samples

KEY = "bench-key"
DEPLOYMENT = """
[models.{tier}-one]
provider = "{provider}"
base_url = "http://127.0.0.1:{port}/v1"
model = "{tier}"
tier = "{tier}"
location = "cloud"
priced_as = "claude-haiku-5-5"
{more}
"""


def deployment(tier: str, port: int, provider: str = "openai-compatible", more: str = "") -> str:
    """Return the configuration of a priced deployment at the upstream on that port."""
    return DEPLOYMENT.format(tier=tier, port=port, provider=provider, more=more)


def note(samples: Samples, name: str, value: float) -> None:
    """Keep one round's value."""
    samples.setdefault(name, []).append(value)


#: Limits and budgets that are looked at for every request, and never met.
GENEROUS = """
[limits.key]
requests_per_minute = 100000000
tokens_per_minute = 1000000000
concurrent = 10000
[limits.organisation]
requests_per_minute = 100000000
tokens_per_minute = 1000000000
concurrent = 10000
[budgets.key]
per_day = "100000"
per_month = "1000000"
[budgets.organisation]
per_day = "100000"
per_month = "1000000"
"""


def answer(port: int, method: str, path: str, body: bytes | None = None) -> bytes:
    """Make one request outside the load and return the body of its 200, or of its 201."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    connection.request(method, path, body, headers)
    with connection.getresponse() as reply:
        found = reply.read()
    connection.close()
    if reply.status not in {http.HTTPStatus.OK, http.HTTPStatus.CREATED}:
        raise SystemExit(f"{path} answered {reply.status}: {found[:500]!r}")
    return found


@dataclass
class Gateway:
    """`pointsman serve` over a folder of its own."""

    home: Path
    settings: str
    #: Requests it has answered.
    asked: int = 0
    #: What its callers show: the static key, until it has made another.
    key: str = KEY

    @property
    def config(self) -> Path:
        """The configuration file, written on first use."""
        file = self.home / "pointsman.toml"
        if not file.exists():
            self.home.mkdir(parents=True)
            file.write_text(self.settings)
        return file

    def start(self, stack: ExitStack, client: str = "chat") -> Measured:
        """Start it; its samples say how long the first answer took, in wall and CPU seconds."""
        port, began = free_port(), time.monotonic()
        said = f"-m pointsman serve --config {self.config} --port {port} --log off"
        kept = environment()
        told = {"POINTSMAN_HOME": str(self.home), "POINTSMAN_API_KEY": KEY}
        gateway = Measured(
            **vars(launch(stack, "gateway", port, said.split(), kept | told, poll_s=0.01))
        )
        answer(port, "POST", PATHS[client], asked(client, "auto", "Hello!"))
        note(gateway.samples, "start_s", time.monotonic() - began)
        note(gateway.samples, "start_cpu_s", gateway.cpu_ms() / 1e3)
        self.asked += 1
        return gateway

    def make_key(self, gateway: Measured) -> None:
        """Let callers show a key of their own from now on, which is in the books."""
        body = json.dumps({"name": "bench", "role": "user"}).encode()
        self.key = json.loads(answer(gateway.port, "POST", "/v1/keys", body))["key"]

    def audit(self, gateway: Measured) -> None:
        """Stop where the books do not hold every request of this run as completed."""
        books = json.loads(answer(gateway.port, "GET", "/v1/report"))["by_outcome"]
        found = {line["name"]: line["requests"] for line in books}
        if found != {"completed": self.asked}:
            raise SystemExit(f"the books hold {found}, but {self.asked} requests were made")
