"""llm-comply, a third party's check of wire formats against their makers' own schemas."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.clients.python_clients import run
from tests.support.gateway import Gateway

pytestmark = pytest.mark.full

KEY = "the-key"
CONFIG = """
[models.small]
provider = "scripted"
model = "scripted-1"
tier = "simple"

[aliases]
"gpt-5" = "small"
"claude-opus-4-8" = "small"
"""
#: How each format is asked for. The names are such as llm-comply expects to reason: under any
#: other it would leave those tests out.
FORMATS = {
    "openai-chat": ("--model", "gpt-5", "--api-key", KEY),
    "open-responses": ("--model", "gpt-5", "--api-key", KEY),
    "anthropic": (
        *("--model", "claude-opus-4-8", "--api-key", KEY),
        *("--auth-header", "x-api-key", "--no-bearer", "--header", "anthropic-version:2023-06-01"),
    ),
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory):
    with Gateway(tmp_path_factory.mktemp("home"), CONFIG, api_key=KEY) as gateway:
        yield gateway
        assert "Traceback" not in gateway.log


@pytest.mark.parametrize("wire_format", FORMATS)
async def test_it_complies(wire_format: str, gateway: Gateway, tmp_path: Path):
    asked = ("--format", wire_format, "--base-url", gateway.base_url, *FORMATS[wire_format])

    ran = await run("sdks", "llm-comply", "--json", *asked, home=tmp_path)

    results = json.loads(ran.said)["results"]
    wanting = {each["id"]: each["errors"] for each in results if each["status"] != "passed"}
    assert not wanting, json.dumps(wanting, indent=2)
    assert len(results) >= 9
