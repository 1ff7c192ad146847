"""`pointsman ask` and `chat` in a pipe: lines in, plain words out."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.test_chat_terminal import config
from tests.support.gateway import Gateway

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command with lines as its standard input, beside a configuration of two tiers."""
    (tmp_path / "pointsman.toml").write_text(config())

    def run(words: tuple[str, ...], *lines: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return command(*words)

    return run


def told(folder: Path, **replies: object) -> None:
    (folder / "pointsman.toml").write_text(config(**replies))


def test_ask_writes_the_answer_and_nothing_else(say: Run, tmp_path: Path) -> None:
    told(tmp_path, small=[{"reply": "Plain **words**."}])
    code, out, err = say(("ask", "--local", "What", "is", "Python?"))

    assert (code, out) == (0, "Plain **words**.\n")
    assert "small | simple | local | score" in err
    assert "req_" in err


def test_ask_puts_what_is_piped_where_the_dash_is(say: Run) -> None:
    code, out, _ = say(("ask", "--cloud", "Summarise:", "-"), "some", "text")

    assert code == 0
    assert "Summarise: some text" in out


def test_ask_gives_figures_to_scripts(say: Run) -> None:
    code, out, err = say(("ask", "--cloud", "--json", "--system", "Be short.", "hello"))

    answer = json.loads(out)
    assert (code, err) == (0, "")
    assert answer["model_used"] == "large"
    assert answer["estimated_cost"] == pytest.approx(
        (answer["input_tokens"] + 2 * answer["output_tokens"]) / 1e6
    )


def test_ask_says_why_not(say: Run, tmp_path: Path) -> None:
    told(tmp_path, small=[{"status": 401}])
    code, out, err = say(("ask", "--local", "hello"))

    assert (code, out.strip()) == (1, "")
    assert len(err.strip().splitlines()) == 1
    assert re.search(r"401\); `pointsman decisions req_\w+` says what .* `pointsman doctor`", err)
    code, _, err = say(("ask", "--model", "nobody", "hello"))
    assert code == 1
    assert re.search(r"there is no model 'nobody'.* \(req_\w+\)$", err)


def test_ask_tells_scripts_why_not(say: Run, command: Run, tmp_path: Path) -> None:
    told(tmp_path, small=[{"status": 401}])
    code, out, err = say(("ask", "--json", "--local", "hello"))

    why = json.loads(out)["error"]
    assert (code, why["message"]) == (
        1,
        "no deployment could answer (small: upstream answered 401)",
    )
    assert f"`pointsman decisions {why['request_id']}`" in err
    code, out, _ = command("decisions", why["request_id"])
    assert code == 0
    assert "failed" in out


def test_why_there_is_no_answer_can_be_asked(say: Run, tmp_path: Path) -> None:
    told(tmp_path, small=[{"reply": "One."}, {"status": 401}])
    code, out, err = say(("chat", "--local"), "one", "two", "/why", "/good")

    assert code == 1
    assert re.search(
        r"error: no deployment .*; /why says what was tried, .* \(req_\w+\)$", err, re.MULTILINE
    )
    assert "answered  nobody (failed)" in out
    assert "tried     small: 401" in out
    assert out.endswith("noted\n")


def test_what_is_no_text_is_refused(
    say: Run, command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), encoding="utf-8"))
    code, out, err = command("ask", "-")
    assert (code, out) == (2, "")
    assert "no text in UTF-8" in err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), encoding="utf-8"))
    code, _, err = command("chat")
    assert code == 1
    assert "no text in UTF-8" in err
    code, _, err = say(("chat",), "lone \udcff")
    assert code == 1
    assert "error: what was typed is no text in UTF-8" in err


def test_options_that_disagree_are_wrong_usage(say: Run) -> None:
    for words in (("ask", "--local", "--cloud", "x"), ("chat", "--cloud", "--model", "small")):
        code, _, err = say(words)
        assert code == 2
        assert "--model" in err
    code, _, err = say(("ask", "-"))
    assert code == 2
    assert "empty" in err


def test_ask_takes_all_that_is_piped(say: Run) -> None:
    code, out, _ = say(("ask", "--cloud"), "/some", "text")

    assert code == 0
    assert "/some text" in out


def test_chat_takes_all_that_is_piped_as_one_question(say: Run) -> None:
    code, out, err = say(("chat", "--cloud", "Explain:", "-"), "/why", "not a command")

    assert (code, err.count("large | ")) == (0, 1)
    assert 'I have read "Explain: /why not a command"' in out
    code, _, err = say(("chat", "-"))
    assert (code, "the prompt is empty" in err) == (2, True)


def test_chat_begins_with_the_question_that_is_said(say: Run, tmp_path: Path) -> None:
    told(tmp_path, small=[{"reply": "First."}, {"reply": "Second."}])
    code, out, _ = say(("chat", "--local", "one", "more"), "two", "/retry")

    assert code == 0
    assert out.splitlines() == ["First.", "Second.", "Second."]


def test_a_first_question_that_fails_is_an_exit_code(say: Run, tmp_path: Path) -> None:
    told(tmp_path, small=[{"status": 401}])
    code, out, err = say(("chat", "--local", "-"), "one")

    assert (code, out) == (1, "")
    assert "error: no deployment could answer" in err


def test_a_piped_chat_is_a_conversation(say: Run, tmp_path: Path) -> None:
    told(tmp_path, small=[{"reply": "First."}, {"reply": "Second."}, {"reply": "Third."}])
    code, out, err = say(
        ("chat", "--local"),
        "one",
        '"""',
        "many",
        "lines",
        '"""',
        "/retry",
        "/save told",
        "/exit",
        "x",
    )

    assert code == 0
    assert out.splitlines()[:3] == ["First.", "Second.", "Third."]
    assert err.count("small | simple | local") == 3
    saved = json.loads((tmp_path / "home" / "chats" / "told.json").read_text())
    assert saved["turns"] == [
        {"question": "one", "answer": "First.", "request_id": saved["turns"][0]["request_id"]},
        {
            "question": "many\nlines",
            "answer": "Third.",
            "request_id": saved["turns"][1]["request_id"],
        },
    ]


def test_what_was_said_goes_along(tmp_path: Path, say: Run) -> None:
    with Gateway(tmp_path / "home", config()) as gateway:
        (tmp_path / "notes.txt").write_text("Buy milk.")
        (tmp_path / "dot.png").write_bytes(b"\x89PNG")
        code, _, err = say(
            ("chat", "--cloud"),
            "one",
            "/system Be short.",
            "/set max_tokens 7",
            "/file notes.txt what is to do?",
            "/undo",
            "/file dot.png",
            "/file nothing.txt",
            "/save notes.txt",
            "see?",
        )
        used = [record["usage"]["input_tokens"] for record in gateway.records()][::-1]
        outputs = [record["usage"]["output_tokens"] for record in gateway.records()][::-1]

    assert code == 1
    assert used[0] < used[1]
    assert outputs[1:] == [7, 7]
    assert "nothing.txt" in err
    assert "holds no conversation" in err
    assert (tmp_path / "notes.txt").read_text() == "Buy milk."


def test_an_answer_that_fails_leaves_the_conversation_as_it_was(say: Run, tmp_path: Path) -> None:
    broken = {"reply": "Never the whole of it, for it breaks off.", "cut_at_byte": 700}
    told(tmp_path, small=[{"reply": "Good."}, {"status": 401}, broken])
    code, out, err = say(
        ("chat", "--local"), "one", "/retry", "/undo", "/undo", "two", "/cost", "/nonsense", "/lod"
    )

    assert code == 1
    assert "taken back: one" in out
    assert "error: there is nothing to take back" in err
    assert err.count("error:") == 3
    assert "there is no /nonsense; /help lists the commands" in err
    assert "did you mean /load?" in err


def test_looking_before_there_is_anything(say: Run) -> None:
    code, out, err = say(
        ("chat",),
        "/why",
        "/good",
        "/retry",
        "/route",
        "/save",
        "/model nobody",
        "/load",
        "/cost",
        "/load nothing",
        "/file",
        "/set model x",
        "/set seed",
        "/set",
        "",
        "/?",
    )

    assert code == 1
    assert err.count("error:") == 10
    assert "no answers yet" in out
    assert "nothing is saved under a name yet" in out
    assert "/compare [NAME ...]" in out


def test_where_it_goes_can_be_asked_and_changed(say: Run) -> None:
    code, out, err = say(
        ("chat",),
        "/route Design a distributed ledger and prove that it is correct",
        "/model",
        "/model large",
        "hello",
        "/local hello",
        "/auto",
        "/info",
        "/compare small large",
        "/why",
    )

    assert code == 0
    assert "goes to   large, for about $" in out
    assert "* auto" in out
    assert "from now on: large" in out
    assert [line.split(" | ")[0] for line in err.splitlines()] == [
        "[large",
        "[small",
        "[small",
        "[large",
    ]
    assert "asks      auto" in out
    assert "answered  large (completed)" in out


def test_a_file_that_is_not_there_is_said_in_words(say: Run) -> None:
    code, _, err = say(("chat",), "/load nowhere.json", "/file ./none.txt")

    assert code == 1
    assert "error: nowhere.json: No such file or directory" in err
    assert "error: none.txt: No such file or directory" in err
    assert "Errno" not in err


def test_a_saved_conversation_goes_on(say: Run, tmp_path: Path) -> None:
    say(("chat", "--local"), "one", "/set seed 4", "/save it.json")
    code, out, _ = say(("chat",), "/load it.json", "/set", "/retry", "/save it.json")

    assert code == 0
    assert "loaded: 1 answers, asks local" in out
    assert "seed = 4" in out
    assert len(json.loads((tmp_path / "it.json").read_text())["turns"]) == 1


def test_one_answer_that_failed_is_an_exit_code_for_scripts(say: Run, tmp_path: Path) -> None:
    told(tmp_path, small=[{"status": 401}, {"reply": "Good."}])
    code, out, err = say(("chat", "--local"), "one", "two")

    assert (code, out) == (1, "Good.\n")
    assert err.count("error:") == 1


def test_a_context_that_fills_is_warned_of(say: Run, tmp_path: Path) -> None:
    (tmp_path / "pointsman.toml").write_text(
        config(small=[{"reply": "word " * 450}]).replace(
            'tier = "simple"', 'tier = "simple"\ncontext_length = 2000', 1
        )
    )
    code, _, err = say(("chat", "--local"), "one", "two", "three")

    lines = err.splitlines()
    assert code == 0, err
    assert [line.startswith("[the conversation fills ") for line in lines].count(True) == 1
    assert re.fullmatch(
        r"\[the conversation fills 8\d% of the 2,000 tokens that small takes; /clear begins anew\]",
        lines[-1],
    )
