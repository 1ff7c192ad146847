"""Commands that look at what happened, and say what one thinks of it."""

from __future__ import annotations

import msgspec

from pointsman.cli.chat import words
from pointsman.cli.chat.chat import Chat
from pointsman.cli.chat.client import Decided, Record
from pointsman.errors import BadRequest


class _Stored(msgspec.Struct):
    stored: bool


async def info(chat: Chat, rest: str) -> None:
    """Show the gateway, its deployments and this conversation."""
    del rest
    version, states = await chat.client.health()
    talk = chat.talk
    chat.screen.say(
        f"gateway   Pointsman {version} at {chat.client.address}",
        f"asks      {talk.model}",
        *words.columns(
            [
                ("there is" if not n else "", name, state)
                for n, (name, state) in enumerate(states.items())
            ]
        ),
        f"said      {len(talk.turns)} answers, about {talk.tokens} tokens",
        f"system    {talk.system or '(none)'}",
    )
    if talk.parameters:
        chat.screen.say("set       " + ", ".join(f"{k}={v}" for k, v in talk.parameters.items()))
    if chat.last is not None:
        chat.screen.say(f"last      {chat.last.request_id}")


async def route(chat: Chat, rest: str) -> None:
    """Show where a text would go and why; asks nobody."""
    if not rest:
        raise BadRequest("/route TEXT")
    body = chat.talk.body(rest)
    decided = await chat.client.post("/v1/route", body, Decided)
    chat.screen.say(
        f"goes to   {decided.deployment or 'nobody'}, for about "
        f"{words.money(decided.estimated_cost_usd)}",
        *words.why(decided),
    )


async def why(chat: Chat, rest: str) -> None:
    """Show why the last answer came from where it did, or from nowhere."""
    del rest
    record = chat.asked or _last(chat)
    chat.screen.say(*words.why(record), *words.became(record))


async def tokens(chat: Chat, rest: str) -> None:
    """Show how many tokens were said, and what each context has left."""
    del rest
    talk = chat.talk
    chat.contexts |= await chat.client.contexts()
    asked = {talk.model} & set(chat.contexts) or set(chat.contexts)
    contexts = {name: size for name, size in chat.contexts.items() if name in asked}
    chat.screen.say(f"said      {len(talk.turns)} answers, about {talk.tokens:,} tokens")
    if chat.last is not None and chat.last.usage is not None:
        used = chat.last.usage
        counted = f"{used.input_tokens:,} + {used.output_tokens:,} tokens"
        chat.screen.say(f"counted   {counted} for the last answer, by {chat.last.deployment}")
    chat.screen.say(*words.room(talk.tokens, contexts))


async def cost(chat: Chat, rest: str) -> None:
    """Show what this session cost, and what it saved."""
    del rest
    chat.screen.say(*words.totals(chat.totals))


async def good(chat: Chat, rest: str) -> None:
    """Say that the last answer was good."""
    await _rate(chat, 1, rest)


async def bad(chat: Chat, rest: str) -> None:
    """Say that the last answer was bad; a cached one is forgotten."""
    await _rate(chat, -1, rest)


async def _rate(chat: Chat, rating: int, note: str) -> None:
    body: dict[str, object] = {"request_id": _last(chat).request_id, "rating": rating}
    await chat.client.post("/v1/feedback", {**body, **({"comment": note} if note else {})}, _Stored)
    chat.screen.say("noted")


def _last(chat: Chat) -> Record:
    if chat.last is None:
        raise BadRequest("there is no answer yet")
    return chat.last
