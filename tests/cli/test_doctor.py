"""`pointsman doctor`: each thing that can be wrong is named, with the command that mends it."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from tests.providers import answers
from tests.support.gateway import Gateway
from tests.support.serving import Answers, serving
from tests.support.upstreams import LlamaServer

Command = Callable[..., tuple[int, str, str]]
Checks = dict[str, dict[str, str | None]]
Examine = Callable[[str], Awaitable[tuple[int, Checks]]]

CALM = """
[models.weak]
provider = "scripted"
model = "weak-model"
tier = "simple"
"""


@pytest.fixture
def examine(command: Command, tmp_path: Path) -> Examine:
    """Runs the doctor on a configuration: its exit code, and its checks by name."""

    async def run(config: str) -> tuple[int, Checks]:
        file = tmp_path / "here.toml"
        await asyncio.to_thread(file.write_text, config)
        code, out, _ = await asyncio.to_thread(command, "doctor", "--config", str(file), "--json")
        return code, {check["name"]: check for check in json.loads(out)}

    return run


def model(address: str, **more: str) -> str:
    """A deployment at an address."""
    members = {"provider": "openai-compatible", "model": "m", "base_url": address, **more}
    lines = [f'{name} = "{value}"' for name, value in members.items()]
    return "\n".join(["[models.here]", *lines])


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


async def test_a_variable_that_nobody_reads(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_SERVER_PORT", "8080")
    code, checks = await examine(f"[server]\nport = {closed_port()}\n{CALM}")

    assert (code, checks["environment"]["status"]) == (0, "warning")
    assert "did you mean POINTSMAN_SERVER__PORT?" in str(checks["environment"]["detail"])
    assert checks["environment"]["mend"] == "unset POINTSMAN_SERVER_PORT"


async def test_where_all_is_well_it_says_so(examine: Examine) -> None:
    code, checks = await examine(f"[server]\nport = {closed_port()}\n{CALM}")

    assert code == 0
    assert {check["status"] for check in checks.values()} <= {"ok", "warning"}
    assert {"python", "home", "books", "cache", "port", "clock", "prices", "weak"} <= set(checks)
    assert checks["weak"]["mend"] is None


def test_a_configuration_that_is_not_there(command: Command) -> None:
    code, out, _ = command("doctor", "--config", "my own.toml")

    assert code == 1
    assert "\n  configuration: pointsman init --config 'my own.toml'\n" in out


def test_for_people_the_mends_stand_below(command: Command) -> None:
    Path("here.toml").write_text(model(f"http://127.0.0.1:{closed_port()}", provider="ollama"))

    code, out, _ = command("doctor", "--config", "here.toml")

    assert code == 1
    assert "What mends it:\n" in out
    assert "\n  here: ollama serve\n" in out


@pytest.mark.parametrize(
    ("provider", "mend"),
    [
        ("ollama", "ollama serve"),
        ("lmstudio", "lms server start --port {port}"),
        ("llamacpp", "llama-server -m <file>.gguf --port {port}"),
        ("vllm", "vllm serve m --port {port}"),
        ("openai-compatible", "curl -sS http://127.0.0.1:{port}/v1"),
    ],
)
async def test_a_closed_port(examine: Examine, provider: str, mend: str) -> None:
    port = closed_port()

    code, checks = await examine(model(f"http://127.0.0.1:{port}/v1", provider=provider))

    assert (code, checks["here"]["status"]) == (1, "failed")
    assert f"127.0.0.1:{port}" in str(checks["here"]["detail"])
    assert "connection refused" in str(checks["here"]["detail"])
    assert checks["here"]["mend"] == mend.format(port=port)


async def test_a_wrong_key(examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-wrong-one")
    async with serving(Answers({"/v1/models": (401, {"error": "no"})})) as address:
        code, checks = await examine(model(f"{address}/v1", api_key="${MY_KEY}"))

    assert (code, checks["here"]["status"]) == (1, "failed")
    assert checks["here"]["mend"] == "export MY_KEY=<your key>"
    assert "sk-wrong-one" not in json.dumps(checks)


async def test_a_key_that_is_not_set(examine: Examine) -> None:
    code, checks = await examine(model("http://127.0.0.1:1/v1", api_key="${NOT_SET_AT_ALL}"))

    assert (code, checks["here"]["status"]) == (1, "failed")
    assert "NOT_SET_AT_ALL is not set" in str(checks["here"]["detail"])
    assert checks["here"]["mend"] == "export NOT_SET_AT_ALL=<your key>"


@pytest.mark.parametrize(
    ("provider", "by_path", "status", "mend"),
    [
        ("ollama", {**answers.OLLAMA, "/api/show": (404, {})}, "failed", "ollama pull nope"),
        ("lmstudio", answers.LMSTUDIO, "warning", "lms get nope"),
        ("vllm", answers.VLLM, "warning", "curl -sS {address}/models"),
    ],
)
async def test_a_model_that_is_not_there(
    examine: Examine, provider: str, by_path: dict[str, object], status: str, mend: str
) -> None:
    async with serving(Answers(by_path)) as root:
        address = root if provider == "ollama" else f"{root}/v1"
        _, checks = await examine(model(address, provider=provider, model="nope"))

    assert checks["here"]["status"] == status
    assert checks["here"]["mend"] == mend.format(address=address)


@pytest.mark.parametrize(
    ("named", "by_path", "says", "mend"),
    [
        ("ollama qwen3:8b", answers.OLLAMA,
         "4,096 tokens", "OLLAMA_CONTEXT_LENGTH=32768 ollama serve"),
        ("ollama qwen3:8b", {**answers.OLLAMA, "/api/ps": {"models": []}},
         "often 4,096", "OLLAMA_CONTEXT_LENGTH=32768 ollama serve"),
        ("lmstudio gemma-3-270m-it-qat", answers.LMSTUDIO,
         "4,096 tokens", "lms load gemma-3-270m-it-qat --context-length 32768"),
    ],
)  # fmt: skip
async def test_too_little_context_for_an_agent(
    examine: Examine, named: str, by_path: dict[str, object], says: str, mend: str
) -> None:
    provider, name = named.split()
    async with serving(Answers(by_path)) as root:
        address = root if provider == "ollama" else f"{root}/v1"
        code, checks = await examine(model(address, provider=provider, model=name))

    found = checks["here: context"]
    assert (code, checks["here"]["status"], found["status"]) == (0, "ok", "warning")
    assert says in str(found["detail"])
    assert "24,000" in str(found["detail"])
    assert found["mend"] == mend


async def test_context_that_suffices(examine: Examine) -> None:
    async with serving(Answers(answers.VLLM)) as root:
        _, checks = await examine(model(f"{root}/v1", provider="vllm", model="Qwen/Qwen3-8B"))

    assert checks["here"]["detail"] == "answers, 32,768 tokens of context, free"
    assert "here: context" not in checks


async def test_what_ollama_is_told_to_give_counts(examine: Examine) -> None:
    config = model("{address}", provider="ollama", model="qwen3:8b") + "\ncontext_length = 40000"
    async with serving(Answers(answers.OLLAMA)) as address:
        _, checks = await examine(config.replace("{address}", address))

    assert "40,000 tokens of context" in str(checks["here"]["detail"])
    assert "here: context" not in checks


async def test_a_price_that_nobody_knows(examine: Examine) -> None:
    listed = {"/v1/models": {"data": [{"id": "mystery-9"}]}}
    async with serving(Answers(listed)) as address:
        config = model(f"{address}/v1", model="mystery-9", location="cloud")
        code, checks = await examine(config)
        known = await examine(f"{config}\nprice = {{ input = 1, output = 2 }}")

    assert (code, checks["here: price"]["status"]) == (0, "warning")
    assert "price = {" in str(checks["here: price"]["mend"])
    assert "here: price" not in known[1]


async def test_a_port_that_another_program_has(examine: Examine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, checks = await examine(f"[server]\nport = {port}\n{CALM}")

    check = checks["port"]
    assert (code, check["status"]) == (1, "failed")
    assert f"127.0.0.1:{port}" in str(check["detail"])
    if sys.platform == "linux":
        assert f"(process {os.getpid()})" in str(check["detail"])
    command, other = str(check["mend"]).rsplit(" ", 1)
    assert command == "pointsman serve --port"
    with socket.create_server(("127.0.0.1", int(other))):
        """It is free indeed."""


async def test_a_port_that_another_pointsman_has(examine: Examine, tmp_path: Path) -> None:
    async with Gateway(tmp_path / "elsewhere", CALM) as gateway:
        port = gateway.address.rpartition(":")[2]
        _, checks = await examine(f"[server]\nport = {port}\n{CALM}")

    assert "a Pointsman with another home" in str(checks["port"]["detail"])


async def test_a_gateway_that_runs(examine: Examine, tmp_path: Path) -> None:
    async with Gateway(tmp_path / "home", CALM) as gateway:
        code, checks = await examine(CALM)

    assert code == 0
    assert checks["port"]["detail"] == f"a gateway runs at {gateway.address}"
    assert checks["cache"]["detail"] == "the running gateway has it"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a quarter megabyte; skips the test where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if (
        sys.platform != "linux"
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("a small disk can be mounted by root alone")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk(
    examine: Examine, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_HOME", str(small_disk))

    code, checks = await examine(CALM)

    assert (code, checks["home"]["status"]) == (1, "failed")
    assert "the disk is full" in str(checks["home"]["detail"])
    assert "POINTSMAN_HOME" in str(checks["home"]["mend"])


async def test_books_that_are_none(examine: Examine, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "pointsman.db").write_bytes(b"this is no database" * 100)

    code, checks = await examine(CALM)

    assert (code, checks["books"]["status"]) == (1, "failed")


@pytest.fixture
def late_server() -> Iterator[str]:
    """A server whose clock is an hour ahead."""

    class Late(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(200)
            later = datetime.now(UTC) + timedelta(hours=1)
            self.send_header("date", format_datetime(later, usegmt=True))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Late) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


async def test_a_clock_that_is_wrong(examine: Examine, late_server: str) -> None:
    _, checks = await examine(model(late_server, location="cloud"))

    assert checks["clock"]["status"] == "warning"
    assert f"s behind {late_server}" in str(checks["clock"]["detail"])
    assert "sudo" in str(checks["clock"]["mend"])


async def test_similar_prompts_need_an_embedder(examine: Examine) -> None:
    code, checks = await examine(f'{CALM}\n[cache]\nsemantic = "on"')

    assert (code, checks["embedder"]["status"]) == (1, "failed")
    assert str(checks["embedder"]["mend"]).endswith(("pull minilm", "[semantic]'"))


@pytest.mark.full
async def test_a_real_llama_cpp(examine: Examine, tmp_path: Path) -> None:
    with LlamaServer("tiny", tmp_path / "llama.log") as server:
        code, checks = await examine(model(server.base_url, provider="llamacpp", model="tiny"))

    assert (code, checks["here"]["status"]) == (0, "ok")
    assert "answers" in str(checks["here"]["detail"])
    assert str(checks["here: context"]["mend"]).startswith("llama-server")


@pytest.mark.parametrize(
    ("table", "name", "said", "mend"),
    [
        (
            "[budgets.key]\nper_day = 5",
            "budgets",
            "here: no price is known, so nobody with a budget may use it",
            "priced_as",
        ),
        (
            '[routing]\nbaseline = "foo"',
            "baseline",
            "'foo' is no deployment, nor listed, so no savings can be told",
            "pointsman prices show",
        ),
    ],
)
async def test_what_is_hardly_meant_is_a_row_of_its_own(
    examine: Examine, table: str, name: str, said: str, mend: str
) -> None:
    calm = await examine(f"[server]\nport = {closed_port()}\n{CALM}")
    assert {"budgets", "baseline"}.isdisjoint(calm[1])

    address = f"http://127.0.0.1:{closed_port()}"
    _, checks = await examine(f"{table}\n{model(address, location='cloud')}")

    assert checks[name]["status"] == "warning"
    assert said in str(checks[name]["detail"])
    assert mend in str(checks[name]["mend"])


async def test_a_key_that_is_not_set_is_told_where_the_server_is_away_too(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_OPENAI_API_KEY", raising=False)
    away = f"http://127.0.0.1:{closed_port()}"
    config = model(away, provider="azure", location="cloud")

    _, checks = await examine(config)

    assert checks["here"]["status"] == "failed"
    assert "AZURE_OPENAI_API_KEY is not set" in str(checks["here"]["detail"])
