"""The shape of a Messages request, walked and checked; errors are in Anthropic's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pointsman.errors import BadRequest
from pointsman.types import Json

_ROLES = ("user", "assistant", "system")


class Spoken(NamedTuple):
    """One member of `messages`."""

    role: str
    blocks: list[dict[str, Json]]
    message: dict[str, Json]
    place: str


def wrong(place: str, what: str) -> BadRequest:
    """An error that names the member by its path: `messages.0.content: Field required`."""
    return BadRequest(f"{place}: {what}", param=place)


def missing(place: str) -> BadRequest:
    """A member that must be there is not."""
    return wrong(place, "Field required")


def text(value: dict[str, Json], name: str, place: str) -> str:
    """A string that must be there. Raises BadRequest."""
    member = value.get(name)
    if member is None:
        raise missing(f"{place}.{name}")
    if not isinstance(member, str):
        raise wrong(f"{place}.{name}", "Input should be a valid string")
    return member


def mapping(value: dict[str, Json], name: str, place: str) -> dict[str, Json]:
    """An object that must be there. Raises BadRequest."""
    member = value.get(name)
    if member is None:
        raise missing(f"{place}.{name}")
    if not isinstance(member, dict):
        raise wrong(f"{place}.{name}", "Input should be a valid dictionary")
    return member


def spoken(value: dict[str, Json]) -> list[Spoken]:
    """`messages`, with every content as blocks. Raises BadRequest."""
    messages = value.get("messages")
    if messages is None:
        raise missing("messages")
    if not isinstance(messages, list):
        raise wrong("messages", "Input should be a valid list")
    if not messages:
        raise wrong("messages", "at least one message is required")
    return [_spoken(message, f"messages.{i}") for i, message in enumerate(messages)]


def system(value: dict[str, Json]) -> list[dict[str, Json]]:
    """The system prompt's text blocks, none where there is no prompt. Raises BadRequest."""
    prompt = value.get("system")
    found = [] if prompt is None else blocks(prompt, "system")
    _only_text(found, "system")
    return found


def blocks(content: Json, place: str) -> list[dict[str, Json]]:
    """Content as blocks: a string is one block of text. Raises BadRequest."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise wrong(place, "Input should be a valid string or a valid list")
    return [_block(block, f"{place}.{i}") for i, block in enumerate(content)]


def nested(block: dict[str, Json], place: str) -> list[dict[str, Json]]:
    """The blocks in a tool's result. Raises BadRequest."""
    content = block.get("content")
    return [] if content is None else blocks(content, f"{place}.content")


def every(found: list[dict[str, Json]]) -> Iterator[dict[str, Json]]:
    """The blocks and those nested in them; tool results only in their parts."""
    for block in found:
        if block["type"] == "tool_result":
            yield from every(nested(block, "tool_result"))
        else:
            yield block


def texts(found: list[dict[str, Json]]) -> str:
    """The text of text blocks, one below the other."""
    said = [block["text"] for block in found if block["type"] == "text"]
    return "\n".join(each for each in said if isinstance(each, str))


def _spoken(message: Json, place: str) -> Spoken:
    if not isinstance(message, dict):
        raise wrong(place, "Input should be a valid dictionary")
    role = message.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise wrong(f"{place}.role", "Input should be 'user', 'assistant' or 'system'")
    content = message.get("content")
    if content is None and role == "system":
        content = []
    if content is None:
        raise missing(f"{place}.content")
    found = blocks(content, f"{place}.content")
    if role == "system":
        _only_text(found, f"{place}.content")
    return Spoken(role, found, message, place)


def _block(block: Json, place: str) -> dict[str, Json]:
    if not isinstance(block, dict):
        raise wrong(place, "Input should be a valid dictionary")
    kind = text(block, "type", place)
    if kind == "text":
        text(block, "text", place)
    elif kind == "tool_result":
        nested(block, place)
    return block


def _only_text(found: list[dict[str, Json]], place: str) -> None:
    for i, block in enumerate(found):
        if block["type"] != "text":
            raise wrong(f"{place}.{i}.type", "Input should be 'text'")
