"""`pointsman launch`: a client is started, pointed at the gateway, and its files stay as they are."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.clients.agent import CLAUDE, CODEX, PATIENCE_S, binary, saying
from tests.support.gateway import Gateway, eventually

from pointsman.cli import main

SCRIPTED = """
[models.small]
provider = "scripted"
model = "scripted-1"
tier = "simple"
"""
LLM = Path(__file__).parents[2] / "var/clients/sdks/bin/llm"
#: A program that writes down how it was started.
CLIENT = """\
#!{python}
import json, os, pathlib, signal, sys
seen = pathlib.Path(os.environ["SEEN"])
seen.with_suffix(".new").write_text(json.dumps([sys.argv[1:], dict(os.environ)]))
seen.with_suffix(".new").replace(seen)
if "WAIT" in os.environ:
    signal.pause()
sys.exit(int(os.environ.get("EXIT", "0")))
"""


class Shell:
    """A user's shell, in a folder with a configuration, and with clients installed."""

    def __init__(
        self, folder: Path, capfd: pytest.CaptureFixture[str], config: str = SCRIPTED
    ) -> None:
        self._capfd = capfd
        self.folder = folder
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.seen = folder / "seen.json"
        (folder / "pointsman.toml").write_text(config, encoding="utf-8")

    def install(self, *names: str) -> None:
        """Clients that write down how they were started."""
        for name in names:
            program = self.programs / name
            program.write_text(CLIENT.format(python=sys.executable), encoding="utf-8")
            program.chmod(0o755)

    def __call__(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`pointsman launch`, as typed, in this process: it takes a while to load in another."""
        with pytest.MonkeyPatch.context() as patch:
            for name in os.environ.keys() - self._environment().keys():
                patch.delenv(name)
            for name, value in self._environment(**environment).items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["pointsman", "launch", *words])
            with pytest.raises(SystemExit) as exited:
                main()
        printed = self._capfd.readouterr()
        code = int(exited.value.code or 0)
        return subprocess.CompletedProcess(words, code, printed.out, printed.err)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """The same in a process of its own, not waited for."""
        return subprocess.Popen(
            [sys.executable, "-m", "pointsman", "launch", *words],
            cwd=self.folder,
            env=self._environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _environment(self, **more: str) -> Mapping[str, str]:
        ours = {k: v for k, v in os.environ.items() if not k.startswith("POINTSMAN_")}
        return {
            **ours,
            "PATH": f"{self.programs}{os.pathsep}{os.defpath}",
            "HOME": str(self.folder),
            "POINTSMAN_HOME": str(self.folder / "home"),
            "POINTSMAN_SERVER__PORT": "0",
            "SEEN": str(self.seen),
            **more,
        }

    def started(self) -> tuple[list[str], Mapping[str, str]]:
        """The arguments and variables that the client was started with."""
        arguments, environment = json.loads(self.seen.read_text(encoding="utf-8"))
        return arguments, environment


@pytest.fixture
def shell(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capfd)


@pytest.fixture
def gateway(tmp_path: Path):
    with Gateway(tmp_path / "gateway", SCRIPTED) as running:
        yield running


def test_each_client_is_told_of_the_gateway_in_its_own_way(shell: Shell, gateway: Gateway):
    shell.install("claude", "codex", "opencode", "aider", "llm")
    there = ("--address", gateway.address)

    done = shell("claude", *there, "--", "-p", "say hi", ANTHROPIC_API_KEY="sk-mine")
    arguments, told = shell.started()
    assert done.returncode == 0, done.stderr
    assert f"claude through {gateway.address}, model auto" in done.stderr
    assert arguments == ["-p", "say hi"]
    assert told["ANTHROPIC_BASE_URL"] == gateway.address
    assert told["ANTHROPIC_AUTH_TOKEN"] == "unused"  # noqa: S105
    assert told["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == told["ANTHROPIC_MODEL"] == "auto"
    assert "ANTHROPIC_API_KEY" not in told

    shell("codex", *there, "--model", "small", "--", "exec", "hi")
    arguments, told = shell.started()
    assert arguments[-2:] == ["exec", "hi"]
    assert 'model="small"' in arguments
    assert f'model_providers.pointsman.base_url="{gateway.base_url}"' in arguments
    assert told["POINTSMAN_KEY"] == "unused"

    shell("opencode", *there)
    told = json.loads(shell.started()[1]["OPENCODE_CONFIG_CONTENT"])
    assert told["model"] == "pointsman/auto"
    assert told["provider"]["pointsman"]["options"]["baseURL"] == gateway.base_url

    shell("aider", *there)
    told = shell.started()[1]
    assert told["OPENAI_API_BASE"] == gateway.base_url
    assert told["AIDER_MODEL"] == "openai/auto"

    shell("llm", *there)
    told = shell.started()[1]
    folder = Path(told["LLM_USER_PATH"])
    (entry,) = json.loads((folder / "extra-openai-models.yaml").read_text())
    assert (entry["model_id"], entry["api_base"]) == (told["LLM_MODEL"], gateway.base_url)
    assert (folder / "keys.json").stat().st_mode & 0o777 == 0o600


def test_where_no_gateway_runs_one_is_there_for_that_time(shell: Shell):
    shell.install("claude")

    done = shell("claude", EXIT="7")

    assert done.returncode == 7, done.stderr
    address = shell.started()[1]["ANTHROPIC_BASE_URL"]
    assert address.startswith("http://127.0.0.1:")
    again = shell("claude", "--address", address)
    assert (again.returncode, f"no gateway answers at {address}" in again.stderr) == (1, True)


def test_it_ends_what_it_started_when_it_is_ended(shell: Shell):
    shell.install("claude")
    with shell.start("claude", WAIT="yes") as process:
        eventually(shell.seen.exists, "the client runs")
        address = urlsplit(shell.started()[1]["ANTHROPIC_BASE_URL"])
        socket.create_connection((address.hostname, address.port)).close()

        process.terminate()

        assert process.wait(PATIENCE_S) == 143
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port))


def test_a_port_that_another_program_has_is_no_matter(shell: Shell):
    shell.install("claude")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = shell("claude", POINTSMAN_SERVER__PORT=str(port))

    assert done.returncode == 0, done.stderr
    assert not shell.started()[1]["ANTHROPIC_BASE_URL"].endswith(f":{port}")


def test_a_client_that_is_not_there_is_told_with_how_to_get_it(shell: Shell):
    done = shell("claude")

    assert done.returncode == 1
    assert "npm install -g @anthropic-ai/claude-code" in done.stderr


def test_a_gateway_that_cannot_start_says_why(shell: Shell):
    shell.install("claude")
    (shell.folder / "pointsman.toml").write_text(
        '[models.a]\nprovider = "embedded"\nmodel = "none"\n', encoding="utf-8"
    )

    done = shell("claude")

    assert done.returncode == 1
    assert "the weights of none are not here yet" in done.stderr
    assert not shell.seen.exists()


def test_a_key_is_checked_before_the_client_starts(shell: Shell, tmp_path: Path):
    shell.install("claude")
    with Gateway(tmp_path / "gateway", SCRIPTED, api_key="the-key") as gateway:
        done = shell("claude", "--address", gateway.address)
        assert (done.returncode, "set POINTSMAN_KEY" in done.stderr) == (1, True)
        assert not shell.seen.exists()

        done = shell("claude", "--address", gateway.base_url, POINTSMAN_KEY="the-key")
    assert done.returncode == 0, done.stderr
    assert shell.started()[1]["ANTHROPIC_AUTH_TOKEN"] == "the-key"  # noqa: S105


def test_an_unknown_client_is_wrong_usage(shell: Shell):
    done = shell("nobody")

    assert done.returncode == 2
    assert "opencode" in done.stderr


@pytest.mark.full
@pytest.mark.parametrize(
    ("client", "pattern", "words"),
    [
        ("claude", CLAUDE, ["-p", "say hi"]),
        ("codex", CODEX, ["exec", "--skip-git-repo-check", "say hi"]),
        ("llm", LLM, ["say hi"]),
    ],
)
def test_the_real_client_completes_a_turn(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    client: str,
    pattern: str,
    words: list[str],
):
    real = LLM if client == "llm" else binary(pattern)
    if not real.exists():
        pytest.skip("needs scripts/prepare_clients.py (`make test-full` runs it)")
    shell = Shell(tmp_path, capfd, SCRIPTED + saying("Hello there."))
    (shell.programs / client).symlink_to(real)

    done = shell(client, "--", *words, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1")

    assert done.returncode == 0, done.stderr
    assert done.stdout == "Hello there.\n"
