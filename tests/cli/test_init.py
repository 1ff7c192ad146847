"""`pointsman init`: what it finds, what it asks, and the file that it writes."""

from __future__ import annotations

import asyncio
import io
import json
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.providers import answers
from tests.support.serving import Answers, serving
from tests.support.upstreams import LlamaServer

from pointsman.config import ModelSettings, load
from pointsman.onboarding.pair import easy_ones
from pointsman.presets import presets

Run = Callable[..., tuple[int, str, str]]

NOWHERE = ("--server", "http://127.0.0.1:1")
OLLAMA_SAID = {
    "model": "qwen3:8b",
    "created_at": "2026-11-22T03:00:00Z",
    "message": {"role": "assistant", "content": "Paris."},
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 20,
    "eval_count": 3,
}
SAID = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gemma-3-270m-it-qat",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Paris."},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 20, "completion_tokens": 3, "total_tokens": 23},
}
OLLAMA = {**answers.OLLAMA, "/api/chat": OLLAMA_SAID}
LMSTUDIO = {**answers.LMSTUDIO, "/v1/chat/completions": SAID}

#: A server that does not take the key, and one that is not there.
REFUSING = """
model_list:
  - model_name: m
    litellm_params: {{model: openai/m, api_base: "{address}/v1"}}
  - model_name: gone
    litellm_params: {{model: openai/gone, api_base: "http://127.0.0.1:1/v1"}}
"""


@pytest.fixture
def init(command: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `pointsman init` with these answers typed, where no provider's key is set."""
    for preset in presets().values():
        for key in preset.keys:
            monkeypatch.delenv(key, raising=False)

    def run_one(*words: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        return command("init", *words)

    return run_one


def written(name: str = "pointsman.toml") -> dict[str, object]:
    """The configuration, which its owner alone can read, and which loads."""
    file = Path(name)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    load(file)
    return tomllib.loads(file.read_text(encoding="utf-8"))


async def test_ollama_and_a_key_make_a_pair(init: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    async with serving(Answers(OLLAMA)) as address:
        code, out, err = await asyncio.to_thread(init, "--yes", "--no-test", "--server", address)

    assert (code, err) == (0, "")
    assert f"Found ollama at {address}: qwen3:8b" in out
    assert "Found ANTHROPIC_API_KEY in the environment" in out
    assert "sk-secret" not in out
    assert written()["models"] == {
        "ollama/qwen3:8b": {
            "provider": "ollama",
            "model": "qwen3:8b",
            "tier": "simple",
            "base_url": address,
        },
        "anthropic/claude-opus-5-5": {
            "provider": "anthropic",
            "model": "claude-opus-5-5",
            "tier": "complex",
            "api_key": "${ANTHROPIC_API_KEY}",
        },
    }


@pytest.mark.parametrize(
    ("server", "provider"), [(OLLAMA, "ollama"), (LMSTUDIO, "lmstudio")], ids=["ollama", "lmstudio"]
)
async def test_a_test_prompt_shows_time_price_and_context(
    init: Run, server: dict[str, object], provider: str
):
    async with serving(Answers(server)) as address:
        code, out, _ = await asyncio.to_thread(init, "--yes", "--server", address)

    assert code == 0
    (row,) = [line for line in out.splitlines() if "Paris." in line]
    assert row.startswith(f"{provider}/")
    assert "$0.000000" in row
    assert " s " in row
    small = "takes 4096 tokens, and an agent begins with 19000"
    assert (small in out) == (provider == "ollama")
    assert "export ANTHROPIC_API_KEY" in out
    assert [each["provider"] for each in written()["models"].values()] == [provider]


async def test_at_most_four_questions_each_with_a_default(
    init: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("GEMINI_API_KEY", "k")
    async with serving(Answers(LMSTUDIO)) as address:
        ask = ("--server", address)
        code, out, _ = await asyncio.to_thread(init, *ask, typed="\n2\nn\n\n")

    assert code == 0
    assert out.count("?") == 4
    assert "Which model answers what is easy?" in out
    assert "Which answers what is hard?" in out
    assert "Send one test prompt to each model? [Y/n]" in out
    assert "Write pointsman.toml? [Y/n]" in out
    assert list(written()["models"]) == ["lmstudio/qwen/qwen3-vl-8b", "gemini/gemini-4-argon"]


def test_keys_alone_make_a_pair_of_one_provider(init: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GOOGLE_API_KEY", "k")

    code, out, _ = init("--yes", "--no-test", *NOWHERE)

    assert (code, "Found no model server on this machine." in out) == (0, True)
    assert {name: each["tier"] for name, each in written()["models"].items()} == {
        "gemini/gemini-3.5-flash-lite": "simple",
        "gemini/gemini-4-argon": "complex",
    }
    assert written()["models"]["gemini/gemini-4-argon"]["api_key"] == "${GOOGLE_API_KEY}"


def test_where_nothing_is_there_the_embedded_model_is(init: Run):
    code, out, _ = init("--yes", *NOWHERE)

    assert code == 0
    assert "pointsman models pull smollm2-135m-instruct" in out
    assert list(written()["models"]) == ["smollm2"]


async def test_a_model_that_does_not_answer_is_told(init: Run, tmp_path: Path):
    refusing = {**LMSTUDIO, "/v1/chat/completions": (401, {"error": {"message": "wrong key"}})}
    async with serving(Answers(refusing)) as address:
        config = REFUSING.format(address=address)
        await asyncio.to_thread((tmp_path / "litellm.yaml").write_text, config)
        code, out, err = await asyncio.to_thread(init, "--yes", "--import", "litellm.yaml")

    assert code == 0
    assert out.count("no answer") == 2
    assert "m: no deployment could answer (m: upstream answered 401)" in err
    assert "gone: " in err
    assert "pointsman doctor" in err
    assert list(written()["models"]) == ["m", "gone"]


def test_a_file_that_is_there_is_kept(init: Run):
    Path("pointsman.toml").write_text("# mine\n")

    code, _, err = init("--yes", "--no-test", *NOWHERE)
    assert (code, "--force" in err) == (1, True)
    code, out, _ = init("--no-test", *NOWHERE, typed="1\n\n")
    assert (code, "Replace pointsman.toml? [y/N]" in out) == (1, True)
    assert Path("pointsman.toml").read_text() == "# mine\n"

    code, out, _ = init("--yes", "--no-test", "--force", *NOWHERE)
    assert (code, "The old one is pointsman.toml.old" in out) == (0, True)
    assert Path("pointsman.toml.old").read_text() == "# mine\n"
    assert list(written()["models"]) == ["smollm2"]

    for kept in ("pointsman.toml.old.2", "pointsman.toml.old.3"):
        code, out, _ = init("--yes", "--no-test", "--force", *NOWHERE)
        assert (code, f"The old one is {kept}" in out) == (0, True)
        assert Path(kept).read_text() == Path("pointsman.toml").read_text()
    assert Path("pointsman.toml.old").read_text() == "# mine\n"


async def test_scripts_get_all_of_it_as_json_and_are_asked_nothing(
    init: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-1")
    async with serving(Answers(OLLAMA)) as server:
        code, out, err = await asyncio.to_thread(init, "--json", "--no-test", "--server", server)
        models = list(written()["models"])
        monkeypatch.delenv("ANTHROPIC_API_KEY")
        again = await asyncio.to_thread(init, "--json", "--force", "--server", server)

    said = json.loads(out)
    assert (code, err) == (0, "")
    assert said["file"] == "pointsman.toml"
    assert said["replaced"] is None
    assert said["servers"] == [{"kind": "ollama", "address": server, "models": ["qwen3:8b"]}]
    assert said["keys"] == {"anthropic": "ANTHROPIC_API_KEY"}
    assert said["tested"] == []
    assert list(said["models"]) == models
    assert "pointsman serve" in [step["command"] for step in said["next"]]
    tested = json.loads(again[1])
    assert tested["replaced"] == "pointsman.toml.old"
    (test,) = tested["tested"]
    assert (test["answered"], test["words"], test["cost"]) == (True, "Paris.", 0)


def test_what_other_settings_became_is_in_the_json_too(init: Run):
    Path("old.env").write_text("OLLAMA_MODEL=qwen3:8b\nSENTRY_DSN=x\n")

    code, out, _ = init("--json", "--no-test", "--import", "old.env")

    said = json.loads(out)
    assert code == 0
    assert "OLLAMA_MODEL" in [each["name"] for each in said["became"]]


def test_a_place_that_cannot_be_written_is_one_clear_line(init: Run):
    Path("file").write_text("")

    code, _, err = init("--yes", "--no-test", "--config", "file/pointsman.toml", *NOWHERE)

    assert (code, len(err.splitlines())) == (1, 1)
    assert "can't write file/pointsman.toml" in err


def test_a_full_disk_leaves_what_was_there(command: Run, tmp_path: Path):
    del command  # for its home of its own
    Path("pointsman.toml").write_text("# mine\n")

    # No file may grow: what a full disk says, too.
    words = [sys.executable, "-m", "pointsman", "init", "--yes", "--no-test", "--force", *NOWHERE]
    ran = subprocess.run(
        ["bash", "-c", 'ulimit -f 0 && exec "$@"', "bash", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ran.returncode, len(ran.stderr.splitlines())) == (1, 1), ran.stderr
    assert "can't write pointsman.toml" in ran.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["pointsman.toml"]
    assert Path("pointsman.toml").read_text() == "# mine\n"


def test_the_largest_model_that_is_comfortable_goes_first():
    names = ["llama-70b", "tiny-1b", "mystery", "qwen2.5:7b", "phi4-14b-q4", "a-3b-b"]
    models = {name: ModelSettings(provider="ollama", model=name) for name in names}

    assert easy_ones(models) == [
        "phi4-14b-q4",
        "qwen2.5:7b",
        "a-3b-b",
        "tiny-1b",
        "mystery",
        "llama-70b",
    ]


@pytest.mark.full
def test_a_real_server_answers_the_test_prompt(init: Run, tmp_path: Path):
    with LlamaServer("small", tmp_path / "llama.log") as server:
        code, out, err = init("--yes", "--server", server.base_url)

    assert (code, err) == (0, "")
    assert f"Found llamacpp at {server.base_url}: small" in out
    assert written()["models"]["llamacpp/small"]["base_url"] == server.base_url
