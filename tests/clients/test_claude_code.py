"""Claude Code, the real one, against a gateway process over a scripted model."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clients.agent import Agent, calling, saying

pytestmark = pytest.mark.full


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path)


def test_claude_code_completes_a_turn(agent: Agent):
    with agent.gateway(saying("Hello there.")) as gateway:
        assert agent.claude(gateway, "say hi") == "Hello there.\n"

        (record,) = gateway.records()
    assert record["outcome"] == "completed"


def test_claude_code_uses_a_tool(agent: Agent):
    reading = calling("Read", f'file_path = "{agent.note}"')
    with agent.gateway(reading, saying("It says heron.")) as gateway:
        said = agent.claude(gateway, "What does note.txt say?", "--allowedTools", "Read")

        assert said == "It says heron.\n"
        outcomes = [record["outcome"] for record in gateway.records()]
    assert outcomes == ["completed", "completed"]
