"""`pointsman chat`: a conversation in the terminal."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from pointsman.cli.chat.chat import Chat, on_interrupt, until_stopped
from pointsman.cli.chat.commands import obey
from pointsman.cli.chat.reach import reach
from pointsman.cli.chat.reading import is_piped, piped, typed
from pointsman.cli.chat.screen import Screen, screen
from pointsman.cli.chat.talk import Talk
from pointsman.cli.options import CloudOption, ConfigOption, LocalOption, ModelOption, asked_model
from pointsman.config import Settings, load


def chat(
    *,
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
    talk = Talk(model=asked_model(model, local=local, cloud=cloud), system=system)
    if not asyncio.run(_talk(settings, talk, screen(), keep=history)):
        raise typer.Exit(1)


async def _talk(settings: Settings, talk: Talk, shown: Screen, *, keep: bool) -> bool:
    """Whether all that a pipe asked for was done; whoever types sees what was not."""
    async with reach(settings, load=True) as client:
        names = tuple(await client.names())
        talking = Chat(client, shown, settings.home / "chats", names, talk)
        if is_piped():
            for line in piped(sys.stdin):
                await obey(talking, line)
                if talking.done:
                    break
            return not talking.failed
        version, states = await client.health()
        shown.status(f"Pointsman {version} at {client.address}: {', '.join(states)}. /help helps.")
        history = settings.home / "chat_history" if keep else None
        with on_interrupt(lambda: None):  # one that comes too late to stop an answer
            async for line in typed(talking, history):
                if not await until_stopped(obey(talking, line)):
                    shown.complain("stopped")
    return True
