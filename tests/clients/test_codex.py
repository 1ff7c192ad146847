"""Codex, the real one, against a gateway process over a scripted model."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clients.agent import Agent, calling, saying

pytestmark = pytest.mark.full


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path)


def test_codex_completes_a_turn(agent: Agent):
    with agent.gateway(saying("Hello there.")) as gateway:
        assert agent.codex(gateway, "say hi") == "Hello there.\n"

        (record,) = gateway.records()
    assert record["outcome"] == "completed"


def test_codex_uses_a_tool(agent: Agent):
    looking = calling("exec_command", 'cmd = "cat note.txt"')
    with agent.gateway(looking, saying("It says heron.")) as gateway:
        assert agent.codex(gateway, "What does note.txt say?") == "It says heron.\n"

        outcomes = [record["outcome"] for record in gateway.records()]
    assert outcomes == ["completed", "completed"]
