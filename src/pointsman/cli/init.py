"""`pointsman init`: look around, ask at most four questions, write a configuration."""

from __future__ import annotations

import asyncio
import os
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import platformdirs
import typer

from pointsman.assembly import discovery
from pointsman.assembly.wiring import missing_weights
from pointsman.cli import importing
from pointsman.cli.gateway import address_of
from pointsman.cli.output import dollars, print_json, print_table
from pointsman.config import ModelSettings, Settings, checked
from pointsman.errors import ConfigError
from pointsman.onboarding import pair as pairs
from pointsman.onboarding.became import Became
from pointsman.onboarding.draft import Table, rendered
from pointsman.onboarding.pair import Pair
from pointsman.onboarding.trial import Tried, tried
from pointsman.onboarding.writing import write
from pointsman.presets import presets
from pointsman.providers.detect import Server

#: Tokens of Claude Code's prompt for "say hi", by the gateway's estimate (version 2.1.197).
AGENT_TOKENS = 19_000
#: Tokens that leave room for an agent's work.
_ROOMY = 32_768
#: Models that a question lists.
_LISTED = 9
#: Characters of an answer that are shown.
_SHOWN = 40
#: How files of LiteLLM end.
_YAML = frozenset({".yaml", ".yml"})


class Found(msgspec.Struct):
    """A model server that answered."""

    kind: str
    address: str
    models: Sequence[str]


class Chosen(msgspec.Struct):
    """A deployment of the new configuration."""

    provider: str
    model: str
    location: str
    tier: str


class Step(msgspec.Struct):
    """A command to type, and what it is for."""

    command: str
    what: str


class Did(msgspec.Struct):
    """All that came of it, for scripts. No secret is in it."""

    #: What was written, and where the old one is.
    file: str
    replaced: str | None = None
    #: What was found; the variable that holds the key, by provider.
    servers: Sequence[Found] = ()
    keys: Mapping[str, str] = {}
    #: What was taken over.
    became: Sequence[Became] = ()
    models: Mapping[str, Chosen] = {}
    tested: Sequence[Tried] = ()
    next: Sequence[Step] = ()


def init(
    *,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="Where to write; else POINTSMAN_CONFIG, or ./pointsman.toml.",
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing; take the defaults.")
    ] = False,
    take_over: Annotated[
        list[Path] | None,
        typer.Option(
            "--import",
            metavar="FILE",
            help="Take over another router's .env, or LiteLLM's config.yaml; may be repeated.",
        ),
    ] = None,
    server: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="Look for a model server there, not at the usual addresses; may be repeated.",
        ),
    ] = None,
    test: Annotated[bool, typer.Option(help="Send one test prompt to each model.")] = True,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file; the old one is kept beside it.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, and ask nothing, as with --yes.")
    ] = False,
) -> None:
    """Find models and keys, or take over another router's settings; write a pointsman.toml."""
    yes = yes or as_json
    file = config or Path(os.environ.get("POINTSMAN_CONFIG") or "pointsman.toml")
    if file.exists() and yes and not force:
        raise ConfigError(f"{file} is there already; --force replaces it and keeps the old one")
    environment: Mapping[str, str] = os.environ
    did = Did(str(file))
    if take_over:
        tables, environment = _imported(take_over, did, environment, silent=as_json)
    else:
        tables = _found(server, did, yes=yes, silent=as_json)
    text = rendered(tables)
    settings = _checked(text)
    if test and _agrees("Send one test prompt to each model?", yes=yes):
        did.tested = _tested(settings, environment, silent=as_json)
    replacing = "Replace" if file.exists() else "Write"
    if not _agrees(f"{replacing} {file}?", yes=yes, default=force or not file.exists()):
        typer.echo(text)
        raise typer.Exit(1)
    kept = write(file, text)
    did.replaced = str(kept) if kept else None
    did.models = _chosen(settings)
    did.next = _next(settings, [each for each in take_over or () if each.suffix not in _YAML])
    print_json(did) if as_json else _say_done(did)


def _imported(
    files: Sequence[Path], did: Did, environment: Mapping[str, str], *, silent: bool
) -> tuple[Sequence[Table], Mapping[str, str]]:
    """The tables of what is taken over, and the environment with what goes into it."""
    imported, environment = importing.taken_over(files, environment)
    did.became = imported.became
    if not silent:
        importing.say(imported.became)
    return imported.tables, environment


def _found(addresses: Sequence[str] | None, did: Did, *, yes: bool, silent: bool) -> list[Table]:
    """The tables of the pair that was chosen from what is there."""
    servers = asyncio.run(discovery.servers(addresses or discovery.addresses(os.environ)))
    settings = discovery.with_found(Settings(home=_home()), servers, os.environ)
    keys = did.keys = _keys(os.environ)
    did.servers = [Found(each.kind, each.base_url, each.models) for each in servers]
    if not silent:
        _say_found(servers, keys)
    pair = pairs.suggested(settings.models)
    if not yes:
        pair = _asked(settings.models, pair)
    if pair.hard is None and not keys and not silent:
        typer.echo(
            "No key of a provider is set, so all goes to one model. For what is hard: "
            "export ANTHROPIC_API_KEY=..., and `pointsman init` again.\n"
        )
    return list(pairs.tables(pair, settings.models, keys))


def _home() -> Path:
    return Path(os.environ.get("POINTSMAN_HOME") or platformdirs.user_data_dir("pointsman"))


def _keys(environment: Mapping[str, str]) -> dict[str, str]:
    """The variable that holds the key, by provider."""
    return {
        name: next(key for key in preset.keys if environment.get(key))
        for name, preset in presets().items()
        if any(environment.get(key) for key in preset.keys)
    }


def _say_found(servers: Sequence[Server], keys: Mapping[str, str]) -> None:
    for each in servers:
        models = ", ".join(each.models[:_LISTED]) or "no models"
        typer.echo(f"Found {each.kind} at {each.base_url}: {models}")
    if not servers:
        typer.echo("Found no model server on this machine.")
    typer.echo(f"Found {', '.join(keys.values()) or 'no key of a provider'} in the environment.\n")


def _asked(models: Mapping[str, ModelSettings], pair: Pair) -> Pair:
    """The pair that the user wants."""
    easy = _pick("Which model answers what is easy?", pairs.easy_ones(models), models)
    rest = [name for name in pairs.hard_ones(models) if name != easy]
    if not rest:
        return Pair(easy, None)
    first = pair.hard if pair.hard in rest else rest[0]
    offered = [first, *(name for name in rest if name != first)]
    return Pair(easy, _pick("Which answers what is hard?", offered, models))


def _pick(question: str, names: Sequence[str], models: Mapping[str, ModelSettings]) -> str:
    """One of them, by its number or its name; the first where nothing is said."""
    typer.echo(question)
    for number, name in enumerate(names[:_LISTED], 1):
        typer.echo(f"  {number}  {name} ({models[name].where})")

    def read(said: str) -> str:
        if said in names:
            return said
        if said.isdecimal() and 1 <= int(said) <= len(names):
            return names[int(said) - 1]
        raise typer.BadParameter("a number of the list, or a name")

    picked: str = typer.prompt("Number", default="1", value_proc=read)
    return picked


def _agrees(question: str, *, yes: bool, default: bool = True) -> bool:
    return yes or typer.confirm(question, default=default)


def _checked(text: str) -> Settings:
    """The file as the gateway will read it. Raises ConfigError."""
    return checked({"home": str(_home()), **tomllib.loads(text)})


def _tested(settings: Settings, environment: Mapping[str, str], *, silent: bool) -> Sequence[Tried]:
    """What came of a test prompt to each model; nothing where they can't be tested."""
    if missing_weights(settings):
        return ()
    try:
        results = asyncio.run(tried(settings.models, settings.home, environment))
    except ConfigError as error:
        typer.echo(f"No test: {error}\n", err=True)
        return ()
    if not silent:
        _say_tested(settings, results)
    return results


def _say_tested(settings: Settings, results: Sequence[Tried]) -> None:
    if not results:
        return
    rows = [
        (
            each.deployment,
            f"{each.latency_ms / 1000:.1f} s" if each.latency_ms is not None else "",
            dollars(each.cost) if each.answered else "",
            str(each.context_length or "unknown") if each.answered else "",
            " ".join(each.words.split())[:_SHOWN] if each.answered else "no answer",
        )
        for each in results
    ]
    print_table(("model", "time #", "cost $", "context #", "answer"), rows)
    for each in results:
        if not each.answered:
            typer.echo(f"{each.deployment}: {each.words}; `pointsman doctor` looks at it", err=True)
        elif (each.context_length or AGENT_TOKENS) < AGENT_TOKENS:
            typer.echo(_too_small(each.deployment, settings.models[each.deployment], each))
    typer.echo()


def _too_small(name: str, model: ModelSettings, seen: Tried) -> str:
    mend = (
        f'say context_length = {_ROOMY} under [models."{name}"]'
        if model.provider == "ollama"
        else "start it with more"
    )
    return f"{name} takes {seen.context_length} tokens, and an agent begins with {AGENT_TOKENS}: {mend}"


def _typed(file: Path) -> str:
    """A path as a shell's `.` takes it: it looks for a bare name elsewhere."""
    return shlex.quote(str(file) if "/" in str(file) else f"./{file}")


def _next(settings: Settings, with_keys: Sequence[Path]) -> Sequence[Step]:
    """What to type now."""
    missing = [m.model for m in settings.models.values() if m.provider == "embedded"]
    steps = [Step(f"set -a; . {_typed(file)}; set +a", "its keys") for file in with_keys]
    if missing and missing_weights(settings):
        steps.append(Step(f"pointsman models pull {missing[0]}", "a small model of its own"))
    return [
        *steps,
        Step("pointsman serve", f"{address_of(settings)}/v1 for any client"),
        Step("pointsman launch claude", "or codex, opencode, aider, llm"),
        Step("pointsman snippets", "for libraries, agents and editors"),
    ]


def _chosen(settings: Settings) -> Mapping[str, Chosen]:
    return {
        name: Chosen(each.provider, each.model, each.where, settings.tier_of(each))
        for name, each in settings.models.items()
    }


def _say_done(did: Did) -> None:
    kept = f" The old one is {did.replaced}." if did.replaced else ""
    typer.echo(f"Wrote {did.file}; only you can read it.{kept}")
    typer.echo("Next:")
    for step in did.next:
        typer.echo(f"  {step.command:<36} # {step.what}")
