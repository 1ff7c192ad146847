"""Prompts as rows, and what is said to their table. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

import msgspec
from sqlalchemy import Dialect, Select, select

from pointsman.storage.filters import of_scope
from pointsman.storage.schema import prompts
from pointsman.storage.statements import Prepared, replacing
from pointsman.types import Scope, StoredPrompt

_encode = msgspec.json.Encoder().encode
_kinds = msgspec.json.Decoder(tuple[str, ...])


class PromptRow(TypedDict):
    """One row of `prompts`."""

    request_id: str
    time: datetime
    organisation: str
    key: str
    prompt: str
    reply: str | None
    redacted: str


def keep(dialect: Dialect) -> Prepared:
    """Write a prompt, in place of what is there for its request."""
    return replacing(prompts, dialect)


def prompt(request_id: str, scope: Scope) -> Select[*tuple[object, ...]]:
    """One prompt, or none."""
    return select(prompts).where(prompts.c.request_id == request_id, *of_scope(prompts, scope))


def prompt_row(kept: StoredPrompt) -> PromptRow:
    """The prompt as a row."""
    return {
        "request_id": kept.request_id,
        "time": kept.time,
        "organisation": kept.organisation,
        "key": kept.key,
        "prompt": kept.prompt,
        "reply": kept.reply,
        "redacted": _encode(kept.redacted).decode(),
    }


def read_prompt(row: PromptRow) -> StoredPrompt:
    """The prompt that `prompt_row` wrote."""
    return StoredPrompt(
        request_id=row["request_id"],
        time=row["time"],
        organisation=row["organisation"],
        key=row["key"],
        prompt=row["prompt"],
        reply=row["reply"],
        redacted=_kinds.decode(row["redacted"]),
    )
