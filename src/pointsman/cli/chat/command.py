"""`pointsman chat`: a conversation in the terminal."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from pointsman.cli.chat.chat import Chat, on_interrupt, until_stopped
from pointsman.cli.chat.commands import ask, obey
from pointsman.cli.chat.reach import reach
from pointsman.cli.chat.reading import is_piped, piped, put_together, typed
from pointsman.cli.chat.screen import Screen, screen
from pointsman.cli.chat.talk import Talk
from pointsman.cli.options import CloudOption, ConfigOption, LocalOption, ModelOption, asked_model
from pointsman.config import Settings, load


def chat(
    *,
    prompt: Annotated[
        list[str] | None,
        typer.Argument(
            help="A first question; - stands for all that comes from standard input, as one."
        ),
    ] = None,
    config: ConfigOption = None,
    model: ModelOption = "auto",
    local: LocalOption = False,
    cloud: CloudOption = False,
    system: Annotated[
        str, typer.Option("--system", metavar="TEXT", help="The system prompt.")
    ] = "",
    history: Annotated[
        bool, typer.Option(help="Keep what is typed, for the next time, in a file of this user's.")
    ] = True,
) -> None:
    """Talk to the models: each answer says who gave it, why, and for how much.

    Lines from a pipe are answered in turn; exit code 1 where one of them failed.
    """
    settings = load(config)
    first = put_together(prompt) if prompt else ""
    talk = Talk(model=asked_model(model, local=local, cloud=cloud), system=system)
    if not asyncio.run(_talk(settings, talk, first, screen(), keep=history)):
        raise typer.Exit(1)


async def _talk(settings: Settings, talk: Talk, first: str, shown: Screen, *, keep: bool) -> bool:
    """Whether all that a pipe asked for was done; whoever types sees what was not."""
    async with reach(settings, load=True) as client:
        names = tuple(await client.names())
        talking = Chat(client, shown, settings.home / "chats", names, talk)
        if is_piped():
            if first:
                await ask(talking, first)
            for line in piped(sys.stdin):
                await obey(talking, line)
                if talking.done:
                    break
            return not talking.failed
        version, states = await client.health()
        shown.status(f"Pointsman {version} at {client.address}: {', '.join(states)}. /help helps.")
        history = settings.home / "chat_history" if keep else None
        with on_interrupt(lambda: None):  # one that comes too late to stop an answer
            if first and not await until_stopped(ask(talking, first)):
                shown.complain("stopped")
            async for line in typed(talking, history):
                if not await until_stopped(obey(talking, line)):
                    shown.complain("stopped")
    return True
