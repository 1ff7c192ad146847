"""What is clearly wrong with a draft, whatever was learned: rules with names. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pointsman.calling.answer_features import OPENING, Text
from pointsman.calling.answer_format import (
    begins_as_json,
    code_fault,
    json_fault,
    speaks,
    wanted_language,
)
from pointsman.calling.answer_prompt import asked
from pointsman.calling.answer_words import HARMFUL, REFUSAL
from pointsman.calling.draft import Draft

#: What a draft is worth of which a rule says that something is wrong with it.
RULES: Mapping[str, float] = {
    "empty": 0.02,
    "withheld": 0.03,
    "loop": 0.03,
    "garbled": 0.03,
    "invalid_json": 0.03,
    "missing_member": 0.05,
    "refusal": 0.06,
    "echo": 0.06,
    "cut_off": 0.1,
    "broken_code": 0.15,
    "wrong_language": 0.15,
}
#: Words from which repetition tells, and the shares of repeated four-word phrases and of repeated
#: lines from which an answer goes round in circles.
_LOOP_WORDS, _LOOP_PHRASES, _LOOP_LINES = 60, 0.6, 0.75
#: Signs without a blank that are looked at, and the share of different threes that is a loop.
_LOOP_SIGNS, _LOOP_THREES = 120, 0.12
_GARBLED = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffd\ue000-\uf8ff]")
_GARBLED_SHARE = 0.05
#: A refusal that goes on for longer than this gave something too.
_REFUSAL_LENGTH = 900  # characters


def broken_rules(draft: Draft, said: Text, found: Mapping[str, float]) -> tuple[str, ...]:
    """The names of the rules that a draft breaks, the worst first."""
    text, harmful = said.read, may_refuse(draft.prompt)
    rules = {
        "empty": said.whole == 0 and draft.tool_calls == 0 and draft.complete,
        "withheld": draft.finish == "content_filter",
        "loop": _loops(said, found),
        "garbled": len(_GARBLED.findall(text)) > _GARBLED_SHARE * max(20, len(text)),
        "refusal": not harmful and (draft.finish == "refusal" or _refuses(said)),
        "cut_off": draft.finish == "length",
        "echo": said.whole > OPENING // 10 and draft.text.strip() == draft.prompt.strip(),
        "wrong_language": _in_wrong_language(draft.prompt, said),
    }
    broken = [name for name, holds in rules.items() if holds]
    if said.whole and draft.tool_calls == 0:
        broken += [fault for fault in _format_faults(draft) if fault]
    return tuple(sorted(broken, key=RULES.__getitem__))


def may_refuse(prompt: str) -> bool:
    """Whether the prompt is such that to refuse may be right."""
    return HARMFUL.search(asked(prompt)) is not None


def _format_faults(draft: Draft) -> tuple[str | None, ...]:
    if not draft.complete:
        fits = draft.output is None or begins_as_json(draft.text)
        return (None if fits else "invalid_json",)
    if draft.output is not None:
        return (json_fault(draft.text, draft.output),)
    return (code_fault(draft.text),)


def _loops(said: Text, found: Mapping[str, float]) -> bool:
    circles = len(said.words) >= _LOOP_WORDS and (
        found.get("repeated_phrases", 0.0) > _LOOP_PHRASES
        or found.get("repeated_lines", 0.0) > _LOOP_LINES
    )
    return circles or any(_stutters(part) for part in said.read.split() if len(part) > _LOOP_SIGNS)


def _stutters(signs: str) -> bool:
    threes = [signs[at : at + 3] for at in range(len(signs) - 2)]
    return len(set(threes)) < _LOOP_THREES * len(threes)


def _refuses(said: Text) -> bool:
    match = REFUSAL.search(said.read[:OPENING])
    return match is not None and match.start() < OPENING // 3 and said.whole < _REFUSAL_LENGTH


def _in_wrong_language(prompt: str, said: Text) -> bool:
    wanted = wanted_language(asked(prompt))
    return wanted is not None and not speaks(said.read, wanted)
