"""`pointsman chat`: a conversation in the terminal."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from pointsman.cli.chat.chat import Chat, on_interrupt, until_stopped
from pointsman.cli.chat.commands import ask, obey
from pointsman.cli.chat.keeping import stands
from pointsman.cli.chat.reach import reach
from pointsman.cli.chat.reading import is_piped, piped, put_together, typed
from pointsman.cli.chat.screen import Screen, screen
from pointsman.cli.chat.shelf import Shelf
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
        bool,
        typer.Option(help="Keep what is typed and said, for the next time, in this user's files."),
    ] = True,
    continued: Annotated[
        bool, typer.Option("--continue", help="Go on with the last conversation.")
    ] = False,
) -> None:
    """Talk to the models: each answer says who gave it, why, and for how much.

    Lines from a pipe are answered in turn; exit code 1 where one of them failed.
    """
    settings = load(config)
    first = put_together(prompt) if prompt else ""
    shown = screen()
    # What comes from a pipe is nobody's last conversation, unless it goes on with it.
    shelf = Shelf(settings.home, keeps_last=history and (continued or not is_piped()))
    talk = Talk()
    if continued:
        talk.restore(shelf.newest().read_bytes())
    asked = asked_model(model, local=local, cloud=cloud)
    talk.model = talk.model if asked == "auto" else asked
    talk.system = system or talk.system
    for line in stands("continued", talk) if continued else ():
        shown.status(line)
    if not asyncio.run(_talk(settings, shelf, talk, first, shown, keep=history)):
        raise typer.Exit(1)


async def _talk(
    settings: Settings, shelf: Shelf, talk: Talk, first: str, shown: Screen, *, keep: bool
) -> bool:
    """Whether all that a pipe asked for was done; whoever types sees what was not."""
    async with reach(settings, load=True) as client:
        names = tuple(await client.names())
        talking = Chat(client, shown, shelf, names, talk)
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
