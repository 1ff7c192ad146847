"""Prompts as completions and embeddings take them: a text, tokens, or several of either. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from pointsman.errors import BadRequest
from pointsman.tokens import estimate_tokens

MAX_PROMPTS = 2048  # OpenAI's limit of an array of inputs

#: The member of a request that holds them. An array of numbers is one prompt.
Prompts: TypeAlias = str | list[str | int | list[int]]


class Prompt(msgspec.Struct, frozen=True):
    """One prompt. Tokens have no text here, so their numbers stand for it."""

    text: str
    tokens: int


def each(prompts: Prompts, param: str) -> Sequence[Prompt]:
    """The prompts one by one. Raises BadRequest where there are none, too many, or mixed kinds."""
    entries = [prompts] if isinstance(prompts, str) else prompts
    texts = [entry for entry in entries if isinstance(entry, str)]
    tokens = [entry for entry in entries if isinstance(entry, int)]
    rows = [tokens] if tokens else [entry for entry in entries if isinstance(entry, list)]
    if not entries or len(entries) not in {len(texts), len(tokens), len(rows)} or [] in rows:
        kinds = "a string, an array of strings, or one or more arrays of tokens"
        raise BadRequest(f"'{param}' must be {kinds}.", param=param)
    if len(texts) + len(rows) > MAX_PROMPTS:
        raise BadRequest(f"'{param}' must not hold more than {MAX_PROMPTS}.", param=param)
    return [
        *(Prompt(text, estimate_tokens(text)) for text in texts),
        *(Prompt(" ".join(map(str, row)), len(row)) for row in rows),
    ]
