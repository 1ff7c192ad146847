"""`pointsman ask`: one prompt, one answer."""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from typing import Annotated

import msgspec
import typer

from pointsman.app import missing_weights
from pointsman.cli import remote
from pointsman.cli.options import ConfigOption, JsonOption, ModelOption
from pointsman.cli.output import print_json
from pointsman.config import Settings, load
from pointsman.errors import ConfigError
from pointsman.offline import running_at
from pointsman.router import Router
from pointsman.types import Json


class Figures(msgspec.Struct):
    """What `/v1/complete` answers."""

    response: str
    model_used: str
    difficulty_tag: str
    score: float
    input_tokens: int
    output_tokens: int
    estimated_cost: Decimal | None
    estimated_savings: Decimal | None
    latency_ms: float
    request_id: str


def ask(
    prompt: Annotated[str, typer.Argument(help="The prompt; - reads it from standard input.")],
    config: ConfigOption = None,
    model: ModelOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Answer a prompt: through the running gateway, or in this process where none runs."""
    settings = load(config)
    text = sys.stdin.read() if prompt == "-" else prompt
    if not text.strip():
        raise typer.BadParameter("the prompt is empty")
    address = running_at(settings)
    if address is not None:
        body: dict[str, Json] = {"prompt": text, "force_tier": model}
        figures = remote.call(settings, address, "/v1/complete", Figures, body)
    else:
        figures = asyncio.run(_in_process(settings, text, model))
    if as_json:
        print_json(figures)
        return
    typer.echo(figures.response)
    typer.echo(
        f"[{figures.model_used} | {figures.difficulty_tag} | score {figures.score:.0f} | "
        f"{figures.output_tokens} tokens | {figures.latency_ms:.0f} ms | {figures.request_id}]",
        err=True,
    )


async def _in_process(settings: Settings, prompt: str, model: str) -> Figures:
    if missing := missing_weights(settings):
        raise ConfigError(missing)
    async with Router.from_settings(settings) as router:
        done = await router.complete(prompt, model=model)
    return Figures(
        response=done.text,
        model_used=done.deployment,
        difficulty_tag=done.tier,
        score=done.decision.score,
        input_tokens=done.usage.input_tokens,
        output_tokens=done.usage.output_tokens,
        estimated_cost=done.cost,
        estimated_savings=done.saved,
        latency_ms=done.latency_ms,
        request_id=done.request_id,
    )
