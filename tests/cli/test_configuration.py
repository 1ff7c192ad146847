"""`pointsman config check`: all that would keep a gateway from starting, and what it would lack."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., tuple[int, str, str]]

CALM = """
[models.weak]
provider = "scripted"
model = "weak-model"
tier = "simple"
"""
CLOUD = """
[models.luna]
provider = "openai"
model = "no-such-model"
api_key = "a-key"
tier = "medium"
"""


@pytest.fixture
def check(command: Command, tmp_path: Path) -> Callable[[str], tuple[int, str, str]]:
    """Checks a configuration."""

    def run(config: str) -> tuple[int, str, str]:
        file = tmp_path / "here.toml"
        file.write_text(config)
        return command("config", "check", "--config", str(file))

    return run


def test_where_all_is_well_it_says_so(check: Command) -> None:
    assert check(CALM) == (0, "the configuration is right: 1 deployments\n", "")


def test_everything_that_is_not_set_is_named_at_once(check: Command) -> None:
    code, out, err = check(f"""
        api_key = "${{MY_MASTER_KEY}}"
        {CALM}
        [models.luna]
        provider = "openai"
        model = "gpt-5.6-luna"
        api_key = "${{MY_OPENAI_KEY}}"
        tier = "medium"
        [alerts]
        webhook = "${{file:/no/such/file}}"
    """)
    assert (code, out) == (1, "")
    assert "variable MY_MASTER_KEY is not set" in err
    assert "variable MY_OPENAI_KEY is not set" in err
    assert "/no/such/file: No such file" in err


@pytest.mark.parametrize(
    "written",
    [
        *("$OPENAI_KEY", "%OPENAI_KEY%", "env:OPENAI_KEY", "os.environ/OPENAI_KEY"),
        *("{env:OPENAI_KEY}", "${{ secrets.OPENAI_KEY }}", "$env:OPENAI_KEY", "{{OPENAI_KEY}}"),
    ],
)
def test_a_reference_in_the_words_of_others_is_doubted(
    check: Command, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("OPENAI_KEY", "sk-1")
    code, _, err = check(CALM + CLOUD.replace("a-key", written))
    assert code == 0
    assert "but models.luna.api_key: is taken as it stands; a variable is" in err
    assert written not in err


def test_a_key_as_it_stands_is_not_doubted(check: Command) -> None:
    assert "as it stands" not in check(CALM + CLOUD)[2]


def test_what_only_shows_when_it_is_put_together_is_found(check: Command) -> None:
    code, _, err = check(f"[routing]\nescalate = {{ score = 300 }}\n{CALM}")
    assert (code, err) == (1, "pointsman: escalate.score: scores are from 0 to 100\n")


def test_a_rule_that_is_wrong_is_told_beside_what_is_not_set(check: Command) -> None:
    unset = CLOUD.replace("a-key", "${NOT_SET}")
    code, _, err = check(f"[routing]\nescalate = {{ score = 300 }}\n{CALM}{unset}")
    assert code == 1
    assert "variable NOT_SET is not set" in err
    assert "escalate.score: scores are from 0 to 100" in err


@pytest.mark.parametrize(
    ("config", "doubt"),
    [
        (CLOUD.replace('api_key = "a-key"', ""), "luna: OPENAI_API_KEY is not set"),
        (f"[budgets.key]\nper_day = 5\n{CLOUD}", "luna: no price is known, so nobody with a"),
        (f'[routing]\nbaseline = "foo"\n{CALM}', "'foo' is no deployment, nor listed"),
        (f'[routing]\nbaseline = "luna"\n{CLOUD}', "'luna' has no known price"),
    ],
)
def test_what_is_hardly_meant_is_said_and_no_error(
    check: Command, monkeypatch: pytest.MonkeyPatch, config: str, doubt: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    code, out, err = check(config)
    assert (code, out) == (0, "the configuration is right: 1 deployments\n")
    assert err.startswith("but ")
    assert doubt in err
    assert err.count("\n") == 1


def test_who_may_use_what_has_no_price_is_not_in_doubt(check: Command) -> None:
    assert check(f"[budgets.key]\nper_day = 5\nallow_unpriced = true\n{CLOUD}")[2] == ""


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("[server]\nprot = 1", "server.prot: there is no such setting; did you mean port?"),
        ("[servr]\nport = 1", "servr: there is no such setting; did you mean server?"),
        (
            "[limits.key]\nrpm = 1",
            "rpm: there is no such setting; there are: concurrent, requests_per_minute, tokens",
        ),
        ("[models.x]\nprovider = 'scripted'\nmodel = 'm'\nteir = 'x'", "did you mean tier?"),
        (
            "[models.x]\nprovider = 'scripted'\nmodel = 'm'\n[models.x.price]\ninputs = 1",
            "models.x.price.inputs: there is no such setting; did you mean input?",
        ),
        (
            "[models.x]\nprovider = 'scripted'\nmodel = 'm'\ntier = 'hard'",
            "here.toml: [models.x]: unknown tier 'hard'; there are: simple, medium, complex",
        ),
    ],
)
def test_what_is_misspelt_is_told_from_what_there_is(
    check: Command, config: str, said: str
) -> None:
    code, _, err = check(config)
    assert code == 1
    assert said in err


def test_all_that_is_misspelt_is_told_at_once(check: Command) -> None:
    _, _, err = check("[server]\nprot = 1\nhots = 2\n[log]\nformat = 'xml'")
    assert [line.split("here.toml:")[1].rsplit(":", 1)[0] for line in err.splitlines()] == [
        "2: server.prot",
        "3: server.hots",
        "5: log.format",
    ]


def test_every_tier_that_is_unknown_is_told_at_once(check: Command) -> None:
    code, _, err = check(
        "".join(
            f"[models.{name}]\nprovider = 'scripted'\nmodel = 'm'\ntier = '{tier}'\n"
            for name, tier in (("a", "hard"), ("b", "harder"))
        )
    )
    assert code == 1
    assert [line.split("here.toml: ")[1].split(";")[0] for line in err.splitlines()] == [
        "[models.a]: unknown tier 'hard'",
        "[models.b]: unknown tier 'harder'",
    ]


def test_weights_that_are_not_here_would_keep_it_from_starting(check: Command) -> None:
    own = "[models.own]\nprovider = 'embedded'\nmodel = 'smollm2-135m-instruct'"
    unset = f"{CLOUD.replace('a-key', '${NOT_SET}')}{own}"
    for config in (own, unset):
        code, out, err = check(config)
        assert (code, out) == (1, "")
        assert "[models.own]: the weights of smollm2-135m-instruct are not here yet" in err
        assert ("NOT_SET is not set" in err) == (config == unset)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("POINTSMAN_SERVER_PORT", "; did you mean POINTSMAN_SERVER__PORT?\n"),
        ("POINTSMAN_SERVR__PORT", "; did you mean POINTSMAN_SERVER__PORT?\n"),
        ("POINTSMAN_APIKEY", "; did you mean POINTSMAN_API_KEY?\n"),
        ("POINTSMAN_NONSENSE__AT_ALL", "\n"),
        ("POINTSMAN_SERVICE_HOST", ""),
        ("POINTSMAN_PORT_7070_TCP", ""),
        ("POINTSMAN_KEY", ""),
    ],
)
def test_a_variable_that_nobody_reads_is_doubted(
    check: Command, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.setenv(name, "1")
    code, _, err = check(CALM)
    assert (code, err) == (0, f"but {name}: there is no such setting{said}" if said else "")


def test_a_variable_that_is_no_json_is_said_in_a_line(
    check: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_MODELS", "{bad")
    code, _, err = check(CALM)
    assert (code, err.count("\n")) == (1, 1)
    assert "the environment can't be read" in err


SECRET = "sk-s3cr3t-4711"  # noqa: S105 - made up


def test_what_is_set_is_shown_with_where_it_is_from(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_LOG__FORMAT", "json")
    file = tmp_path / "here.toml"
    file.write_text(
        f"""
api_key = "{SECRET}"
routing.escalate = {{ score = 55 }}

[models."ollama/qwen3:4b"]
provider = "ollama"
model = "qwen3:4b"  # a small one
base_url = "http://me:{SECRET}@127.0.0.1:9/v1"

[models.luna]
provider = "openai"
model = "gpt-5.6-luna"
api_key = "${{OPENAI_API_KEY}}"
tier = "complex"
"""
    )

    code, out, _ = command("config", "show", "--config", str(file))

    assert code == 0
    assert {
        f'api_key = "***"  # {file}:2',
        f"routing.escalate.score = 55.0  # {file}:3",
        f'models."ollama/qwen3:4b".model = "qwen3:4b"  # {file}:7',
        f'models."ollama/qwen3:4b".base_url = "http://me:***@127.0.0.1:9/v1"  # {file}:8',
        f'models.luna.api_key = "${{OPENAI_API_KEY}}"  # {file}:13',
        'log.format = "json"  # POINTSMAN_LOG__FORMAT',
    } < set(out.splitlines())
    assert tomllib.loads(out)["models"]["luna"]["tier"] == "complex"
    assert "cache.exact" not in out
    every = command("config", "show", "--all", "--config", str(file))[1]
    assert "\ncache.exact = true  # default\n" in every
    assert tomllib.loads(every)
    whole = command("config", "show", "--json", "--config", str(file))[1]
    assert json.loads(whole)["models"]["luna"]["api_key"] == "${OPENAI_API_KEY}"
    assert SECRET not in out + whole


def test_a_fault_is_shown_with_its_line_or_its_variable(
    check: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_LOG__FORMAT", "xml")
    err = check(
        '''
[routing]
text = """
[models]
escalate.score = 1
"""
escalete = { score = 55 }

[models."a.b"]
provider = "scripted"
model = "m"
context_lenght = 5
tier = 7
'''
    )[2]

    for expected in (
        "here.toml:3: routing.text: there is no such setting",
        "here.toml:7: routing.escalete: there is no such setting; did you mean escalate?",
        "here.toml:12: models.a.b.context_lenght: there is no such setting; did you mean context",
        "here.toml:13: models.a.b.tier: ",
        "POINTSMAN_LOG__FORMAT: log.format: ",
    ):
        assert expected in err
