"""The gateway of the benches of load, and the upstream behind it."""

from __future__ import annotations

import http.client
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench._processes import Running, environment, free_port, launch

KEY = "bench-key"
CONFIG = """
api_key = "{key}"
[models.one]
provider = "openai-compatible"
base_url = "http://127.0.0.1:{upstream}/v1"
model = "one"
location = "cloud"
priced_as = "claude-haiku-5-5"
"""


def start(
    stack: ExitStack, *, more: str = "", service_s: float = 0.0, gap_s: float = 1.0
) -> Running:
    """Start `pointsman serve` with its defaults in front of an upstream; both end with `stack`.

    `more` goes on where its configuration of the one deployment ends, and may name `{upstream}`, the
    port; `service_s` and `gap_s` are
    the upstream's.
    """
    home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    upstream, port = free_port(), free_port()
    serves = f"-m bench.load_upstream {upstream} --service {service_s} --gap {gap_s}"
    launch(stack, "upstream", upstream, serves.split(), environment())
    config = home / "pointsman.toml"
    config.write_text((CONFIG + more).format(key=KEY, upstream=upstream))
    said = f"-m pointsman serve --config {config} --port {port} --log off"
    told = environment() | {"POINTSMAN_HOME": str(home)}
    return launch(stack, "gateway", port, said.split(), told)


def make_key(gateway: Running, organisation: str) -> str:
    """A key of that organisation's."""
    wish = {"name": organisation, "organisation": organisation, "role": "user"}
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    connection.request("POST", "/v1/keys", json.dumps(wish), headers)
    with connection.getresponse() as reply:
        made = json.loads(reply.read())
    connection.close()
    return str(made["key"])
