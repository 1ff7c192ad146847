"""Python's clients hold their dialogues with a gateway: `scripts/` has them, one file a client."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clients.python_clients import PATIENCE_S, run
from tests.support.gateway import Gateway
from tests.support.upstreams import LlamaServer

pytestmark = [pytest.mark.full, pytest.mark.timeout(PATIENCE_S + 60)]

KEY = "the-key"
SCRIPTS = Path(__file__).with_name("scripts")
#: The client's file, and the environment it runs in.
CLIENTS = {
    "anthropic_sdk": "sdks",
    "cached_replies": "sdks",
    "instructor_models": "instructor",
    "langchain_chat": "sdks",
    "llm_cli": "sdks",
    "ollama_sdk": "sdks",
    "openai_sdk": "sdks",
    "pydantic_ai_agents": "sdks",
}
#: Those whose dialogues any model can hold, if only it answers.
EASY = ["anthropic_sdk", "llm_cli", "ollama_sdk", "openai_sdk"]

SCRIPTED = """
[models.small]
provider = "scripted"
model = "scripted-1"
tier = "simple"

[models.embedder]
provider = "scripted"
model = "scripted-2"
tier = "simple"
tasks = ["embeddings"]
"""
REAL = """
[models.small]
provider = "llamacpp"
base_url = "{base_url}"
model = "small"
tier = "simple"
"""


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory):
    with Gateway(tmp_path_factory.mktemp("scripted"), SCRIPTED, api_key=KEY, cache=True) as gateway:
        yield gateway
        assert "Traceback" not in gateway.log


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("real")
    with LlamaServer("small", home / "llama.log") as server:
        config = REAL.format(base_url=server.base_url)
        with Gateway(home, config, api_key=KEY) as gateway:
            yield gateway
            assert "Traceback" not in gateway.log


@pytest.mark.parametrize("client", CLIENTS)
async def test_it_talks_to_a_scripted_model(client: str, scripted: Gateway, tmp_path: Path):
    await hold_dialogues(client, scripted, tmp_path)


@pytest.mark.parametrize("client", EASY)
async def test_it_talks_to_a_real_model(client: str, real: Gateway, tmp_path: Path):
    await hold_dialogues(client, real, tmp_path, "-k", "AnyModel")


async def hold_dialogues(client: str, gateway: Gateway, home: Path, *options: str) -> None:
    """All of the client's dialogues must go well."""
    script = SCRIPTS / f"{client}.py"
    pytest_of_its_own = ("python", "-B", "-m", "pytest", "-c", SCRIPTS / "pytest.ini", "-q", "-rs")
    more = {"GATEWAY_URL": gateway.address, "GATEWAY_KEY": KEY}

    ran = await run(CLIENTS[client], *pytest_of_its_own, script, *options, home=home, more=more)

    assert ran.code == 0, ran.said
    assert " skipped" not in ran.said
