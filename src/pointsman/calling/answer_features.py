"""What can be counted in an answer, beside its prompt: the verifier's evidence. Pure.

Every feature has a reason that a reader would accept; none knows a model, a benchmark or a subject.
At most `READ` characters at the head and `TAIL` at the tail are read, so the cost is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import log1p

import msgspec

from pointsman.calling.answer_words import (
    HEDGES,
    OBJECTION,
    REFUSAL,
    SECOND_THOUGHT_PHRASES,
    SECOND_THOUGHTS,
    STOP,
)
from pointsman.calling.sums import check_sums

READ = 6_000
TAIL = 2_000
#: Where an answer shows whether it takes the question on.
OPENING = 400
#: An answer of one line and up to so many characters is nothing but a conclusion.
_BARE = 60
#: Lines shorter than this repeat for good reasons.
_LINE = 15
#: A prompt with fewer words that carry meaning has no keywords to be taken up.
_KEYWORDS = 3
#: How far two numbers differ that are one but for rounding, as a share.
_ROUNDING = 0.006

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_NUMBER = re.compile(r"-?\d[\d,]{0,20}(?:\.\d{1,12})?")
_CONCLUSION = re.compile(
    r"(?:\bthe\s(?:correct\s|final\s|best\s)?answer\s(?:is|should be|must be|would be)\s?:?\s?"
    r"|\"answer\"\s?:\s?|\banswer\s?:[*_]{0,2}\s?|\\boxed\s?|####\s?)(\S[^\n]{0,120})",
    re.IGNORECASE,
)
#: One of which stands in every conclusion.
_CONCLUDING = ("answer", "\\boxed", "####")
#: Signs that an answer ends with.
_ENDS = frozenset(".!?)\"'`}]:*>\u3002\uff01\uff1f\u0964\u2026")
_LETTER = re.compile(r"[\W_]{0,8}(?:option\s)?\(?([A-J])\b")


class Text(msgspec.Struct, frozen=True):
    """An answer or prompt, cut to what is read, and its words."""

    whole: int
    read: str
    words: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Text:
        """Cut `text` to its head and tail, and find the words."""
        stripped = text.strip()
        read = stripped
        if len(stripped) > READ + TAIL:
            read = f"{stripped[:READ]}\n{stripped[-TAIL:]}"
        return cls(len(stripped), read, tuple(word.lower() for word in _WORD.findall(read)))

    @property
    def content(self) -> tuple[str, ...]:
        """The words that carry meaning."""
        return tuple(word for word in self.words if word not in STOP and len(word) > 1)


class Conclusion(msgspec.Struct, frozen=True):
    """What an answer comes down to."""

    #: The words after "the answer is" and the like; empty where it does not say.
    said: str
    #: What stands before them.
    body: str
    #: How often the answer concludes.
    times: int


def conclusion(text: str) -> Conclusion:
    """Find the last conclusion of an answer; one that is bare is its own."""
    lowered = text.lower()
    concludes = any(sign in lowered for sign in _CONCLUDING)
    found = list(_CONCLUSION.finditer(text)) if concludes else []
    if not found:
        return Conclusion(text, "", 1) if _is_bare(text) else Conclusion("", text, 0)
    return Conclusion(found[-1][1], text[: found[-1].start()], len(found))


def _is_bare(text: str) -> bool:
    return 0 < len(text) <= _BARE and "\n" not in text


def chosen(said: Text, choices: Sequence[str]) -> int | None:
    """Which of the options an answer takes, counted from 0; None where it takes none."""
    match = _LETTER.match(conclusion(said.read).said)
    at = ord(match[1]) - ord("A") if match else -1
    return at if 0 <= at < len(choices) else None


def numbers(text: str) -> list[float]:
    """The numbers of a text, in order."""
    return [float(found.replace(",", "")) for found in _NUMBER.findall(text)]


def near(number: float, others: Sequence[float]) -> bool:
    """Whether a number is, but for rounding, one of the others."""
    return any(abs(number - o) <= _ROUNDING * max(abs(number), abs(o)) for o in others)


def features(
    asked: Text, said: Text, choices: Sequence[str], *, complete: bool = True
) -> dict[str, float]:
    """Everything that is counted, by name; `choices` are the options that the prompt lists.

    What an unfinished answer can't show is left out.
    """
    found = {
        **_wording(said),
        **_repetition(said),
        **_sums(said),
        **_shared(asked, said),
    }
    if complete:
        found |= _ending(said) | _concluding(conclusion(said.read), said, choices)
    return found


def _wording(said: Text) -> dict[str, float]:
    opening, lowered = said.read[: 2 * OPENING], said.read.lower()
    objections = len(REFUSAL.findall(opening)) + len(OBJECTION.findall(opening))
    doubts = sum(map(lowered.count, SECOND_THOUGHT_PHRASES))
    return {
        "log_length": log1p(said.whole),
        "objections": log1p(objections),
        "hedges": log1p(sum(word in HEDGES for word in said.words)),
        "second_thoughts": log1p(doubts + sum(word in SECOND_THOUGHTS for word in said.words)),
    }


def _repetition(said: Text) -> dict[str, float]:
    words = said.words
    grams = list(zip(words, words[1:], words[2:], words[3:], strict=False))
    lines = [line.strip() for line in said.read.split("\n") if len(line.strip()) > _LINE]
    return {
        "repeated_phrases": 1.0 - len(set(grams)) / len(grams) if grams else 0.0,
        "repeated_lines": 1.0 - len(set(lines)) / len(lines) if lines else 0.0,
        "variety": len(set(words[:200])) / len(words[:200]) if words else 1.0,
    }


def _shared(asked: Text, said: Text) -> dict[str, float]:
    """The share of the answer's words that stand in the prompt; of the prompt's, in the answer."""
    given, wanted = said.content, set(asked.content)
    found = {"copied": sum(word in wanted for word in given) / (len(given) + 5)}
    if len(wanted) >= _KEYWORDS:
        found["covered"] = len(wanted.intersection(given)) / len(wanted)
    return found


def _sums(said: Text) -> dict[str, float]:
    sums = check_sums(said.read)
    return {"wrong_sums": log1p(sums.wrong), "sums_off": sums.wrong / (sums.checked + 1)}


def _ending(said: Text) -> dict[str, float]:
    finished = _is_bare(said.read) or said.read[-1:] in _ENDS
    return {"cut": float(not finished), "open_fence": float(said.read.count("```") % 2)}


def _concluding(end: Conclusion, said: Text, choices: Sequence[str]) -> dict[str, float]:
    """What the answer comes down to, and whether that follows from the numbers before it."""
    found = {
        "concludes": float(end.times > 0),
        "conclusions": log1p(end.times),
        "undecided": 0.0,
        "derived": 0.0,
        "elsewhere": 0.0,
        "log_said": 0.0,
    }
    before = numbers(end.body)
    if choices:
        at = chosen(said, choices)
        found["undecided"] = float(at is None)
        there, recent = numbers(choices[at]) if at is not None else [], before[-1:]
    else:
        said_there = end.said.strip("\"'`}*. ")
        found["log_said"] = log1p(len(said_there))
        there, recent = numbers(said_there)[-1:], before[-3:]
    if there and before:
        found["derived"] = 1.0 if any(near(number, recent) for number in there) else -1.0
        found["elsewhere"] = float(not any(near(number, before) for number in there))
    return found
