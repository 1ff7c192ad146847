"""What the reference says of settings, commands, paths and headers is what the code has."""

import re
import typing

import pytest
from scripts import reference
from tests.docs.pages import PAGES, REFERENCE, ROOT, name
from tests.gateway import Gateway

from pointsman.cli import app
from pointsman.config import Settings
from pointsman.routing.gates import GATES
from pointsman.server.compat import ALIASES
from pointsman.server.routes import PATHS
from pointsman.types import Outcome

WORDS_OF_THE_DESIGN = (
    "deployment tier score gate floor plan attempt outcome usage entry baseline feedback principal"
)


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def test_generated_parts_are_as_the_code_has_them() -> None:
    stale = [
        name(each)
        for each in sorted(REFERENCE.glob("*.md"))
        if each.read_text(encoding="utf-8") != reference.filled(each.read_text(encoding="utf-8"))
    ]

    assert stale == [], "run `make docs`"


def test_every_part_is_on_a_page() -> None:
    text = "".join(each.read_text(encoding="utf-8") for each in PAGES)

    assert set(re.findall(r"<!-- generated: ([a-z-]+) -->", text)) == set(reference.PARTS)
    assert text.count("<!-- generated: ") == text.count("<!-- /generated -->")


def test_every_setting_is_mentioned() -> None:
    configuration = page("configuration.md")
    settings = list(reference.walk(Settings))

    assert {"server", "models", "routing", "log"} <= {setting.path[0] for setting in settings}
    assert [s.variable for s in settings if f"`{s.variable}`" not in configuration] == []


def test_a_setting_knows_its_variable_type_default_and_meaning() -> None:
    settings = {".".join(setting.path): setting for setting in reference.walk(Settings)}

    port = settings["server.port"]
    assert (port.variable, port.type, port.default) == (
        "POINTSMAN_SERVER__PORT",
        "whole number",
        "`7070`",
    )
    assert settings["models.<id>.provider"].default == "required"
    assert settings["models.<id>.timeouts.connect_s"].type == "number"
    assert settings["routing.tiers"].meaning == "Lowest tier first."
    for member in ("input", "output", "cached", "written", "written_1h"):
        assert "per million tokens" in settings[f"models.<id>.price.{member}"].meaning, member
    assert settings["log.decisions"].type == '`"text"`, `"json"`, `"off"`'


def test_every_command_is_mentioned() -> None:
    names = [each.name for each in app.registered_commands]
    names += [each.name for each in app.registered_groups]
    text = page("command-line.md")

    assert [each for each in names if f"## pointsman {each}\n" not in text] == []


def test_every_path_and_every_older_name_is_mentioned() -> None:
    text = page("http-api.md")
    paths = [f"`{path.method} {reference.plain(path.path)}`" for path in PATHS]
    paths += [f"`{alias}`" for alias in ALIASES]

    assert [path for path in paths if path not in text] == []


def test_every_setting_has_a_meaning() -> None:
    assert [".".join(s.path) for s in reference.walk(Settings) if not s.meaning] == []


def test_every_code_of_an_error_is_mentioned() -> None:
    """Those of answers to clients; Pointsman's own paths say theirs in words."""
    source = ROOT / "src" / "pointsman"
    files = [source / "errors.py"]
    for folder in ("server", "calling", "formats", "batching", "access"):
        files += sorted((source / folder).rglob("*.py"))
    found = {
        code
        for file in files
        for line in re.findall(
            r"\bcode = .*|\bcode=.*|^_CODES = {[^}]*}",
            file.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
        for code in re.findall(r'"([a-z]+(?:_[a-z]+)+)"', line)
    }

    assert {"invalid_json", "price_unknown", "must_stay_local"} <= found
    text = page("errors.md")
    assert sorted(code for code in found if f"`{code}`" not in text) == []


async def test_every_reply_header_is_mentioned_and_no_other(gateway: Gateway) -> None:
    reply = await gateway.chat()

    sent = {header for header in reply.headers if header.startswith("x-pointsman-")}
    told = page("http-api.md").partition("## Reply headers")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(x-pointsman-[a-z-]+)` \|", told, re.MULTILINE)
    assert sent == set(rows)


async def test_every_member_of_a_record_is_mentioned(gateway: Gateway) -> None:
    record = await gateway.record(await gateway.chat())

    text = (ROOT / "docs" / "how-to" / "read-the-books.md").read_text(encoding="utf-8")
    assert [member for member in record if f"`{member}`" not in text] == []


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("errors.md", [f"| `{outcome}` |" for outcome in typing.get_args(Outcome)]),
        ("glossary.md", [f"`{gate}`" for gate in GATES]),
        ("glossary.md", [f"**{word}**" for word in WORDS_OF_THE_DESIGN.split()]),
    ],
)
def test_the_vocabulary_is_complete(where: str, words: list[str]) -> None:
    assert [word for word in words if word not in page(where)] == []
