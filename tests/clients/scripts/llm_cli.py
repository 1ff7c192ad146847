"""The command line `llm`, with Pointsman in its extra-openai-models.yaml."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MODELS = """
- model_id: pointsman
  model_name: auto
  api_base: {url}/v1
  api_key_name: pointsman
  supports_tools: true
  supports_schema: true
- model_id: nobody
  model_name: none
  api_base: {url}/v1
  api_key_name: pointsman
"""
LLM = Path(sys.executable).with_name("llm")


class Llm:
    """The command, with a home of its own."""

    def __init__(self, home: Path, url: str, key: str) -> None:
        """Write its list of models and its keys."""
        (home / "extra-openai-models.yaml").write_text(MODELS.format(url=url), encoding="utf-8")
        (home / "keys.json").write_text(json.dumps({"pointsman": key}), encoding="utf-8")
        self._environment = {**os.environ, "LLM_USER_PATH": str(home)}

    def __call__(self, *arguments: str, model: str = "pointsman") -> subprocess.CompletedProcess:
        """Run it and see what it says."""
        command = [LLM, "--model", model, *arguments]
        return subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False
        )

    def logged(self) -> dict[str, object]:
        """Its own record of the last answer."""
        done = subprocess.run(
            [LLM, "logs", "--json", "--count", "1"],
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)[0]


@pytest.fixture
def llm(tmp_path: Path, url: str, key: str) -> Llm:
    return Llm(tmp_path, url, key)


class TestAnyModel:
    @pytest.mark.parametrize("streaming", [(), ("--no-stream",)], ids=["streamed", "whole"])
    def test_a_prompt_is_answered_and_counted(self, llm: Llm, streaming: tuple[str, ...]):
        done = llm("What is the capital of France?", "--option", "max_tokens", "24", *streaming)

        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()
        logged = llm.logged()
        assert logged["input_tokens"] > 0
        assert logged["output_tokens"] > 0

    def test_a_conversation_goes_on(self, llm: Llm):
        llm("My name is Ada.", "--option", "max_tokens", "24")
        done = llm("What is my name?", "--continue", "--option", "max_tokens", "24")

        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()

    def test_an_unknown_model_is_told(self, llm: Llm):
        done = llm("Hi", model="nobody")

        assert done.returncode == 1
        assert "there is no model 'none'" in done.stderr


class TestScriptedModel:
    def test_a_tool_is_called_and_its_result_is_used(self, llm: Llm):
        weather = 'def get_weather(city: str) -> str:\n    return "21 degrees"'

        done = llm("What is the weather in Paris?", "--functions", weather)

        assert done.returncode == 0, done.stderr
        assert "The tool get_weather returned: 21 degrees" in done.stdout

    def test_a_schema_is_kept_to(self, llm: Llm):
        done = llm("Who?", "--schema", "name, age int")

        assert done.returncode == 0, done.stderr
        assert isinstance(json.loads(done.stdout)["age"], int)
