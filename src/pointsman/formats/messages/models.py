"""What Claude models differ in: requests that one takes are a 400 at another.

From Anthropic's migration guides of Claude Opus 5.5, Sonnet 5.5 and Haiku 5.5, and its pages on
thinking and on mid-conversation system messages, as of 2026-11. It only concerns requests that are
translated; what came in this format goes on as it came.
"""

from __future__ import annotations

import re

import msgspec

_NAME = re.compile(r"claude-(?:([a-z]+)-)?(\d+)(?:[-.](\d{1,2}))?(?!\d)")
_NEWEST = (99, 0)


class Takes(msgspec.Struct, frozen=True):
    """What a model takes."""

    #: It is one of Anthropic's: thinking needs its signature.
    claude: bool = False
    #: `thinking.type: enabled` with `budget_tokens`; others take `adaptive` and an effort.
    budgets: bool = True
    #: The `thinking.type` that keeps it from thinking first; None where it always may.
    off: str | None = "disabled"
    xhigh: bool = True
    #: `temperature`, `top_p` and `top_k` other than the defaults.
    sampling: bool = True
    #: `tool_choice` of type `any` or `tool`.
    forced_tools: bool = True
    #: A last message of role `assistant`, to be gone on with.
    prefill: bool = True
    #: Messages of role `system` after a user's.
    system_turns: bool = False


def takes(model: str) -> Takes:
    """What the model of that name takes; an unknown Claude is taken for the newest."""
    if "claude" not in model:
        return Takes()
    named = _NAME.search(model)
    family = (named[1] if named else None) or ""
    version = (int(named[2]), int(named[3] or 0)) if named else _NEWEST
    return Takes(
        claude=True,
        budgets=version < (4, 6),
        off=_off(family, version),
        xhigh=version >= (4, 7),
        sampling=version < (4, 7),
        forced_tools=version < (5, 1) or family == "haiku",
        prefill=version < (4, 6),
        system_turns=version >= (4, 8),
    )


def _off(family: str, version: tuple[int, int]) -> str | None:
    if version < (5, 1) and family not in {"fable", "mythos"}:
        return "disabled"
    return {"haiku": "disabled", "sonnet": "between_tools"}.get(family)
