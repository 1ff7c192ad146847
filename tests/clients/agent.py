"""Agents that run as programs of their own: Claude Code and Codex.

`scripts/prepare-node-clients` installs them. Each has a home of its own and knows no server but
the gateway.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.support.gateway import Gateway

KEY = "the-key"
NODE_MODULES = Path(__file__).parents[2] / "var/clients/node/node_modules"
CLAUDE = "@anthropic-ai/claude-code-*/claude"
CODEX = "@openai/codex-*/vendor/*/bin/codex"
PATIENCE_S = 90.0
NOTE = "The secret is heron.\n"

CONFIG = """
[models.small]
provider = "scripted"
model = "scripted-1"
tier = "simple"
{script}
"""
SAYING = """
[[models.small.script]]
reply = "{reply}"
"""
CALLING = """
[[models.small.script]]
tool_call = {{ name = "{name}", arguments = {{ {arguments} }} }}
"""
CODEX_CONFIG = """
model = "auto"
model_provider = "pointsman"

[model_providers.pointsman]
name = "Pointsman"
base_url = "{base_url}"
wire_api = "responses"
env_key = "POINTSMAN_KEY"
"""


class Agent:
    """An agent in a project folder, in which there is one note."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "agent-home"
        self.project = folder / "project"
        self.home.mkdir()
        self.project.mkdir()
        self.note = self.project / "note.txt"
        self.note.write_text(NOTE, encoding="utf-8")

    def gateway(self, *script: str) -> Gateway:
        """A gateway, not started yet, whose model does as the script says, request by request."""
        config = CONFIG.format(script="".join(script))
        return Gateway(self.folder / "gateway-home", config, api_key=KEY)

    def claude(self, gateway: Gateway, *words: str) -> str:
        """What `claude -p` prints."""
        return self._run(
            [binary(CLAUDE), "-p", *words],
            ANTHROPIC_BASE_URL=gateway.address,
            ANTHROPIC_AUTH_TOKEN=KEY,
            ANTHROPIC_MODEL="auto",
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        )

    def codex(self, gateway: Gateway, *words: str) -> str:
        """What `codex exec` prints."""
        config = self.home / ".codex/config.toml"
        config.parent.mkdir()
        config.write_text(CODEX_CONFIG.format(base_url=gateway.base_url), encoding="utf-8")
        command = [binary(CODEX), "exec", "--skip-git-repo-check", *words]
        return self._run(command, POINTSMAN_KEY=KEY)

    def _run(self, command: list[str | Path], **environment: str) -> str:
        ran = subprocess.run(
            command,
            cwd=self.project,
            env={"HOME": str(self.home), "PATH": os.defpath, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout


def binary(pattern: str) -> Path:
    """An installed agent's program; skips the test where there is none."""
    found = next(NODE_MODULES.glob(pattern), None)
    if found is None:
        pytest.skip("needs scripts/prepare-node-clients (`make test-full` runs it)")
    return found


def saying(reply: str) -> str:
    """A script's step: say this."""
    return SAYING.format(reply=reply)


def calling(name: str, arguments: str) -> str:
    """A script's step: call this tool, with these arguments (as TOML has them)."""
    return CALLING.format(name=name, arguments=arguments)
