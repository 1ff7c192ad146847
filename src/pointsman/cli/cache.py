"""`pointsman cache`: what is held, how it does, and what two prompts are to each other."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from pointsman.cache.view import CacheStats, Held
from pointsman.cli import cached
from pointsman.cli.options import ConfigOption, DaysOption, JsonOption, days_ago
from pointsman.cli.output import dollars, print_json, print_table
from pointsman.cli.pairs import baselines_of, decide_all
from pointsman.config import load
from pointsman.types import Selection

app = typer.Typer(
    help="Look at the cache, forget what it holds, and try it on pairs of prompts.",
    no_args_is_help=True,
)

OrganisationOption = Annotated[
    str | None, typer.Option("--organisation", metavar="NAME", help="Only this organisation's.")
]
ScopeOption = Annotated[
    str | None,
    typer.Option(
        "--scope", metavar="KEY", help="Only this key's, where keys do not share replies."
    ),
]
RouteOption = Annotated[
    str | None,
    typer.Option(
        "--route",
        metavar="NAME",
        help="Only what was asked for so: auto, local, cloud, a tier or a deployment.",
    ),
]
DeploymentOption = Annotated[
    str | None,
    typer.Option("--deployment", "--model", metavar="NAME", help="Only what this one answered."),
]
TagOption = Annotated[
    str | None, typer.Option("--tag", metavar="TAG", help="Only what has this tag.")
]
ReplyArgument = Annotated[
    str, typer.Argument(metavar="ID", help="As `cache ls` and the header x-pointsman-cache say it.")
]


@app.command()
def stats(
    config: ConfigOption = None, as_json: JsonOption = False, days: DaysOption = None
) -> None:
    """Show how the cache does: hits, savings, what it holds, and how often it was wrong."""
    found = asyncio.run(cached.figures(load(config), days_ago(days)))
    if as_json:
        print_json(found)
    else:
        _print_stats(found)


@app.command("ls")
def list_(
    *,
    organisation: OrganisationOption = None,
    scope: ScopeOption = None,
    route: RouteOption = None,
    deployment: DeploymentOption = None,
    tag: TagOption = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List cached replies, the newest first, without their words."""
    which = Selection(None, organisation, scope, route, deployment, tag)
    page = asyncio.run(cached.listed(load(config), which, limit))
    if as_json:
        print_json(page)
        return
    if page.data:
        print_table(_COLUMNS, [_row(reply) for reply in page.data])
    typer.echo(f"{page.count} replies, {_bytes(page.size)}")


@app.command()
def show(reply_id: ReplyArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show one cached reply with what it says."""
    reply = asyncio.run(cached.shown(load(config), reply_id))
    if as_json:
        print_json(reply)
        return
    print_table(_COLUMNS, [_row(reply)])
    if reply.turn is not None:
        typer.echo(f"\nthe prompt's last turn:\n{reply.turn}")
    typer.echo(f"\nthe reply:\n{reply.text}")


@app.command("rm")
def remove(reply_id: ReplyArgument, config: ConfigOption = None) -> None:
    """Forget one cached reply."""
    asyncio.run(cached.removed(load(config), reply_id))
    typer.echo(f"{reply_id} is forgotten")


@app.command()
def clear(
    *,
    organisation: OrganisationOption = None,
    scope: ScopeOption = None,
    route: RouteOption = None,
    deployment: DeploymentOption = None,
    tag: TagOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Forget all there is.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget the cached replies that fit all that is stated."""
    which = Selection(None, organisation, scope, route, deployment, tag)
    if (which == Selection()) != everything:
        raise typer.BadParameter("say which replies with options, or --all", param_hint="--all")
    count = asyncio.run(cached.cleared(load(config), which))
    if as_json:
        print_json({"removed": count})
    else:
        typer.echo(f"{count} replies are forgotten")


@app.command()
def reset(
    route: Annotated[str, typer.Argument(metavar="ROUTE", help="As `cache stats` names it.")],
    config: ConfigOption = None,
) -> None:
    """Let a route's semantic tier begin anew: forget what checks said of it."""
    count = asyncio.run(cached.begun_anew(load(config), route))
    typer.echo(f"{count} checks of {route} are forgotten")


@app.command("test")
def try_pairs(
    *,
    pairs: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="Rows {id, a, b, y?, cat?} as JSON lines, plain or gzip; - is standard input.",
        ),
    ],
    baselines: Annotated[
        bool,
        typer.Option(
            "--baselines", help="Beside plain cosine, with and without guard and verifier."
        ),
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say of each pair whether the reply to `a`, cached, would be given to `b`.

    As the semantic tier decides with these settings, switched on or not. `y` is 1 where that
    would be right, else 0: with it the summary has precision and recall.
    """
    settings = load(config)
    run = baselines_of if baselines else decide_all
    if bad := asyncio.run(run(settings, pairs, as_json=as_json)):
        typer.echo(f"pointsman: {bad} rows can't be used", err=True)
        raise typer.Exit(1)


_COLUMNS = (
    "cached reply", "organisation", "route", "deployment", "age #", "left #",
    "hits #", "cost $", "size #", "for", "tags",
)  # fmt: skip


def _row(reply: Held) -> tuple[str, ...]:
    left = (reply.expires - reply.stored).total_seconds() - reply.age_s
    return (
        reply.id,
        reply.organisation,
        reply.route,
        reply.deployment,
        _span(reply.age_s),
        _span(left) if left > 0 else "expired",
        str(reply.hits),
        dollars(reply.cost),
        _bytes(reply.bytes),
        "similar" if reply.semantic else "the same",
        " ".join(reply.tags),
    )


def _print_stats(found: CacheStats) -> None:
    rate = found.hit_rate
    for state, count in found.requests.items():
        share = {"exact": rate.exact, "semantic": rate.semantic}.get(state)
        typer.echo(f"{state:10}{count:>8}{_percent(share)}")
    typer.echo(
        f"{'hits':10}{found.requests['exact'] + found.requests['semantic']:>8}{_percent(rate.overall)}"
    )
    typer.echo(f"saved {dollars(found.saved)}")
    typer.echo(f"held  {found.replies} replies, {_bytes(found.bytes)}")
    if found.not_kept:
        reasons = ", ".join(f"{why} {count}" for why, count in found.not_kept.items())
        typer.echo(f"not kept since the start: {reasons}")
    if found.routes:
        typer.echo()
        print_table(
            (
                "route",
                "checks #",
                "false #",
                "rate #",
                "95 % #",
                "bound #",
                "threshold #",
                "complaints #",
                "now",
            ),
            [
                (
                    route.route,
                    str(route.checks),
                    str(route.false),
                    "" if route.rate is None else f"{route.rate:.3f}",
                    f"{route.low:.3f} to {route.high:.3f}",
                    f"{route.bound:g}",
                    f"{route.threshold:.3f}",
                    str(route.complaints),
                    ("on" if route.on else "off") + (f": {route.why}" if route.why else ""),
                )
                for route in found.routes
            ],
        )


def _percent(share: float | None) -> str:
    return "" if share is None else f"  {share:.1%} of what was looked up"


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"  # noqa: PLR2004


def _span(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
