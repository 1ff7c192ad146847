"""The command line: what is typed, what is printed, how it exits."""

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.gateway import Gateway
from tests.support.written_books import CONFIG

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(command: Run, tmp_path: Path) -> Run:
    """Runs a command beside a configuration of two tiers."""
    (tmp_path / "two.toml").write_text(CONFIG)
    return command


def test_alone_it_explains_itself(run: Run) -> None:
    code, out, err = run()

    assert "serve" in out + err
    assert code in {0, 2}


def test_it_knows_its_version(run: Run) -> None:
    code, out, _ = run("--version")

    assert code == 0
    assert out.strip()[0].isdigit()


def test_route_explains_without_a_server_or_a_model(run: Run) -> None:
    code, out, _ = run("route", "--scorer", "heuristic", "--json", "What is Python?")

    decided = json.loads(out)
    assert code == 0
    assert {"tier", "score", "parts", "dimensions", "domain", "plan", "dropped"} <= set(decided)
    assert decided["tier"] == "simple"
    assert decided["plan"] == [{"deployment": "smollm2", "tier": "simple", "reason": "tier simple"}]


def test_route_for_people(run: Run) -> None:
    code, out, _ = run("route", "--config", "two.toml", "Design a banking API")

    assert code == 0
    assert "complex" in out
    assert "strong" in out


def test_route_reads_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("prompt.txt").open("w+") as prompt:
        prompt.write("What is Python?")
        prompt.seek(0)
        monkeypatch.setattr(sys, "stdin", prompt)
        code, out, _ = run("route", "--json", "-")

    assert code == 0
    assert json.loads(out)["tier"] == "simple"


def test_demo_needs_nothing(run: Run) -> None:
    code, out, _ = run("demo")

    assert code == 0
    assert "saved" in out
    code, out, _ = run("demo", "--json")
    shown = json.loads(out)
    assert len(shown["prompts"]) == 10
    assert {row["tier"] for row in shown["prompts"]} == {"simple", "medium", "complex"}
    assert 0 < shown["saved"] < shown["baseline_cost"]


def test_ask_answers_in_this_process_and_report_has_it(run: Run) -> None:
    code, out, _ = run(
        "ask", "--config", "two.toml", "--json", "--model", "strong", "What is Python?"
    )
    answer = json.loads(out)

    assert code == 0
    assert answer["model_used"] == "strong"
    code, out, _ = run("report", "--config", "two.toml", "--json")
    report = json.loads(out)
    assert report["total"]["requests"] == 1
    assert report["total"]["cost"] == answer["estimated_cost"] > 0
    code, out, _ = run("report", "--config", "two.toml", "--days", "1")
    assert code == 0
    assert "strong" in out


def test_ask_for_people(run: Run) -> None:
    code, out, err = run("ask", "--config", "two.toml", "What is Python?")

    assert code == 0
    assert out.strip()
    assert "weak | simple" in err


def test_an_empty_report_says_what_to_do(run: Run) -> None:
    code, out, _ = run("report")

    assert code == 0
    assert "pointsman serve" in out


@pytest.mark.parametrize("words", [("ask", "hi"), ("serve", "--port", "0")])
def test_without_weights_it_says_how_to_get_them(run: Run, words: tuple[str, ...]) -> None:
    code, _, err = run(*words)

    assert code == 1
    assert "pointsman models pull smollm2" in err
    assert len(err.splitlines()) == 1


def test_serve_says_how_to_ask_it_and_where_to_look(tmp_path: Path) -> None:
    with Gateway(tmp_path, CONFIG) as gateway:
        said, address = gateway.printed.splitlines(), gateway.address

    assert "  weak: weak-model (scripted, local, simple)" in said
    assert f"  curl {address}/v1/chat/completions -H 'content-type: application/json' \\" in said
    assert f"See where it went, and why: {address}/dashboard" in said


def test_serve_says_what_is_hardly_meant(tmp_path: Path) -> None:
    config = f'[routing]\nbaseline = "foo"\n[budgets.key]\nper_day = 5\n{CONFIG}'
    unpriced = config.replace("price = { input = 1, output = 2 }", "")
    with Gateway(tmp_path, unpriced) as gateway:
        said = gateway.log

    assert "[routing] baseline: 'foo' is no deployment, nor listed" in said
    assert "strong: no price is known" in said
    assert said.count("'foo'") == 1


def test_serve_refuses_to_be_reached_without_a_key(run: Run) -> None:
    code, _, err = run("serve", "--config", "two.toml", "--host", "0.0.0.0")  # noqa: S104

    assert code == 1
    assert "pointsman keys create --admin" in err
    assert len(err.splitlines()) == 1


def test_serve_says_when_its_port_is_taken(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = run("serve", "--config", "two.toml", "--port", str(port))

    assert code == 1
    assert "another port" in err


def test_doctor_finds_what_is_missing(run: Run) -> None:
    code, out, _ = run("doctor", "--json")

    checks = {check["name"]: check for check in json.loads(out)}
    assert code == 1
    assert checks["weights"]["status"] == "failed"
    assert checks["python"]["status"] == "ok"
    code, out, _ = run("doctor", "--config", "two.toml")
    assert "strong" in out


def test_doctor_reports_a_bad_configuration(run: Run) -> None:
    Path("bad.toml").write_text("nonsense = 1")

    code, out, _ = run("doctor", "--config", "bad.toml", "--json")

    assert code == 1
    assert any(check["status"] == "failed" for check in json.loads(out))


def test_models_from_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(b"GGUF" + bytes(64))

    code, out, _ = run("models", "pull", str(tmp_path / "tiny.gguf"))
    assert (code, "tiny" in out) == (0, True)
    code, out, _ = run("models", "list", "--json")
    assert {each["name"]: each["here"] for each in json.loads(out)} == {
        "tiny": True,
        "smollm2-135m-instruct": False,
        "minilm": False,
    }
    code, out, _ = run("models", "list")
    assert "pointsman models pull smollm2-135m-instruct" in out
    assert run("models", "rm", "tiny")[0] == 0
    code, _, err = run("models", "rm", "tiny")
    assert (code, "there are no weights called" in err) == (1, True)


def test_the_books_can_be_brought_up_to_date(run: Run) -> None:
    code, out, _ = run("db", "upgrade")

    assert code == 0
    assert "is up to date" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nonsense",), "No such command"),
        (("route", "--scorer", "magic", "x"), "heuristic"),
        (("ask", " "), "empty"),
    ],
)
def test_wrong_usage_exits_with_2(run: Run, arguments: tuple[str, ...], says: str) -> None:
    code, out, err = run(*arguments)

    assert code == 2
    assert says in out + err


def test_a_bad_configuration_is_one_clear_line(run: Run) -> None:
    Path("bad.toml").write_text("[server]\nport = 'x'")

    code, _, err = run("route", "--config", "bad.toml", "hi")

    assert code == 1
    assert "server.port" in err
    assert len(err.splitlines()) == 1
