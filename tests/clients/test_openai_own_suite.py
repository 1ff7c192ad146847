"""openai-python's own tests of its resources, with Pointsman where they expect OpenAI's mock."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.clients.python_clients import Ran, prepared, run
from tests.support.gateway import Gateway
from tests.support.upstreams import scripted_upstream

from pointsman.providers.scripted import ScriptedProvider

pytestmark = [pytest.mark.full, pytest.mark.asyncio(loop_scope="module")]

#: What the suite's clients send.
KEY = "My API Key"
#: The names that the suite asks for are deployments or aliases here.
CONFIG = """
[models.chat]
provider = "openai-compatible"
base_url = "{base_url}"
model = "scripted"
tier = "simple"

[models.small]
provider = "scripted"
model = "scripted-1"
tier = "simple"

[models.embedder]
provider = "scripted"
model = "scripted-2"
tier = "simple"
tasks = ["embeddings"]
# The suite validates strictly that embeddings are numbers, which they are not in the base64 that its
# own library asks for where nobody says; OpenAI's mock, for which it was written, never packs them.
drop_params = ["encoding_format"]

[aliases]
"gpt-6-astra" = "chat"
"gpt-3.5-turbo-instruct" = "small"
"text-embedding-3-small" = "embedder"
"""
#: Per file: its tests of what Pointsman offers, and how many they are. The others are of stored
#: completions, and of deleting models.
SUITE = {
    "chat/test_completions.py": ("create", 40),
    "test_completions.py": ("create", 40),
    "test_embeddings.py": ("create", 20),
    "test_models.py": ("retrieve or list", 35),
}


@pytest.fixture(scope="module")
def upstream() -> ScriptedProvider:
    return ScriptedProvider()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(
    upstream: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    async with scripted_upstream(upstream) as base_url:
        config = CONFIG.format(base_url=base_url)
        gateway = Gateway(tmp_path_factory.mktemp("home"), config, api_key=KEY)
        try:
            await asyncio.to_thread(gateway.start)
            yield gateway
            assert "Traceback" not in gateway.log
        finally:
            await asyncio.to_thread(gateway.kill)


@pytest.mark.parametrize("file", SUITE)
async def test_its_own_tests_pass(file: str, gateway: Gateway, tmp_path: Path):
    selection, count = SUITE[file]

    ran = await own_tests(gateway, tmp_path, file, selection)

    assert ran.code == 0, ran.said
    assert re.search(rf"\b{count} passed", ran.said), ran.said


async def test_every_parameter_of_a_chat_arrives(
    gateway: Gateway, upstream: ScriptedProvider, tmp_path: Path
):
    selection = "create_with_all_params_overload_1 and strict and not Async"
    ran = await own_tests(gateway, tmp_path, "chat/test_completions.py", selection)

    assert ran.code == 0, ran.said
    arrived = json.loads(upstream.log[-1].request)
    assert len(arrived) == 37
    assert arrived["logit_bias"] == {"foo": 0}
    assert arrived["seed"] == -9007199254740991
    assert arrived["stream_options"] == {"include_obfuscation": True, "include_usage": True}


async def own_tests(gateway: Gateway, home: Path, file: str, selection: str) -> Ran:
    """Run some of the suite's tests, as it configures them but in one process."""
    [source] = prepared("openai-src").glob("openai-*")
    pytest_of_its_own = ("python", "-B", "-m", "pytest", "-c", source / "pyproject.toml")
    options = (
        "--override-ini",
        "addopts=",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:logging",
        "-q",
        "--tb=line",
    )
    tests = (source / "tests" / "api_resources" / file, "-k", selection)
    more = {"TEST_API_BASE_URL": gateway.base_url}
    return await run("sdks", *pytest_of_its_own, *options, *tests, home=home, more=more)
