"""A real Prometheus reads a real gateway, with a key, and can answer all that the dashboard asks."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import yaml
from tests.deploy.test_dashboards_and_alerts import PROMETHEUS, dashboard_expressions
from tests.support.gateway import Gateway, eventually

CONFIG = """
[models.small]
provider = "scripted"
model = "small-model"
"""
KEY = "the-key-that-prometheus-has-in-a-file"
QUESTION = {"model": "small", "messages": [{"role": "user", "content": "What is Python?"}]}

pytestmark = pytest.mark.full


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with Gateway(tmp_path / "gateway", CONFIG, api_key=KEY) as started:
        yield started


@pytest.fixture
def prometheus(tmp_path: Path, gateway: Gateway) -> Iterator[str]:
    """Where one listens that has the shipped configuration, for this gateway."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not here: apt install prometheus")
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (job,) = config["scrape_configs"]
    job["static_configs"] = [{"targets": [gateway.address.removeprefix("http://")]}]
    job["authorization"] = {"credentials_file": str(tmp_path / "key")}
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copy(PROMETHEUS / "alerts.yml", tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
               f"--web.listen-address={address}", "--log.level=error"]  # fmt: skip
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as running:
        yield f"http://{address}"
        running.terminate()


def asked(prometheus: str, expression: str) -> list[dict[str, object]]:
    """What it answers; nothing as long as it has not started."""
    try:
        got = httpx2.get(f"{prometheus}/api/v1/query", params={"query": expression})
    except httpx2.ConnectError:
        return []
    if got.status_code == 503:
        return []
    assert got.status_code == 200, got.text
    return got.json()["data"]["result"]


def value(prometheus: str, expression: str) -> float:
    found = asked(prometheus, expression)
    return float(found[0]["value"][1]) if found else 0.0


def test_it_reads_the_gateway_and_answers_the_dashboard(gateway: Gateway, prometheus: str) -> None:
    def busy() -> bool:
        assert gateway.chat(QUESTION).status == 200
        return value(prometheus, "sum(rate(pointsman_requests_total[1m]))") > 0

    eventually(lambda: value(prometheus, 'up{job="pointsman"}') == 1, "it is scraped")
    eventually(busy, "requests are counted")

    unanswered = []
    for expression in dashboard_expressions():
        ready = expression.replace("$instance", ".*")
        ready = ready.replace("$__rate_interval", "1m").replace("$__range", "1h")
        if not asked(prometheus, ready):
            unanswered.append(expression)
    quiet = ("retries", "fallbacks", "escalations", "refusals", "faults", "unpriced", "failed",
             "usd", "dropped")  # fmt: skip
    assert [each for each in unanswered if not any(word in each for word in quiet)] == []
    assert value(prometheus, 'sum(ALERTS{alertstate="firing"})') == 0
