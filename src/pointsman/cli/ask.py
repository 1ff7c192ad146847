"""`pointsman ask`: one prompt, one answer."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Annotated

import msgspec
import typer

from pointsman.cli.chat import words
from pointsman.cli.chat.chat import Heard, hear, look_up
from pointsman.cli.chat.client import GatewayRefused, Used
from pointsman.cli.chat.reach import reach
from pointsman.cli.chat.reading import is_piped, put_together
from pointsman.cli.chat.screen import Screen, Silent, screen
from pointsman.cli.chat.talk import Talk
from pointsman.cli.options import (
    CloudOption,
    ConfigOption,
    JsonOption,
    LocalOption,
    ModelOption,
    asked_model,
)
from pointsman.cli.output import print_json
from pointsman.config import Settings, load

#: What a shell says of a command that Ctrl-C ended.
_INTERRUPTED = 130


class Figures(msgspec.Struct):
    """An answer with what it took; amounts in US dollars, None where the price is unknown."""

    response: str
    model_used: str
    difficulty_tag: str
    #: None where nothing was scored: the cache answered.
    score: float | None
    input_tokens: int
    output_tokens: int
    estimated_cost: Decimal | None
    estimated_savings: Decimal | None
    latency_ms: float
    request_id: str


class Failure(msgspec.Struct):
    """Why there is no answer."""

    message: str
    #: Empty where the gateway did not hear the question.
    request_id: str


def ask(
    *,
    prompt: Annotated[
        list[str] | None,
        typer.Argument(
            help="The prompt; - stands for what comes from standard input, and so does none."
        ),
    ] = None,
    config: ConfigOption = None,
    model: ModelOption = "auto",
    local: LocalOption = False,
    cloud: CloudOption = False,
    system: Annotated[
        str, typer.Option("--system", metavar="TEXT", help="The system prompt.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Answer a prompt, word by word; what it took goes to standard error."""
    settings = load(config)
    if not prompt and not is_piped():
        raise typer.BadParameter("say a prompt, or pipe one in")
    text = put_together(prompt or ["-"])
    talk = Talk(model=asked_model(model, local=local, cloud=cloud), system=system)
    shown = Silent() if as_json else screen()
    heard = asyncio.run(_ask(settings, talk, text, shown))
    if as_json and heard.error is None and not heard.stopped:
        print_json(_figures(heard))
    elif heard.status:
        shown.status(_with_id(heard))
    if heard.error is not None:
        if as_json:
            print_json({"error": Failure(str(heard.error), heard.request_id)})
        look = f"`pointsman decisions {heard.request_id}`"
        hint = words.what_to_do(heard.request_id, heard.record, look)
        raise GatewayRefused(f"{heard.error}{hint}") from heard.error
    if heard.stopped:
        raise typer.Exit(_INTERRUPTED)


async def _ask(settings: Settings, talk: Talk, text: str, shown: Screen) -> Heard:
    async with reach(settings) as client:
        with shown.answer() as write:
            heard = await hear(client, talk.body(text), {}, write)
        await look_up(client, heard)
        return heard


def _with_id(heard: Heard) -> str:
    return f"{heard.status} | {heard.answer.request_id}" if heard.answer else heard.status


def _figures(heard: Heard) -> Figures:
    record = heard.record
    if record is None:
        raise GatewayRefused("there is an answer, but the books do not say what it took")
    used = record.usage or Used()
    return Figures(
        response=heard.text,
        model_used=record.deployment or "",
        difficulty_tag=record.tier,
        score=record.score,
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        estimated_cost=record.cost,
        estimated_savings=record.saved,
        latency_ms=record.latency_ms or 0.0,
        request_id=record.request_id,
    )
