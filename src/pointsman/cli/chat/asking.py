"""Commands that say who is to answer."""

from __future__ import annotations

from pointsman.cli.chat import words
from pointsman.cli.chat.chat import Chat
from pointsman.cli.chat.talk import Content, Turn
from pointsman.errors import BadRequest


async def model(chat: Chat, rest: str) -> None:
    """Show who may be asked, or say who is, from now on."""
    if not rest:
        marked = [f"{'*' if name == chat.talk.model else ' '} {name}" for name in chat.names]
        chat.screen.say(*marked)
        return
    await _from_now_on(chat, rest)


async def local(chat: Chat, rest: str) -> None:
    """Ask local models only, for TEXT or from now on."""
    await _towards(chat, "local", rest)


async def cloud(chat: Chat, rest: str) -> None:
    """Ask models in the cloud only, for TEXT or from now on."""
    await _towards(chat, "cloud", rest)


async def auto(chat: Chat, rest: str) -> None:
    """Leave it to the score, for TEXT or from now on."""
    await _towards(chat, "auto", rest)


async def retry(chat: Chat, rest: str) -> None:
    """Ask the last question again, in place of its last answer."""
    name = await _known(chat, rest) if rest else None
    question, before = _take_back(chat)
    said = len(chat.talk.turns)
    try:
        await chat.ask(question, name, anew=True)
    finally:
        if before is not None and len(chat.talk.turns) == said:  # no new answer came
            chat.talk.turns.append(before)


async def compare(chat: Chat, rest: str) -> None:
    """Ask the last question of several, or local and cloud; only shown."""
    names = [await _known(chat, each) for each in rest.split() or ("local", "cloud")]
    question, before = _take_back(chat)
    rows: list[tuple[str, ...]] = []
    try:
        for name in names:
            chat.screen.say("", f"{name}:")
            heard = await chat.show(question, name, anew=True)
            if heard.record is not None:
                rows.append(words.figures(heard.record, heard.place))
            if heard.stopped:
                break
    finally:
        if before is not None:
            chat.talk.turns.append(before)
    if rows:
        chat.screen.say("", *words.columns(rows))


async def _towards(chat: Chat, name: str, text: str) -> None:
    if text:
        await chat.ask(chat.talk.question(text), name)
    else:
        await _from_now_on(chat, name)


async def _from_now_on(chat: Chat, name: str) -> None:
    chat.talk.model = await _known(chat, name)
    chat.screen.say(f"from now on: {name}")


async def _known(chat: Chat, name: str) -> str:
    """`name` where it may be asked for. Raises GatewayRefused."""
    if name not in chat.names:
        await chat.client.check(name)
    return name


def _take_back(chat: Chat) -> tuple[Content, Turn | None]:
    """The last question, and the turn that it led to, which is taken out. Raises BadRequest."""
    talk = chat.talk
    if talk.asked is None:
        raise BadRequest("nothing was asked yet")
    answered = bool(talk.turns) and talk.turns[-1].question == talk.asked
    return talk.asked, talk.turns.pop() if answered else None
