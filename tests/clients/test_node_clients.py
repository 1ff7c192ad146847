"""openai-node, the AI SDK and Anthropic's Node client, against a gateway process.

`scripts/prepare-node-clients` installs them; the programs that speak are in `node/`.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.support.gateway import Gateway
from tests.support.upstreams import LlamaServer

pytestmark = pytest.mark.full

KEY = "the-key"
HERE = Path(__file__).parent
MODULES = HERE.parents[1] / "var/clients/node/node_modules"
PATIENCE_S = 90.0

LLAMA = """
[models.small]
provider = "openai-compatible"
base_url = "{base_url}"
model = "small"
tier = "simple"
"""
SCRIPTED = """
[models.small]
provider = "scripted"
model = "scripted-1"
tier = "simple"
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs, where they find the clients."""
    if shutil.which("node") is None or not MODULES.is_dir():
        pytest.skip("needs Node.js and scripts/prepare-node-clients (`make test-full` runs it)")
    folder = tmp_path_factory.mktemp("node")
    for program in (HERE / "node").glob("*.mjs"):
        shutil.copy(program, folder)
    (folder / "node_modules").symlink_to(MODULES, target_is_directory=True)
    return folder


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory):
    """A gateway in front of a llama.cpp server."""
    home = tmp_path_factory.mktemp("real")
    with LlamaServer("small", home / "llama.log") as llama:
        config = LLAMA.format(base_url=llama.base_url)
        with Gateway(home, config, api_key=KEY) as gateway:
            yield gateway
            assert "Traceback" not in gateway.log


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory):
    """A gateway whose model calls the tools that it is offered."""
    with Gateway(tmp_path_factory.mktemp("scripted"), SCRIPTED, api_key=KEY) as gateway:
        yield gateway
        assert "Traceback" not in gateway.log


def hold(programs: Path, name: str, gateway: Gateway) -> None:
    """Run a program against a gateway; every dialogue in it must hold."""
    run = subprocess.run(
        ["node", programs / f"{name}.mjs", gateway.address, KEY],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "held: " in run.stdout


def test_openai_node_chats_with_a_real_model(programs: Path, real: Gateway):
    hold(programs, "openai_chat", real)


@pytest.mark.parametrize("name", ["openai_chat", "openai_sdk", "ai_sdk", "anthropic_sdk"])
def test_the_dialogues_hold(programs: Path, scripted: Gateway, name: str):
    hold(programs, name, scripted)
