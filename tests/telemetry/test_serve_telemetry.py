"""A gateway in a process of its own: its log, its metrics, and what all of its workers counted."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests.support import servers
from tests.support.gateway import Gateway, eventually
from tests.support.postgres_books import new_database
from tests.telemetry.test_gateway_metrics import parsed

CONFIG = """
[log]
format = "json"

[models.small]
provider = "scripted"
model = "small-model"

[models.away]
provider = "openai-compatible"
base_url = "http://127.0.0.1:9/v1"
model = "away-model"
location = "local"
api_key = "the-key-of-the-one-that-is-away"
"""
QUESTION = {"model": "small", "messages": [{"role": "user", "content": "What is Python?"}]}


def test_every_line_is_one_object(tmp_path: Path) -> None:
    with Gateway(tmp_path, CONFIG, log="json") as gateway:
        answer = gateway.chat(QUESTION)
        eventually(lambda: "req_" in gateway.printed, "the decision is printed")
        assert gateway.stop() in {0, -15}
        lines = [json.loads(line) for line in (gateway.printed + gateway.log).splitlines()]

    assert answer.status == 200
    assert any("Pointsman" in line.get("message", "") for line in lines)
    assert any("there is no API key yet" in line.get("message", "") for line in lines)
    assert all(line["level"] for line in lines if "logger" in line)


@pytest.mark.full
def test_a_gateway_shows_its_process_as_well(tmp_path: Path) -> None:
    with Gateway(tmp_path, CONFIG) as gateway:
        gateway.chat(QUESTION)
        text = gateway.get("/metrics").body.decode()
        gateway.stop()

    assert "process_resident_memory_bytes " in text
    assert 'pointsman_deployment_ready{deployment="away"} 0.0' in text
    assert parsed(text)["pointsman_http_requests_total{path=/v1/chat/completions,status=2xx}"] == 1


@pytest.mark.full
async def test_each_worker_answers_for_all_of_them(tmp_path: Path) -> None:
    url = await new_database(servers.postgres())
    answered = "pointsman_http_requests_total{path=/v1/chat/completions,status=2xx}"

    def shown(gateway: Gateway) -> dict[str, float]:
        return parsed(gateway.get("/metrics").body.decode())

    def drive() -> None:
        config = f'{CONFIG}\n[ledger]\nurl = "{url}"\n'
        with Gateway(tmp_path, config, workers=2) as gateway:
            eventually(lambda: len(gateway.children()) == 2, "both are there")
            for _ in range(20):
                assert gateway.chat(QUESTION).status == 200
            seen = [shown(gateway)[answered] for _ in range(10)]
            gateway.children()[0].kill()
            eventually(lambda: len(gateway.children()) == 2, "another takes its place")
            after = shown(gateway)

        assert seen == [20] * 10
        assert after[answered] == 20  # what the dead one counted is not lost
        assert after["pointsman_breaker_state{deployment=small}"] == 0

    await asyncio.to_thread(drive)
