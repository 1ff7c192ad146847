"""The official OpenAI client against a gateway with the embedded model: real weights, real text."""

from __future__ import annotations

import pytest
from tests.clients.openai_contract import DEPLOYMENT, KEY, MAX_BODY_BYTES, OpenAIContract
from tests.support.gateway import Gateway
from tests.support.upstreams import MODEL, model_weights

pytestmark = pytest.mark.full

CONFIG = """
[server]
max_body_bytes = {max_body_bytes}

[models.{deployment}]
provider = "embedded"
model = "{model}"
weights = "{weights}"
tier = "simple"
context_length = 2048
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory):
    config = CONFIG.format(
        max_body_bytes=MAX_BODY_BYTES, deployment=DEPLOYMENT, model=MODEL, weights=model_weights()
    )
    with Gateway(tmp_path_factory.mktemp("home"), config, api_key=KEY) as gateway:
        yield gateway
        assert "Traceback" not in gateway.log


class TestEmbedded(OpenAIContract):
    """The dialogue with a model that really answers."""
