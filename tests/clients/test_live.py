"""Real providers, where their keys are set: `make test-live`. Spends a fraction of a cent."""

import os
from pathlib import Path

import pytest

from pointsman.config import ModelSettings, Settings
from pointsman.router import Router

pytestmark = pytest.mark.live


@pytest.mark.skipif(not os.environ.get("OPENAI_API_KEY"), reason="OPENAI_API_KEY is not set")
async def test_openai_answers_and_is_priced(tmp_path: Path) -> None:
    model = os.environ.get("POINTSMAN_TEST_OPENAI_MODEL", "gpt-6-luna")
    settings = Settings(
        home=tmp_path, models={"luna": ModelSettings(provider="openai", model=model)}
    )

    async with Router.from_settings(settings) as router:
        done = await router.complete("Say hi.", parameters={"max_completion_tokens": 200})

    assert done.text
    assert done.usage.output_tokens > 0
    assert not done.usage.estimated
    assert done.cost is not None
    assert done.cost > 0
