"""The official OpenAI client against a gateway whose deployment is scripted."""

from __future__ import annotations

import pytest
from tests.clients.openai_contract import DEPLOYMENT, KEY, MAX_BODY_BYTES, OpenAIContract
from tests.support.gateway import Gateway

CONFIG = f"""
[server]
max_body_bytes = {MAX_BODY_BYTES}

[models.{DEPLOYMENT}]
provider = "scripted"
model = "scripted-1"
tier = "simple"
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory):
    with Gateway(tmp_path_factory.mktemp("home"), CONFIG, api_key=KEY) as gateway:
        yield gateway
        assert "Traceback" not in gateway.log


class TestScripted(OpenAIContract):
    """No model, the same dialogue."""
