"""Two real llama.cpp servers as two tiers; either dies, and the other takes its place."""

from __future__ import annotations

import pytest
from tests.support.gateway import Answer, Gateway
from tests.support.upstreams import LlamaServer

pytestmark = pytest.mark.full

CONFIG = """
[models.small]
provider = "llamacpp"
base_url = "{small}"
model = "small"
tier = "simple"

[models.large]
provider = "llamacpp"
base_url = "{large}"
model = "large"
tier = "complex"
"""
#: A prompt for each tier.
PROMPTS = {
    "simple": "What is the capital of France?",
    "complex": (
        "Design a fault-tolerant distributed database with Raft consensus, prove step by step "
        "that it is safe under network partitions, and compare the trade-offs with Paxos."
    ),
}
HOMES = {"simple": "small", "complex": "large"}


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory):
    logs = tmp_path_factory.mktemp("servers")
    with (
        LlamaServer("small", logs / "small.log") as small,
        LlamaServer("large", logs / "large.log") as large,
    ):
        yield {"small": small, "large": large}


@pytest.fixture
def gateway(servers: dict[str, LlamaServer], tmp_path_factory: pytest.TempPathFactory):
    urls = {name: server.base_url for name, server in servers.items()}
    with Gateway(tmp_path_factory.mktemp("home"), CONFIG.format(**urls)) as gateway:
        yield gateway
        assert "Traceback" not in gateway.log


def ask(gateway: Gateway, tier: str, *, stream: bool = False) -> Answer:
    """Send the tier's prompt; whoever answers must really have answered."""
    answer = gateway.chat(
        {
            "model": "auto",
            "messages": [{"role": "user", "content": PROMPTS[tier]}],
            "max_tokens": 6,
            "stream": stream,
        }
    )
    assert answer.status == 200, answer.body
    assert answer.headers["x-pointsman-tier"] == tier
    if stream:
        assert answer.body.endswith(b"data: [DONE]\n\n")
        assert b'"content":' in answer.body
    else:
        assert answer.json()["choices"][0]["message"]["content"]
    return answer


def assert_at_home(answer: Answer, tier: str) -> None:
    assert answer.headers["x-pointsman-model"] == HOMES[tier]
    assert answer.headers["x-pointsman-served-tier"] == tier
    assert answer.headers["x-pointsman-attempts"] == "1"


@pytest.mark.parametrize(("dying", "other"), [("simple", "complex"), ("complex", "simple")])
def test_when_a_server_dies_the_other_answers(
    gateway: Gateway, servers: dict[str, LlamaServer], dying: str, other: str
):
    dead, alive = HOMES[dying], HOMES[other]
    assert_at_home(ask(gateway, dying), dying)
    assert_at_home(ask(gateway, other), other)

    servers[dead].kill()

    for stream in (False, True):
        answer = ask(gateway, dying, stream=stream)
        assert answer.headers["x-pointsman-model"] == alive
        assert answer.headers["x-pointsman-served-tier"] == other
        assert answer.headers["x-pointsman-attempts"] == "2"
        reason = answer.headers["x-pointsman-reason"]
        assert f"-> {dying}" in reason
        assert f"{dead} failed (connection re" in reason  # refused, or reset
        assert f"fell back to {alive}" in reason

        record = gateway.record(answer.headers["x-request-id"])
        assert (record["tier"], record["served_tier"]) == (dying, other)
        assert record["reason"] == reason
        assert record["outcome"] == "completed"
        assert [(each["deployment"], each["outcome"]) for each in record["attempts"]] == [
            (dead, "failed"),
            (alive, "completed"),
        ]
        assert record["usage"]["input_tokens"] > 0
        assert 0 < record["usage"]["output_tokens"] <= 6
        assert record["usage"]["estimated"] is False
    assert_at_home(ask(gateway, other), other)

    servers[dead].start()

    assert_at_home(ask(gateway, dying), dying)


def test_when_both_are_dead_the_client_is_told_to_come_back(
    gateway: Gateway, servers: dict[str, LlamaServer]
):
    for server in servers.values():
        server.kill()

    answer = gateway.chat({"model": "auto", "messages": [{"role": "user", "content": "Hi"}]})

    assert answer.status == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert "small" in answer.json()["error"]["message"]
    record = gateway.record(answer.headers["x-request-id"])
    assert record["outcome"] == "failed"
    tried = record["attempts"]
    assert {each["deployment"] for each in tried} == set(servers)
    assert {each["outcome"] for each in tried} == {"failed"}
