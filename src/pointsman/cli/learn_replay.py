"""`pointsman learn replay`: what learning is worth on labelled rows, in a throw-away store."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from pointsman.cli import rehearsal
from pointsman.cli.batch import Scored
from pointsman.cli.options import JsonOption
from pointsman.cli.output import print_table
from pointsman.proof.rows import Event, Prompt, read_all

#: Of a score; beyond them the number of threads tells.
_DIGITS = 9


def replay(
    *,
    events: Annotated[
        str,
        typer.Option(metavar="FILE", help="Labelled rows that are served, in random order."),
    ],
    rank: Annotated[
        str, typer.Option(metavar="FILE", help="Prompts that are scored afterwards, unlabelled.")
    ],
    seed: Annotated[int, typer.Option(min=0, help="Of all that is random.")] = 0,
    strong: Annotated[
        float, typer.Option(min=0, max=1, help="The share of rows that the strong model answers.")
    ] = 0.5,
    routed: Annotated[
        bool,
        typer.Option("--routed", help="Let the score choose, and explore, as the gateway does."),
    ] = False,
    rated: Annotated[
        float, typer.Option(min=0, max=1, help="The share of answers that are rated.")
    ] = 1.0,
    flipped: Annotated[
        float, typer.Option(min=0, max=1, help="The share of ratings that say the opposite.")
    ] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Learn from labelled rows as from traffic, then score other prompts by what was learned.

    An event is {prompt, weak_score, strong_score}, with scores of 0-1; of each only the score of the
    model that answered is seen. Files are JSON lines, plain or gzip. Nothing is kept.
    """
    prompts = read_all(rank, Prompt)
    found = rehearsal.rehearse(
        read_all(events, Event),
        prompts,
        seed=seed,
        even=None if routed else strong,
        rated=rated,
        flipped=flipped,
    )
    scored = _scored(prompts, found.scores)
    if as_json:
        encode = msgspec.json.Encoder().encode
        sys.stdout.writelines(encode(each).decode() + "\n" for each in scored)
        return
    print_table(("id", "score #"), [(str(each.id), f"{each.score:.2f}") for each in scored])
    run = found.run
    typer.echo(
        f"{len(scored)} prompts, scored after {len(run.missed)} answers, {len(run.outcomes)} of them"
        f" rated; exploring took {run.extra / run.spent:.1%} of what was spent"
    )


def _scored(prompts: Sequence[Prompt], scores: Sequence[float]) -> list[Scored]:
    return [
        Scored(id=number if prompt.id is None else prompt.id, score=round(score, _DIGITS))
        for number, (prompt, score) in enumerate(zip(prompts, scores, strict=True), start=1)
    ]
